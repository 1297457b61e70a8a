use async_trait::async_trait;
use thiserror::Error;

use crate::audit::Event;
use crate::id::ChangeId;

/// Where audit records become durable.
#[async_trait]
pub trait AuditSink: Send + Sync + 'static {
    /// Returns only when the event's record is durable: it survives a crash of the process and of the
    /// machine. On an error nothing may be released. An *outcome of a change* that could not be made
    /// durable is kept and written first when the sink recovers, since its effect has happened.
    ///
    /// Not cancel-safe in effect: the record may become durable although the caller stopped waiting.
    async fn record(&self, event: Event) -> Result<(), AuditError>;

    /// Intents of earlier runs that no outcome has followed. Called once, at start.
    async fn open_changes(&self) -> Result<Vec<OpenChange>, AuditError>;

    /// Whether records can be written as far as is known. Cheap, never waits.
    fn health(&self) -> Result<(), AuditError>;

    /// A stable name of this journal, which tells the nodes that share a repository apart.
    fn node(&self) -> &str;
}

/// A change whose intent is on record and whose outcome is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenChange {
    /// The change.
    pub change: ChangeId,
    /// What was intended, as in the intent's record: the action's name.
    pub action: String,
    /// On what, as in the intent's record.
    pub target: Option<String>,
}

/// The record can't be made durable.
#[derive(Debug, Clone, Error)]
#[error("the audit journal can't be written: {reason}")]
pub struct AuditError {
    /// What stands in the way, for the operator.
    pub reason: String,
}
