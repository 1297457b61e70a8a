use zeroize::Zeroizing;

use super::codes::{self, Operation};
use super::message::{self, BatchId};
use super::tags;
use crate::ttlv::Item;

/// What a server is asked.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// Which versions of the protocol it speaks.
    DiscoverVersions,
    /// What it can do and who made it.
    Query,
    /// To make an AES-256 key that encrypts and decrypts.
    CreateKey,
    /// To keep these bytes as an object of that kind.
    Register(ObjectKind, &'a [u8]),
    /// For an object.
    Get(&'a str),
    /// For an object, with its bytes in that format.
    GetAs(&'a str, u32),
    /// In which state an object is.
    GetState(&'a str),
    /// To let an object be used.
    Activate(&'a str),
    /// To let an object no longer be used.
    Revoke(&'a str),
    /// To destroy an object.
    Destroy(&'a str),
    /// To encrypt with AES-GCM.
    Encrypt(&'a str, Gcm<'a>),
    /// To decrypt with AES-GCM.
    Decrypt(&'a str, Gcm<'a>),
}

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

/// What AES-GCM works on.
#[derive(Debug, Clone, Copy)]
pub struct Gcm<'a> {
    /// The nonce, 12 bytes.
    pub nonce: &'a [u8],
    /// What is authenticated and not encrypted.
    pub associated: &'a [u8],
    /// The text, plain or encrypted.
    pub text: &'a [u8],
    /// The tag, 16 bytes; given to decrypt.
    pub tag: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// The operation.
    pub fn operation(&self) -> Operation {
        match self {
            Self::DiscoverVersions => Operation::DISCOVER_VERSIONS,
            Self::Query => Operation::QUERY,
            Self::CreateKey => Operation::CREATE,
            Self::Register(..) => Operation::REGISTER,
            Self::Get(_) | Self::GetAs(..) => Operation::GET,
            Self::GetState(_) => Operation::GET_ATTRIBUTES,
            Self::Activate(_) => Operation::ACTIVATE,
            Self::Revoke(_) => Operation::REVOKE,
            Self::Destroy(_) => Operation::DESTROY,
            Self::Encrypt(..) => Operation::ENCRYPT,
            Self::Decrypt(..) => Operation::DECRYPT,
        }
    }

    /// The object that it is about, which the answer has to name.
    pub fn object(&self) -> Option<&'a str> {
        match self {
            Self::DiscoverVersions | Self::Query | Self::CreateKey | Self::Register(..) => None,
            Self::Get(uid)
            | Self::GetAs(uid, _)
            | Self::GetState(uid)
            | Self::Activate(uid)
            | Self::Revoke(uid)
            | Self::Destroy(uid)
            | Self::Encrypt(uid, _)
            | Self::Decrypt(uid, _) => Some(uid),
        }
    }

    /// Whether doing it twice comes to the same as doing it once.
    pub fn is_repeatable(&self) -> bool {
        !matches!(self, Self::CreateKey | Self::Register(..))
    }

    /// The message to send, in memory that is wiped when dropped.
    pub fn encode(&self, id: BatchId) -> Zeroizing<Vec<u8>> {
        message::request(self.operation(), id, self.payload())
    }

    fn payload(&self) -> Vec<Item<'a>> {
        match *self {
            Self::DiscoverVersions => Vec::new(),
            // Operations, objects, and who the server is.
            Self::Query => [1, 2, 3].map(|asked| Item::enumeration(tags::QUERY_FUNCTION, asked)).to_vec(),
            Self::CreateKey => vec![
                Item::enumeration(tags::OBJECT_TYPE, SYMMETRIC_KEY),
                attributes(vec![
                    attribute("Cryptographic Algorithm", |tag| Item::enumeration(tag, codes::AES)),
                    attribute("Cryptographic Length", |tag| Item::integer(tag, 256)),
                    attribute("Cryptographic Usage Mask", |tag| {
                        Item::integer(tag, codes::ENCRYPT_AND_DECRYPT)
                    }),
                ]),
            ],
            Self::Register(object, bytes) => object.register(bytes),
            Self::GetAs(uid, format) => vec![name(uid), Item::enumeration(tags::KEY_FORMAT_TYPE, format)],
            Self::Get(uid) | Self::Activate(uid) | Self::Destroy(uid) => vec![name(uid)],
            Self::GetState(uid) => vec![name(uid), Item::text(tags::ATTRIBUTE_NAME, "State")],
            Self::Revoke(uid) => vec![
                name(uid),
                Item::structure(
                    tags::REVOCATION_REASON,
                    vec![Item::enumeration(tags::REVOCATION_REASON_CODE, codes::CESSATION_OF_OPERATION)],
                ),
            ],
            Self::Encrypt(uid, gcm) | Self::Decrypt(uid, gcm) => gcm.payload(uid),
        }
    }
}

impl<'a> Gcm<'a> {
    fn payload(self, uid: &'a str) -> Vec<Item<'a>> {
        let parameters = vec![
            Item::enumeration(tags::BLOCK_CIPHER_MODE, codes::GCM),
            Item::enumeration(tags::CRYPTOGRAPHIC_ALGORITHM, codes::AES),
            Item::integer(tags::TAG_LENGTH, 16),
        ];
        let mut items = vec![
            name(uid),
            Item::structure(tags::CRYPTOGRAPHIC_PARAMETERS, parameters),
            Item::bytes(tags::DATA, self.text),
            Item::bytes(tags::IV_COUNTER_NONCE, self.nonce),
            Item::bytes(tags::AUTHENTICATED_ENCRYPTION_ADDITIONAL_DATA, self.associated),
        ];
        items.extend(self.tag.map(|tag| Item::bytes(tags::AUTHENTICATED_ENCRYPTION_TAG, tag)));
        items
    }
}

const CERTIFICATE: u32 = 1;
const SYMMETRIC_KEY: u32 = 2;
const PUBLIC_KEY: u32 = 3;
const PRIVATE_KEY: u32 = 4;
const SECRET_DATA: u32 = 7;

impl ObjectKind {
    fn register(self, bytes: &[u8]) -> Vec<Item<'_>> {
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
            attributes(vec![attribute("Cryptographic Usage Mask", |tag| Item::integer(tag, codes::EXPORT))]),
            Item::structure(tag, object),
        ]
    }
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

fn name(uid: &str) -> Item<'_> {
    Item::text(tags::UNIQUE_IDENTIFIER, uid)
}

fn attributes(attributes: Vec<Item<'_>>) -> Item<'_> {
    Item::structure(tags::TEMPLATE_ATTRIBUTE, attributes)
}

fn attribute<'a>(name: &'a str, value: impl FnOnce(crate::ttlv::Tag) -> Item<'a>) -> Item<'a> {
    Item::structure(
        tags::ATTRIBUTE,
        vec![Item::text(tags::ATTRIBUTE_NAME, name), value(tags::ATTRIBUTE_VALUE)],
    )
}
