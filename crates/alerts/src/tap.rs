use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use strongroom_core::audit::Event;
use strongroom_core::ports::{AuditError, AuditSink, OpenChange};
use tokio::sync::mpsc;

use crate::observation::{Observation, Wanted};

/// Where observations come from.
#[derive(Debug)]
pub struct Spout {
    pub(crate) wanted: Wanted,
    pub(crate) seen: mpsc::Sender<Observation>,
    /// How many did not fit since it was told last.
    pub(crate) unseen: Arc<AtomicU64>,
}

/// An audit sink that is watched: what becomes durable in it, rules look at. They never keep it waiting.
pub struct Tap<S> {
    sink: S,
    spout: Spout,
}

impl Spout {
    /// Puts itself around a sink.
    pub fn tap<S: AuditSink>(self, sink: S) -> Tap<S> {
        Tap { sink, spout: self }
    }

    fn pass(&self, seen: Observation) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.seen.try_send(seen) {
            self.unseen.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
impl<S> Tap<S> {
    pub(crate) fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }
}

#[async_trait]
impl<S: AuditSink> AuditSink for Tap<S> {
    async fn record(&self, event: Event) -> Result<(), AuditError> {
        let seen = self.spout.wanted.observe(&event);
        self.sink.record(event).await?;
        if let Some(seen) = seen {
            self.spout.pass(seen);
        }
        Ok(())
    }

    async fn open_changes(&self) -> Result<Vec<OpenChange>, AuditError> {
        self.sink.open_changes().await
    }

    fn health(&self) -> Result<(), AuditError> {
        self.sink.health()
    }

    fn node(&self) -> &str {
        self.sink.node()
    }
}
