use thiserror::Error;

use super::attributes::{self, Mark};
use super::codes::{self, Operation, State};
use super::message::{BatchId, VERSION};
use super::request::Request;
use super::tags;
use crate::ttlv::{DecodeError, Item, Value, decode};

/// Longest text of a server's that is shown, in characters.
const LONGEST_TEXT: usize = 200;

/// Why a message is no answer to what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is no KMIP message.
    #[error("the answer is no KMIP message: {0}")]
    Malformed(DecodeError),
    /// It is a message, and not the answer to this request. What comes next on its connection can't be
    /// trusted either.
    #[error("the answer is not to what was asked: {0}")]
    Wrong(&'static str),
    /// The server refuses.
    #[error("{operation} was refused: {text} (reason {reason:#x})")]
    Refused {
        /// What was refused.
        operation: Operation,
        /// The standard's number for the reason.
        reason: u32,
        /// The server's words.
        text: String,
    },
}

/// The payload of an answer that has been checked: it is to this very request, and says success.
#[derive(Debug)]
pub struct Reply<'a>(Item<'a>);

impl<'a> Reply<'a> {
    /// Judges a message as the answer to `request`, sent under `id`.
    pub fn judge(message: &'a [u8], request: &Request<'_>, id: BatchId) -> Result<Self, Fault> {
        let message = decode(message).map_err(Fault::Malformed)?;
        let wrong = |what| Err(Fault::Wrong(what));
        if message.tag != tags::RESPONSE_MESSAGE {
            return wrong("it is no response");
        }
        let [header, item] = message.items() else { return wrong("it does not hold one answer") };
        if header.tag != tags::RESPONSE_HEADER || item.tag != tags::BATCH_ITEM {
            return wrong("it does not hold a header and an answer");
        }
        if header.integer_of(tags::BATCH_COUNT) != Some(1) {
            return wrong("its count of answers is not one");
        }
        match item.bytes_of(tags::UNIQUE_BATCH_ITEM_ID) {
            Some(echo) if echo != id.0 => return wrong("it is for another request of this connection"),
            _ => {}
        }
        let operation = item.enumeration_of(tags::OPERATION).map(Operation);
        if item.enumeration_of(tags::RESULT_STATUS) != Some(codes::SUCCESS) {
            // A server that could not read the request does not know what was asked.
            if operation.is_some_and(|found| found != request.operation()) {
                return wrong("it refuses another operation");
            }
            let text = item.text_of(tags::RESULT_MESSAGE).unwrap_or("no reason given");
            return Err(Fault::Refused {
                operation: request.operation(),
                reason: item.enumeration_of(tags::RESULT_REASON).unwrap_or(codes::GENERAL_FAILURE),
                text: text.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect(),
            });
        }
        if operation != Some(request.operation()) {
            return wrong("it is about another operation");
        }
        let version = header.find(tags::PROTOCOL_VERSION).and_then(version_of);
        if version != Some(VERSION) {
            return wrong("it is in another version of the protocol");
        }
        let payload = item.find(tags::RESPONSE_PAYLOAD).cloned();
        let payload = payload.unwrap_or_else(|| Item::structure(tags::RESPONSE_PAYLOAD, Vec::new()));
        if let Some(wanted) = request.object()
            && payload.text_of(tags::UNIQUE_IDENTIFIER) != Some(wanted)
        {
            return wrong("it is about another object");
        }
        Ok(Self(payload))
    }

