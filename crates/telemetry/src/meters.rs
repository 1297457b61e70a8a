use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, Meter, MeterProvider as _};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    InstrumentKind, ManualReader, PeriodicReader, Pipeline, SdkMeterProvider, Temporality,
};

use crate::exposition;
use crate::metric::{Kind, Metric};
use crate::otlp::{Collector, TelemetryError};
use crate::resource::resource;

/// Where numbers come from and where they go: every metric of the [catalogue](crate::CATALOGUE), read as Prometheus
/// text whenever somebody asks, and sent to a collector where there is one.
///
/// Recording costs a look-up and a few additions; what others count anyway is read only when it is asked for.
pub struct Meters {
    provider: SdkMeterProvider,
    meter: Meter,
    reader: OnDemand,
}

impl Meters {
    /// For this instance of the service; sends to the collector as often as that.
    pub fn start(instance: &str, collector: Option<(&Collector, Duration)>) -> Result<Self, TelemetryError> {
        let reader = OnDemand(Arc::new(ManualReader::builder().build()));
        let mut builder =
            SdkMeterProvider::builder().with_resource(resource(instance)).with_reader(reader.clone());
        if let Some((collector, every)) = collector {
            let periodic = PeriodicReader::builder(collector.metrics()?).with_interval(every).build();
            builder = builder.with_reader(periodic);
        }
        let provider = builder.build();
        let scope =
            InstrumentationScope::builder("strongroom").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self { meter: provider.meter_with_scope(scope), provider, reader })
    }

    /// What counts the events of that metric as they happen.
    pub fn counter(&self, metric: &Metric) -> Counter<u64> {
        let builder = self.meter.u64_counter(metric.name);
        builder.with_unit(metric.unit).with_description(metric.description).build()
    }

    /// What takes the durations of that metric as they are measured, in seconds.
    pub fn histogram(&self, metric: &Metric) -> Histogram<f64> {
        let builder = self.meter.f64_histogram(metric.name);
        let builder = builder.with_unit(metric.unit).with_description(metric.description);
        match metric.kind {
            Kind::Histogram(bounds) => builder.with_boundaries(bounds.to_vec()).build(),
            _ => builder.build(),
        }
    }

    /// Has `look` tell the values of that metric whenever they are asked for. It must not wait.
    pub fn watch(&self, metric: &'static Metric, look: impl Fn(&mut Telling<'_>) + Send + Sync + 'static) {
        let (name, unit, description) = (metric.name, metric.unit, metric.description);
        match metric.kind {
            Kind::Counter => {
                let builder = self.meter.u64_observable_counter(name).with_unit(unit);
                let callback = move |to: &dyn AsyncInstrument<u64>| {
                    look(&mut Telling { metric, to: To::Whole(to) });
                };
                builder.with_description(description).with_callback(callback).build();
            }
            Kind::Gauge => {
                let builder = self.meter.u64_observable_gauge(name).with_unit(unit);
                let callback = move |to: &dyn AsyncInstrument<u64>| {
                    look(&mut Telling { metric, to: To::Whole(to) });
                };
                builder.with_description(description).with_callback(callback).build();
            }
            Kind::UpDown => {
                let builder = self.meter.i64_observable_up_down_counter(name).with_unit(unit);
                let callback = move |to: &dyn AsyncInstrument<i64>| {
                    look(&mut Telling { metric, to: To::Signed(to) });
                };
                builder.with_description(description).with_callback(callback).build();
            }
            Kind::Measure | Kind::Histogram(_) => {
                let builder = self.meter.f64_observable_gauge(name).with_unit(unit);
                let callback = move |to: &dyn AsyncInstrument<f64>| {
                    look(&mut Telling { metric, to: To::Real(to) });
                };
                builder.with_description(description).with_callback(callback).build();
            }
        }
    }

    /// Every metric as it is now, as Prometheus reads it. Blocks for as long as reading them takes.
    pub fn exposition(&self) -> Result<String, TelemetryError> {
        let mut collected = ResourceMetrics::default();
        self.reader.collect(&mut collected).map_err(|error| TelemetryError::Collect(error.to_string()))?;
        Ok(exposition::write(&collected))
    }

    /// Sends what there is to the collector and ends. Blocks for as long as that takes, which is bounded.
    pub fn stop(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::debug!(%error, "the last metrics were not sent");
        }
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

