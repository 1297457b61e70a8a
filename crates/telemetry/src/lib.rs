#![doc = include_str!("../README.md")]

pub mod catalogue;
mod exposition;
mod meters;
mod metric;
mod otlp;
mod resource;
mod sampling;
mod traces;
mod watched_backend;
mod watched_repository;
mod watched_sink;

pub use catalogue::CATALOGUE;
pub use exposition::MEDIA_TYPE;
pub use meters::{Meters, Telling};
pub use metric::{Kind, Metric};
pub use opentelemetry::KeyValue;
pub use opentelemetry::metrics::{Counter, Histogram};
pub use otlp::{Collector, TelemetryError};
pub use traces::Traces;
pub use watched_backend::WatchedBackend;
pub use watched_repository::WatchedRepository;
pub use watched_sink::WatchedSink;
