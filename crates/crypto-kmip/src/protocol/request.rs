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
    /// To keep these bytes, as Secret Data: they are a secret, and the server is not to look into them. A secret's
    /// type is its owner's word only; as a key or certificate a server could refuse bytes that are none.
    Register(&'a [u8]),
    /// For an object.
    Get(&'a str),
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
            Self::Register(_) => Operation::REGISTER,
            Self::Get(_) => Operation::GET,
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
            Self::DiscoverVersions | Self::Query | Self::CreateKey | Self::Register(_) => None,
            Self::Get(uid)
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
        !matches!(self, Self::CreateKey | Self::Register(_))
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
            Self::Register(bytes) => register(bytes),
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

const SYMMETRIC_KEY: u32 = 2;
const SECRET_DATA: u32 = 7;

fn register(bytes: &[u8]) -> Vec<Item<'_>> {
    let value = Item::structure(tags::KEY_VALUE, vec![Item::bytes(tags::KEY_MATERIAL, bytes)]);
    let block = vec![Item::enumeration(tags::KEY_FORMAT_TYPE, codes::OPAQUE), value];
    let object = vec![
        Item::enumeration(tags::SECRET_DATA_TYPE, codes::PASSWORD),
        Item::structure(tags::KEY_BLOCK, block),
    ];
    vec![
        Item::enumeration(tags::OBJECT_TYPE, SECRET_DATA),
        attributes(vec![attribute("Cryptographic Usage Mask", |tag| Item::integer(tag, codes::EXPORT))]),
        Item::structure(tags::SECRET_DATA, object),
    ]
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