    /// The object that was made or registered.
    pub fn uid(&self) -> Result<&'a str, Fault> {
        let uid = self.0.text_of(tags::UNIQUE_IDENTIFIER);
        let uid = uid.filter(|uid| is_plain(uid));
        uid.ok_or(Fault::Wrong("it does not name the object"))
    }

    /// The bytes that an object holds.
    pub fn object(&self) -> Result<&'a [u8], Fault> {
        let keys = [tags::SECRET_DATA, tags::SYMMETRIC_KEY, tags::PRIVATE_KEY, tags::PUBLIC_KEY];
        let material = || {
            if let Some(certificate) = self.0.find(tags::CERTIFICATE) {
                return certificate.bytes_of(tags::CERTIFICATE_VALUE);
            }
            let object = keys.into_iter().find_map(|tag| self.0.find(tag))?;
            object.find(tags::KEY_BLOCK)?.find(tags::KEY_VALUE)?.bytes_of(tags::KEY_MATERIAL)
        };
        material().ok_or(Fault::Wrong("it holds no object that can be read"))
    }

    /// What came out of a cipher.
    pub fn data(&self) -> Result<&'a [u8], Fault> {
        self.0.bytes_of(tags::DATA).ok_or(Fault::Wrong("it holds no data"))
    }

    /// The tag that came out of a cipher.
    pub fn tag(&self) -> Result<&'a [u8], Fault> {
        self.0.bytes_of(tags::AUTHENTICATED_ENCRYPTION_TAG).ok_or(Fault::Wrong("it holds no tag"))
    }

    /// In which state the object is.
    pub fn state(&self) -> Option<State> {
        attributes::said(&self.0, attributes::STATE).find_map(|said| match said.value {
            Value::Enumeration(number) => Some(State(number)),
            _ => None,
        })
    }

    /// The objects that were found.
    pub fn located(&self) -> Vec<&'a str> {
        let named = self.0.items().iter().filter(|item| item.tag == tags::UNIQUE_IDENTIFIER);
        let text = |item: &Item<'a>| match item.value {
            Value::Text(uid) => Some(uid),
            _ => None,
        };
        named.filter_map(text).filter(|uid| is_plain(uid)).collect()
    }

    /// Whose the object is; `None` when it has no mark, or more than one.
    pub fn mark(&self) -> Option<Mark<'a>> {
        let notes = attributes::said(&self.0, attributes::APPLICATION)
            .filter(|note| note.text_of(tags::APPLICATION_NAMESPACE) == Some(attributes::DEPLOYMENT))
            .map(|note| note.text_of(tags::APPLICATION_DATA));
        let groups = attributes::said(&self.0, attributes::GROUP).map(|group| match group.value {
            Value::Text(purpose) => Some(purpose),
            _ => None,
        });
        Some(Mark { deployment: only(notes)??, purpose: only(groups)?? })
    }

    /// When the object was made, in seconds since 1970, as the server counts time.
    pub fn made(&self) -> Option<i64> {
        attributes::said(&self.0, attributes::INITIAL_DATE).find_map(|said| match said.value {
            Value::DateTime(seconds) => Some(seconds),
            _ => None,
        })
    }

    /// The versions of the protocol that the server speaks.
    pub fn versions(&self) -> Vec<(i32, i32)> {
        self.0
            .items()
            .iter()
            .filter(|item| item.tag == tags::PROTOCOL_VERSION)
            .filter_map(version_of)
            .collect()
    }

    /// What the server can do.
    pub fn operations(&self) -> Vec<Operation> {
        let operations = self.0.items().iter().filter(|item| item.tag == tags::OPERATION);
        let number = |item: &Item<'_>| match item.value {
            Value::Enumeration(number) => Some(Operation(number)),
            _ => None,
        };
        operations.filter_map(number).collect()
    }

    /// Who made the server, in its own words.
    pub fn vendor(&self) -> Option<String> {
        let text = self.0.text_of(tags::VENDOR_IDENTIFICATION)?;
        Some(text.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect())
    }
}

fn only<T>(mut several: impl Iterator<Item = T>) -> Option<T> {
    let first = several.next();
    if several.next().is_some() { None } else { first }
}

/// A name that can be written down wherever names are.
fn is_plain(uid: &str) -> bool {
    !uid.is_empty() && !uid.contains(char::is_control)
}

fn version_of(item: &Item<'_>) -> Option<(i32, i32)> {
    Some((item.integer_of(tags::PROTOCOL_VERSION_MAJOR)?, item.integer_of(tags::PROTOCOL_VERSION_MINOR)?))
}
