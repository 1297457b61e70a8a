//! Orders: keys that the key manager makes itself (spec section 10).

use std::fmt;

use crate::error::Violation;
use crate::id::{ContainerId, OrderId, ProjectId, SecretId, UserId};
use crate::ports::StoredPayload;
use crate::secret::{BitLength, ContentType, Label, Paging, Payload};
use crate::time::Timestamp;

/// Longest reason of a failure in characters.
const MAX_REASON: usize = 255;

/// What is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderType {
    /// A symmetric key.
    Key,
    /// A key pair.
    Asymmetric,
}

impl OrderType {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Key, Self::Asymmetric];

    /// The name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Asymmetric => "asymmetric",
        }
    }

    /// The type of that exact name.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or(Violation::new("type", "is neither key nor asymmetric"))
    }
}

impl fmt::Display for OrderType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the ordered key is to be like. The algorithm and length are only judged when the key is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpec {
    /// The name of what is made.
    pub name: Option<Label>,
    /// The algorithm.
    pub algorithm: Label,
    /// The mode of operation.
    pub mode: Option<Label>,
    /// The length, a multiple of 8 but for elliptic curves.
    pub bit_length: BitLength,
    /// When what is made expires.
    pub expiration: Option<Timestamp>,
    /// What the payloads are said to be.
    pub content_type: ContentType,
}

/// An order about to be placed.
#[derive(Debug)]
pub struct NewOrder {
    /// What is ordered.
    pub order_type: OrderType,
    /// What the key is to be like.
    pub spec: KeySpec,
    /// Encrypts a private key's PKCS#8 form, and is kept as a secret beside it. Asymmetric orders only.
    pub passphrase: Option<Payload>,
    /// The request's `meta` as JSON text, to be shown again. Without the passphrase.
    pub meta: String,
}

/// An order at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id, made by the key manager.
    pub id: OrderId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// The user who placed it, and creates what it makes.
    pub creator: Option<UserId>,
    /// What is ordered.
    pub order_type: OrderType,
    /// What the key is to be like.
    pub spec: KeySpec,
    /// The passphrase, sealed; gone once the order has ended.
    pub passphrase: Option<StoredPayload>,
    /// The request's `meta` as JSON text.
    pub meta: String,
    /// How far it has come.
    pub state: OrderState,
    /// When it was placed.
    pub created: Timestamp,
    /// When its state last changed.
    pub updated: Timestamp,
}

/// How far an order has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderState {
    /// Accepted, and not worked on or not finished yet.
    Pending,
    /// Done.
    Active(OrderResult),
    /// It can't be done.
    Failed(OrderFailure),
}

/// What an order has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderResult {
    /// A symmetric key.
    Secret(SecretId),
    /// A key pair, in a container.
    Container(ContainerId),
}

/// Why an order can't be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFailure {
    /// As an HTTP status: 400 when the order is at fault, 500 when the service is.
    pub code: u16,
    /// In words.
    reason: String,
}

impl OrderFailure {
    /// Cuts the reason at 255 characters (spec section 10.1).
    pub fn new(code: u16, reason: &str) -> Self {
        Self { code, reason: reason.chars().take(MAX_REASON).collect() }
    }

    /// In words.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Which of a project's orders to list, in order of creation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderQuery {
    /// A part of the text of `meta`.
    pub meta: Option<String>,
    /// Which part of the matches.
    pub paging: Paging,
}
