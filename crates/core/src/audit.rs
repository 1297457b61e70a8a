//! What is put on record about every request and every background act. A record names who, what, on what
//! and how it ended; no field of it can hold a payload, a key or a token.

use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::access::Caller;
use crate::acl::AccessChange;
use crate::error::Error;
use crate::id::{ChangeId, ContainerId, OrderId, ReviewId, SecretId, SecretStoreId, TransportKeyId};
use crate::object::Object;
use crate::time::Timestamp;

/// One thing that happened, or is about to.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Whether this announces a change or tells how something ended.
    pub phase: Phase,
    /// Ties a change's intent and outcome together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeId>,
    /// What was done or attempted.
    pub action: Action,
    /// On what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// By whom; absent for the service's own acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// From where.
    pub origin: Origin,
    /// How it ended; absent in an intent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why it was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Who gained and who lost access, when an access control list was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessChange>,
}

/// The half of a change that a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Durable before the effect.
    Intent,
    /// Durable before the answer.
    Outcome,
}

/// What was done or attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum Action {
    /// Asked which API versions there are.
    #[serde(rename = "version.read")]
    VersionRead,
    /// Stored a secret, with or without its payload.
    #[serde(rename = "secret.create")]
    SecretCreate,
    /// Listed secrets.
    #[serde(rename = "secret.list")]
    SecretList,
    /// Read what is known about a secret.
    #[serde(rename = "secret.read")]
    SecretRead,
    /// Read a secret's payload.
    #[serde(rename = "secret.payload.read")]
    PayloadRead,
    /// Uploaded a secret's payload.
    #[serde(rename = "secret.payload.store")]
    PayloadStore,
    /// Deleted a secret.
    #[serde(rename = "secret.delete")]
    SecretDelete,
    /// Brought back a deleted secret.
    #[serde(rename = "secret.restore")]
    SecretRestore,
    /// Put another secret in a secret's place: in its containers, and for those who use it.
    #[serde(rename = "secret.replace")]
    SecretReplace,
    /// Destroyed a secret that had expired, or had been deleted, long enough ago, or as an operator wanted.
    #[serde(rename = "secret.destroy")]
    SecretDestroy,
    /// Opened a secret that was stored by an earlier version, to read until when the certificate in it is good.
    #[serde(rename = "secret.certificate.read")]
    CertificateRead,
    /// Told people that a secret is about to end, or has ended.
    #[serde(rename = "expiry.notice")]
    ExpiryNotice,
    /// Noted that somebody knows of a secret's end; nobody is told of it any more.
    #[serde(rename = "expiry.acknowledge")]
    ExpiryAcknowledge,
    /// Had a backend destroy what it held of a payload that is not stored any more.
    #[serde(rename = "secret.payload.forget")]
    PayloadForget,
    /// Signed off a review of secrets that nobody seems to need, once its decisions were carried out.
    #[serde(rename = "review.sign")]
    ReviewSign,
    /// Read a secret's user metadata.
    #[serde(rename = "secret.metadata.read")]
    MetadataRead,
    /// Changed a secret's user metadata.
    #[serde(rename = "secret.metadata.update")]
    MetadataUpdate,
    /// Read an access control list.
    #[serde(rename = "acl.read")]
    AclRead,
    /// Changed who may read; the record says who gained and who lost access.
    #[serde(rename = "acl.update")]
    AclUpdate,
    /// Removed an access control list.
    #[serde(rename = "acl.delete")]
    AclDelete,
    /// Listed consumers, or read one.
    #[serde(rename = "consumer.read")]
    ConsumerRead,
    /// Registered a consumer.
    #[serde(rename = "consumer.create")]
    ConsumerCreate,
    /// Removed a consumer.
    #[serde(rename = "consumer.delete")]
    ConsumerDelete,
    /// Made a container.
    #[serde(rename = "container.create")]
    ContainerCreate,
    /// Listed containers.
    #[serde(rename = "container.list")]
    ContainerList,
    /// Read a container.
    #[serde(rename = "container.read")]
    ContainerRead,
    /// Deleted a container.
    #[serde(rename = "container.delete")]
    ContainerDelete,
    /// Put a secret into a container.
    #[serde(rename = "container.member.add")]
    MemberAdd,
    /// Took a secret out of a container.
    #[serde(rename = "container.member.remove")]
    MemberRemove,
    /// Placed an order.
    #[serde(rename = "order.create")]
    OrderCreate,
    /// Listed orders.
    #[serde(rename = "order.list")]
    OrderList,
    /// Read an order.
    #[serde(rename = "order.read")]
    OrderRead,
    /// Deleted an order.
    #[serde(rename = "order.delete")]
    OrderDelete,
    /// Carried an order out, or found that it can't be.
    #[serde(rename = "order.complete")]
    OrderComplete,
    /// Read quotas.
    #[serde(rename = "quota.read")]
    QuotaRead,
    /// Set a project's quotas.
    #[serde(rename = "quota.update")]
    QuotaUpdate,
    /// Removed a project's quotas.
    #[serde(rename = "quota.delete")]
    QuotaDelete,
    /// Read which secret stores there are.
    #[serde(rename = "store.read")]
    StoreRead,
    /// Chose a project's secret store.
    #[serde(rename = "store.update")]
    StoreUpdate,
    /// Offered a secret store to clients, or no longer.
    #[serde(rename = "store.reconcile")]
    StoreReconcile,
    /// Moved a project's secrets from one secret store to another.
    #[serde(rename = "store.migrate")]
    StoreMigrate,
    /// Listed or read transport keys.
    #[serde(rename = "transport-key.read")]
    TransportKeyRead,
    /// Added a transport key.
    #[serde(rename = "transport-key.create")]
    TransportKeyCreate,
    /// Deleted a transport key.
    #[serde(rename = "transport-key.delete")]
    TransportKeyDelete,
    /// Made a project's key.
    #[serde(rename = "project-key.create")]
    ProjectKeyCreate,
    /// Gave a project a newer key, sealed its secrets again under that one, and gave up the older ones.
    #[serde(rename = "project-key.rotate")]
    ProjectKeyRotate,
    /// Met a master key version for the first time.
    #[serde(rename = "master-key.register")]
    MasterKeyRegister,
    /// Let a master key version wrap new project keys, once every server had proved to have it.
    #[serde(rename = "master-key.activate")]
    MasterKeyActivate,
    /// Rewrapped every project key by the active master key version.
    #[serde(rename = "master-key.rewrap")]
    MasterKeyRewrap,
    /// Opened every project key under the active master key version.
    #[serde(rename = "master-key.verify")]
    MasterKeyVerify,
    /// Gave up the master key versions that nothing names any more.
    #[serde(rename = "master-key.retire")]
    MasterKeyRetire,
    /// Put the database of a backup in place; the record names the end of the journal that was kept with it.
    #[serde(rename = "backup.restore")]
    BackupRestore,
    /// Found out, after a crash, whether a change that was begun had been done.
    #[serde(rename = "change.settle")]
    ChangeSettle,
    /// Found that records look like an attack, and told operators; the target names rule and subject.
    #[serde(rename = "alert.raise")]
    AlertRaise,
    /// Locked somebody out for a while; the target names rule, time and whom.
    #[serde(rename = "lock-out.begin")]
    LockOutBegin,
    /// Nothing was done: an operator wanted to see a record arrive wherever records are forwarded to.
    #[serde(rename = "audit.test")]
    AuditTest,
    /// Sent a request that names nothing this service has.
    #[serde(rename = "request")]
    Request,
    /// Asked to be let in, and was turned away at the edge of the network, before anybody was identified. One
    /// record stands for all that are alike within a time.
    #[serde(rename = "admit")]
    Admit,
    /// Tried to come in without a valid identity.
    #[serde(rename = "authenticate")]
    Authenticate,
}

