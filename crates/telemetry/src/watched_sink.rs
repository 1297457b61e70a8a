use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use strongroom_core::audit::{Event, Outcome};
use strongroom_core::ports::{AuditError, AuditSink, OpenChange};
use strongroom_core::trace::TARGET;
use tracing::{Instrument as _, info_span};

use crate::catalogue::REFUSALS;
use crate::meters::Meters;

/// Where records become durable, counting those of what was refused or failed, and followed in traces.
pub struct WatchedSink<S> {
    inner: S,
    refusals: Counter<u64>,
}

impl<S: AuditSink> WatchedSink<S> {
    /// Counts what is put on record there.
    pub fn new(inner: S, meters: &Meters) -> Self {
        Self { inner, refusals: meters.counter(&REFUSALS) }
    }

    fn count(&self, event: &Event) {
        let outcome = match event.outcome {
            Some(Outcome::Refused) => "refused",
            Some(Outcome::Failed | Outcome::Unknown) => "failed",
            _ => return,
        };
        let (reason, times) = event.reason.map_or(("", 1), |reason| (reason.code, reason.times.unwrap_or(1)));
        let attributes =
            [KeyValue::new("strongroom.outcome", outcome), KeyValue::new("strongroom.reason", reason)];
        self.refusals.add(times, &attributes);
    }
}

// Whatever the port comes to offer has to be handed on: a default in its place would do something else.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: AuditSink> AuditSink for WatchedSink<S> {
    async fn record(&self, event: Event) -> Result<(), AuditError> {
        self.count(&event);
        self.inner.record(event).instrument(info_span!(target: TARGET, "journal", otel.name = "record")).await
    }

    async fn open_changes(&self) -> Result<Vec<OpenChange>, AuditError> {
        self.inner.open_changes().await
    }

    fn health(&self) -> Result<(), AuditError> {
        self.inner.health()
    }

    fn node(&self) -> &str {
        self.inner.node()
    }
}