/// Takes the values of one metric.
pub struct Telling<'a> {
    metric: &'static Metric,
    to: To<'a>,
}

enum To<'a> {
    Whole(&'a dyn AsyncInstrument<u64>),
    Signed(&'a dyn AsyncInstrument<i64>),
    Real(&'a dyn AsyncInstrument<f64>),
}

impl Telling<'_> {
    /// A whole number, of the series with these values of the metric's attributes, in their order.
    pub fn whole(&mut self, value: u64, attributes: &[&str]) {
        let attributes = self.attributes(attributes);
        match self.to {
            To::Whole(to) => to.observe(value, &attributes),
            To::Signed(to) => to.observe(i64::try_from(value).unwrap_or(i64::MAX), &attributes),
            To::Real(to) => to.observe(Duration::from_secs(value).as_secs_f64(), &attributes),
        }
    }

    /// A number with a fraction, such as a time in seconds; of metrics that have such only.
    pub fn real(&mut self, value: f64, attributes: &[&str]) {
        if let To::Real(to) = self.to {
            to.observe(value, &self.attributes(attributes));
        }
    }

    /// 1 or 0.
    pub fn state(&mut self, is_so: bool, attributes: &[&str]) {
        self.whole(u64::from(is_so), attributes);
    }

    fn attributes(&self, values: &[&str]) -> Vec<KeyValue> {
        let named = self.metric.attributes.iter().zip(values);
        named.map(|(name, value)| KeyValue::new(*name, (*value).to_owned())).collect()
    }
}

/// Gives the metrics whenever it is asked.
#[derive(Debug, Clone)]
struct OnDemand(Arc<ManualReader>);

impl MetricReader for OnDemand {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn what_is_told_and_recorded_is_exposed_by_the_rules_of_prometheus() {
        let meters = Meters::start("node", None).unwrap();
        let durations = meters.histogram(&catalogue::JOURNAL_SYNC);
        for seconds in [0.000_02, 0.3, 70.0] {
            durations.record(seconds, &[]);
        }
        let refusals = meters.counter(&catalogue::REFUSALS);
        let attributes = [
            KeyValue::new("strongroom.outcome", "refused"),
            KeyValue::new("strongroom.reason", "a \"quoted\\\n\" one"),
        ];
        refusals.add(2, &attributes);
        meters.watch(&catalogue::FORWARDER_LAG, |telling| telling.real(1.5, &["siem"]));
        meters.watch(&catalogue::ACTIVE_REQUESTS, |telling| telling.whole(3, &[]));
        meters.watch(&catalogue::COMMITS, |telling| telling.whole(7, &[]));
        let text = meters.exposition().unwrap();
        for line in [
            "# TYPE strongroom_journal_sync_duration_seconds histogram",
            "strongroom_journal_sync_duration_seconds_bucket{le=\"0.00001\"} 0",
            "strongroom_journal_sync_duration_seconds_bucket{le=\"0.00005\"} 1",
            "strongroom_journal_sync_duration_seconds_bucket{le=\"0.5\"} 2",
            "strongroom_journal_sync_duration_seconds_bucket{le=\"+Inf\"} 3",
            "strongroom_journal_sync_duration_seconds_count 3",
            "# TYPE strongroom_refusals_total counter",
            r#"strongroom_refusals_total{strongroom_outcome="refused",strongroom_reason="a \"quoted\\\n\" one"} 2"#,
            "strongroom_forwarder_lag_seconds{strongroom_forwarder=\"siem\"} 1.5",
            "# TYPE http_server_active_requests gauge",
            "http_server_active_requests 3",
            "# TYPE strongroom_storage_commits_total counter",
            "strongroom_storage_commits_total 7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
        assert_eq!(text.matches("# TYPE strongroom_refusals_total").count(), 1);
    }
}
