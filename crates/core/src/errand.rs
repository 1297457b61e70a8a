//! What an operator asks of the servers, to be done with one secret: the tool that asks has the database only for a
//! moment, and what is done goes on record in the journal of whoever does it.

use crate::audit::Action;
use crate::id::{ErrandId, SecretId, UserId};
use crate::ports::StoredPayload;
use crate::secret::{ContentType, Secret};
use crate::time::Timestamp;

pub use crate::service::ask_for as ask;

/// One thing that is to be done, or has been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// Its id.
    pub id: ErrandId,
    /// With which secret.
    pub secret: SecretId,
    /// What.
    pub act: Act,
    /// Who asks, as the tool was told.
    pub operator: UserId,
    /// When it was asked for.
    pub asked: Timestamp,
    /// How it ended; `None` while it has not.
    pub end: Option<End>,
}

/// What is to be done with a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A deleted one is brought back.
    Restore,
    /// A deleted one is destroyed.
    Purge,
    /// Another one takes its place.
    Replace(Successor),
}

/// What takes a secret's place. All that is not said here is as with that secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// Its id.
    pub id: SecretId,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is unreadable.
    pub expiration: Option<Timestamp>,
    /// Its payload, sealed for it; nothing once it has its place, or has been refused it.
    pub payload: Option<StoredPayload>,
    /// How long, in seconds, the old one is kept besides.
    pub overlap: u32,
}

impl Successor {
    /// The secret that takes the place of `old`.
    pub fn of(&self, old: &Secret, content_type: ContentType) -> Secret {
        Secret {
            id: self.id,
            created: self.created,
            updated: self.created,
            expiration: self.expiration,
            content_type: Some(content_type),
            ..old.clone()
        }
    }
}

/// How something ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It was done.
    Done,
    /// It was refused, and why.
    Refused(String),
}

impl Act {
    /// What goes on record.
    pub(crate) fn action(&self) -> Action {
        match self {
            Self::Restore => Action::SecretRestore,
            Self::Purge => Action::SecretDestroy,
            Self::Replace(_) => Action::SecretReplace,
        }
    }
}

/// A secret that another one has taken the place of, and that is kept besides for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The secret.
    pub old: SecretId,
    /// The other one.
    pub new: SecretId,
    /// Who wanted it.
    pub operator: UserId,
    /// When the old one is deleted.
    pub until: Timestamp,
}
