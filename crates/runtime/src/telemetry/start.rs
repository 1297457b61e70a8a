use std::sync::Arc;
use std::time::Duration;

use rustix::system::uname;
use strongroom_api::Observer;
use strongroom_core::ports::SecretBackend;
use strongroom_telemetry::{Collector, Meters, Traces, WatchedBackend, catalogue};
use tokio::runtime::Handle;

use super::requests::Onlooker;
use crate::error::RunError;
use crate::settings::{Settings, TraceparentTrust};

/// What measures and follows this server's work; nothing at all where nobody would read it.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// Absent when neither an operator's listener nor a collector is set.
    meters: Option<Arc<Meters>>,
    /// Absent when no request is to be followed.
    traces: Option<Arc<Traces>>,
    traceparent: TraceparentTrust,
}

impl Telemetry {
    /// As the settings say. What is sent is sent on that runtime. To be called once the process is confined, for it
    /// starts threads.
    pub fn start(settings: &Settings, runtime: &Handle) -> Result<Self, RunError> {
        let section = &settings.telemetry;
        let name = uname().nodename().to_string_lossy().into_owned();
        let instance = format!("{name}:{}", settings.listen.port());
        let collector = section.collector.as_ref().map(|collector| {
            let made = Collector::new(&collector.url, collector.ca_file.clone(), runtime);
            made.map(|made| (made, collector.metrics_every))
        });
        let collector = collector.transpose().map_err(RunError::Telemetry)?;
        let sent = collector.as_ref().map(|(collector, every)| (collector, *every));
        let is_read = sent.is_some() || settings.operator.listen.is_some();
        let meters = is_read.then(|| Meters::start(&instance, sent)).transpose();
        let traces = sent
            .filter(|_| section.traces_per_million > 0)
            .map(|(collector, _)| Traces::start(&instance, collector, section.traces_per_million));
        Ok(Self {
            meters: meters.map_err(RunError::Telemetry)?.map(Arc::new),
            traces: traces.transpose().map_err(RunError::Telemetry)?.map(Arc::new),
            traceparent: section.traceparent,
        })
    }

    /// Measures and follows nothing.
    pub(crate) fn off() -> Self {
        Self { meters: None, traces: None, traceparent: TraceparentTrust::Never }
    }

    /// What measures, if anything does.
    pub(crate) fn meters(&self) -> Option<&Arc<Meters>> {
        self.meters.as_ref()
    }

    /// What follows requests, if anything does.
    pub(crate) fn traces(&self) -> Option<&Arc<Traces>> {
        self.traces.as_ref()
    }

    /// What looks on at requests, if anything does.
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        let meters = self.meters.as_ref()?;
        Some(Arc::new(Onlooker::new(meters, self.traces.clone(), self.traceparent)))
    }

    /// The same backend, under observation.
    pub(crate) fn backend(&self, backend: Arc<dyn SecretBackend>) -> Arc<dyn SecretBackend> {
        match &self.meters {
            Some(meters) => Arc::new(WatchedBackend::new(backend, meters)),
            None => backend,
        }
    }

    /// What is to be told of each sync of the journal.
    pub(crate) fn on_sync(&self) -> Option<Arc<dyn Fn(Duration) + Send + Sync>> {
        let durations = self.meters.as_ref()?.histogram(&catalogue::JOURNAL_SYNC);
        Some(Arc::new(move |took: Duration| durations.record(took.as_secs_f64(), &[])))
    }

    /// Sends what there is and ends.
    pub(crate) async fn stop(self) {
        let stop = move || {
            if let Some(traces) = &self.traces {
                traces.stop();
            }
            if let Some(meters) = &self.meters {
                meters.stop();
            }
        };
        // It ends early only with the runtime.
        tokio::task::spawn_blocking(stop).await.ok();
    }
}
