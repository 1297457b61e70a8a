//! Metrics as Prometheus reads them (text format 0.0.4).

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics};

use crate::metric::{label, prometheus_name};

/// The media type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes every metric down, in the order of their names.
pub(crate) fn write(collected: &ResourceMetrics) -> String {
    let mut families = BTreeMap::new();
    for metric in collected.scope_metrics().flat_map(ScopeMetrics::metrics) {
        let (name, mut family) = match metric.data() {
            AggregatedMetrics::F64(data) => family(metric.name(), metric.unit(), data),
            AggregatedMetrics::U64(data) => family(metric.name(), metric.unit(), data),
            AggregatedMetrics::I64(data) => family(metric.name(), metric.unit(), data),
        };
        let help = metric.description().replace('\\', "\\\\").replace('\n', "\\n");
        family.insert_str(0, &format!("# HELP {name} {help}\n"));
        families.insert(name, family);
    }
    families.into_values().collect()
}

/// The name of a metric, its type and its series.
fn family<T: Copy + Display>(name: &str, unit: &str, data: &MetricData<T>) -> (String, String) {
    let counts = matches!(data, MetricData::Sum(sum) if sum.is_monotonic());
    let name = prometheus_name(name, unit, counts);
    let mut text = String::new();
    let kind = match data {
        MetricData::Gauge(gauge) => {
            for point in gauge.data_points() {
                line(&mut text, &name, &labels(point.attributes()), point.value());
            }
            "gauge"
        }
        MetricData::Sum(sum) => {
            for point in sum.data_points() {
                line(&mut text, &name, &labels(point.attributes()), point.value());
            }
            if counts { "counter" } else { "gauge" }
        }
        MetricData::Histogram(histogram) => {
            for point in histogram.data_points() {
                let labels = labels(point.attributes());
                let bounds = point.bounds().map(|bound| bound.to_string()).chain(["+Inf".to_owned()]);
                let mut so_far = 0;
                for (bound, count) in bounds.zip(point.bucket_counts()) {
                    so_far += count;
                    let comma = if labels.is_empty() { "" } else { "," };
                    let labels = format!("{labels}{comma}le=\"{bound}\"");
                    line(&mut text, &format!("{name}_bucket"), &labels, so_far);
                }
                line(&mut text, &format!("{name}_sum"), &labels, point.sum());
                line(&mut text, &format!("{name}_count"), &labels, point.count());
            }
            "histogram"
        }
        // No instrument of ours asks for one.
        MetricData::ExponentialHistogram(_) => "untyped",
    };
    text.insert_str(0, &format!("# TYPE {name} {kind}\n"));
    (name, text)
}

fn line(text: &mut String, name: &str, labels: &str, value: impl Display) {
    // Writing to a text does not fail.
    if labels.is_empty() {
        writeln!(text, "{name} {value}").ok();
    } else {
        writeln!(text, "{name}{{{labels}}} {value}").ok();
    }
}

fn labels<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let pairs = attributes.map(|attribute| {
        let value = attribute.value.to_string();
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{}=\"{value}\"", label(attribute.key.as_str()))
    });
    pairs.collect::<Vec<_>>().join(",")
}