/// What an act was on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A secret.
    Secret(SecretId),
    /// A container.
    Container(ContainerId),
    /// An order.
    Order(OrderId),
    /// A project's quotas, by the project's id.
    Quotas(String),
    /// A secret store.
    SecretStore(SecretStoreId),
    /// A transport key.
    TransportKey(TransportKeyId),
    /// A project's key, by the project's id.
    ProjectKey(String),
    /// A master key version, as `backend:version`.
    MasterKey(String),
    /// Where another journal ended, as `node:sequence:hash`.
    JournalEnd(String),
    /// A project's move between secret stores, as `from:to:project`.
    Migration(String),
    /// An alert, as `rule: subject`.
    Alert(String),
    /// A lock-out, as `rule: seconds s, whom`.
    LockOut(String),
    /// A review of secrets.
    Review(ReviewId),
}

impl From<Object> for Target {
    fn from(object: Object) -> Self {
        match object {
            Object::Secret(id) => Self::Secret(id),
            Object::Container(id) => Self::Container(id),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(id) => write!(f, "secret/{id}"),
            Self::Container(id) => write!(f, "container/{id}"),
            Self::Order(id) => write!(f, "order/{id}"),
            Self::Quotas(project) => write!(f, "quotas/{project}"),
            Self::SecretStore(id) => write!(f, "secret-store/{id}"),
            Self::TransportKey(id) => write!(f, "transport-key/{id}"),
            Self::ProjectKey(project) => write!(f, "project-key/{project}"),
            Self::MasterKey(name) => write!(f, "master-key/{name}"),
            Self::JournalEnd(place) => write!(f, "journal-end/{place}"),
            Self::Migration(what) => write!(f, "migration/{what}"),
            Self::Alert(what) => write!(f, "alert/{what}"),
            Self::LockOut(what) => write!(f, "lock-out/{what}"),
            Self::Review(id) => write!(f, "review/{id}"),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The network address of the client; absent when it was called in the same process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The id given to this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The id that the caller carries across services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global_request_id: Option<String>,
}

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused: the caller asked for what is not there, not allowed or not valid.
    Refused,
    /// It failed through no fault of the caller's; it changed nothing.
    Failed,
    /// Whether it was done is not known yet; a record of how it was settled follows.
    Unknown,
    /// It was begun before a crash, and had been done.
    SettledDone,
    /// It was begun before a crash, and had not been done.
    SettledUndone,
}

/// Why an act was refused or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// A stable word.
    pub code: &'static str,
    /// The access rule that refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// The field that broke a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property: Option<&'static str>,
    /// How many like acts the record stands for, where it may be more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

impl Reason {
    /// A reason that is just its word.
    pub const fn of(code: &'static str) -> Self {
        Self { code, rule: None, property: None, times: None }
    }

    /// A reason for which so many acts were refused.
    pub const fn counted(code: &'static str, times: u64) -> Self {
        Self { code, rule: None, property: None, times: Some(times) }
    }
}

impl From<&Error> for Reason {
    fn from(error: &Error) -> Self {
        let mut reason = Self::of(error.code());
        match error {
            Error::Forbidden { rule } => reason.rule = Some(rule),
            Error::Invalid(violation) => reason.property = Some(violation.property),
            _ => {}
        }
        reason
    }
}
