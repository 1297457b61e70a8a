//! Objects as a server is given them.

use super::attributes::{self, Mark};
use super::codes;
use super::tags;
use crate::ttlv::Item;

const CERTIFICATE: u32 = 1;
const SYMMETRIC_KEY: u32 = 2;
const PUBLIC_KEY: u32 = 3;
const PRIVATE_KEY: u32 = 4;
const SECRET_DATA: u32 = 7;

/// What an object is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// Secret Data, into which a server does not look.
    SecretData,
    /// A symmetric key.
    SymmetricKey(KeyKind),
    /// A private key, as PKCS #8.
    PrivateKey(KeyKind),
    /// A public key, as SubjectPublicKeyInfo.
    PublicKey(KeyKind),
    /// An X.509 certificate.
    Certificate,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyKind {
    /// The standard's number for the algorithm.
    pub algorithm: u32,
    /// The length in bits.
    pub bits: i32,
}

impl KeyKind {
    /// What it takes to have a symmetric key made.
    pub(super) fn create(self, usage: i32, mark: Option<Mark<'_>>) -> Vec<Item<'_>> {
        let mut said = attributes::kind(self.algorithm, self.bits).to_vec();
        said.push(attributes::usage(usage));
        vec![Item::enumeration(tags::OBJECT_TYPE, SYMMETRIC_KEY), template(said, mark)]
    }
}

impl ObjectKind {
    /// What it takes to have these bytes kept.
    pub(super) fn register<'a>(self, bytes: &'a [u8], mark: Option<Mark<'a>>) -> Vec<Item<'a>> {
        let (number, tag, object) = match self {
            Self::SecretData => {
                let password = Item::enumeration(tags::SECRET_DATA_TYPE, codes::PASSWORD);
                (SECRET_DATA, tags::SECRET_DATA, vec![password, key_block(codes::OPAQUE, bytes, None)])
            }
            Self::SymmetricKey(key) => {
                (SYMMETRIC_KEY, tags::SYMMETRIC_KEY, vec![key_block(codes::RAW, bytes, Some(key))])
            }
            Self::PrivateKey(key) => {
                (PRIVATE_KEY, tags::PRIVATE_KEY, vec![key_block(codes::PKCS_8, bytes, Some(key))])
            }
            Self::PublicKey(key) => {
                (PUBLIC_KEY, tags::PUBLIC_KEY, vec![key_block(codes::X_509, bytes, Some(key))])
            }
            Self::Certificate => {
                let x_509 = Item::enumeration(tags::CERTIFICATE_TYPE, codes::X_509_CERTIFICATE);
                (CERTIFICATE, tags::CERTIFICATE, vec![x_509, Item::bytes(tags::CERTIFICATE_VALUE, bytes)])
            }
        };
        vec![
            Item::enumeration(tags::OBJECT_TYPE, number),
            template(vec![attributes::usage(codes::EXPORT)], mark),
            Item::structure(tag, object),
        ]
    }
}

fn template<'a>(mut said: Vec<Item<'a>>, mark: Option<Mark<'a>>) -> Item<'a> {
    said.extend(mark.into_iter().flat_map(Mark::attributes));
    Item::structure(tags::TEMPLATE_ATTRIBUTE, said)
}

fn key_block(format: u32, bytes: &[u8], key: Option<KeyKind>) -> Item<'_> {
    let value = Item::structure(tags::KEY_VALUE, vec![Item::bytes(tags::KEY_MATERIAL, bytes)]);
    let mut block = vec![Item::enumeration(tags::KEY_FORMAT_TYPE, format), value];
    if let Some(KeyKind { algorithm, bits }) = key {
        block.push(Item::enumeration(tags::CRYPTOGRAPHIC_ALGORITHM, algorithm));
        block.push(Item::integer(tags::CRYPTOGRAPHIC_LENGTH, bits));
    }
    Item::structure(tags::KEY_BLOCK, block)
}
