use std::sync::Arc;

use async_trait::async_trait;
use strongroom_core::audit::{Event, Phase};
use strongroom_core::ports::{AuditError, AuditSink, OpenChange};

use super::start::Watch;
use crate::journal::Journal;

/// A journal that takes nothing while a required forwarder lags past its bound: rather no service than one
/// that nobody watches.
///
/// Outcomes of changes are taken even then, for their effect has happened.
pub struct Gate {
    journal: Journal,
    watch: Arc<Watch>,
}

impl Gate {
    pub(super) fn new(journal: Journal, watch: Arc<Watch>) -> Self {
        Self { journal, watch }
    }

    /// Tells, whenever it is asked, whether records are taken; does not keep the journal open.
    pub fn gauge(&self) -> impl Fn() -> Result<(), AuditError> + Clone + Send + Sync + use<> {
        let (status, watch) = (self.journal.status(), Arc::clone(&self.watch));
        move || status.health().and_then(|()| watch.check())
    }
}

#[async_trait]
impl AuditSink for Gate {
    async fn record(&self, event: Event) -> Result<(), AuditError> {
        if event.change.is_none() || event.phase != Phase::Outcome {
            self.watch.check()?;
        }
        self.journal.record(event).await
    }

    async fn open_changes(&self) -> Result<Vec<OpenChange>, AuditError> {
        self.journal.open_changes().await
    }

    fn health(&self) -> Result<(), AuditError> {
        self.journal.health()?;
        self.watch.check()
    }

    fn node(&self) -> &str {
        self.journal.node()
    }
}
