//! Metrics and traces of a running server: what is measured where, and what is looked at now and then.

mod process;
mod requests;
mod start;
mod survey;
mod watch;

pub use start::Telemetry;

pub(crate) use survey::{Latest, Surveyor};
pub(crate) use watch::{Watched, watch};
