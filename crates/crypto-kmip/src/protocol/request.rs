use zeroize::Zeroizing;

use super::attributes::{self, Mark};
use super::codes::{self, Operation};
use super::message::{self, BatchId};
use super::object::{KeyKind, ObjectKind};
use super::tags;
use crate::ttlv::Item;

/// What a server is asked.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// Which versions of the protocol it speaks.
    DiscoverVersions,
    /// What it can do and who made it.
    Query,
    /// To make a symmetric key for that use.
    Create(KeyKind, i32, Option<Mark<'a>>),
    /// To keep these bytes as an object of that kind.
    Register(ObjectKind, &'a [u8], Option<Mark<'a>>),
    /// Which objects a deployment has made.
    LocateMade(&'a str, Window),
    /// For an object.
    Get(&'a str),
    /// For an object, with its bytes in that format.
    GetAs(&'a str, u32),
    /// In which state an object is.
    GetState(&'a str),
    /// Whose an object is, and when it was made.
    GetMark(&'a str),
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

/// Which of the objects that match to name: some at a time, since an answer may be no longer than a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many to pass over.
    pub offset: i32,
    /// How many to name at most.
    pub most: i32,
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
            Self::Create(..) => Operation::CREATE,
            Self::Register(..) => Operation::REGISTER,
            Self::LocateMade(..) => Operation::LOCATE,
            Self::Get(_) | Self::GetAs(..) => Operation::GET,
            Self::GetState(_) | Self::GetMark(_) => Operation::GET_ATTRIBUTES,
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
            Self::DiscoverVersions
            | Self::Query
            | Self::Create(..)
            | Self::Register(..)
            | Self::LocateMade(..) => None,
            Self::Get(uid)
            | Self::GetAs(uid, _)
            | Self::GetState(uid)
            | Self::GetMark(uid)
            | Self::Activate(uid)
            | Self::Revoke(uid)
            | Self::Destroy(uid)
            | Self::Encrypt(uid, _)
            | Self::Decrypt(uid, _) => Some(uid),
        }
    }

    /// Whether doing it twice comes to the same as doing it once.
    pub fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Create(..) | Self::Register(..))
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
            Self::Create(key, usage, mark) => key.create(usage, mark),
            Self::Register(object, bytes, mark) => object.register(bytes, mark),
            Self::LocateMade(deployment, window) => vec![
                Item::integer(tags::MAXIMUM_ITEMS, window.most),
                Item::integer(tags::OFFSET_ITEMS, window.offset),
                attributes::made_by(deployment),
            ],
            Self::GetAs(uid, format) => vec![name(uid), Item::enumeration(tags::KEY_FORMAT_TYPE, format)],
            Self::Get(uid) | Self::Activate(uid) | Self::Destroy(uid) => vec![name(uid)],
            Self::GetState(uid) => vec![name(uid), Item::text(tags::ATTRIBUTE_NAME, attributes::STATE)],
            Self::GetMark(uid) => {
                let asked = attributes::WHOSE.map(|asked| Item::text(tags::ATTRIBUTE_NAME, asked));
                std::iter::once(name(uid)).chain(asked).collect()
            }
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

fn name(uid: &str) -> Item<'_> {
    Item::text(tags::UNIQUE_IDENTIFIER, uid)
}
