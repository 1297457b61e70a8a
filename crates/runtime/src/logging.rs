use std::io::{self, IsTerminal as _};

use strongroom_core::trace::TARGET;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::settings::{LogFormat, LogSection};
use crate::telemetry::Telemetry;

/// Sends what the program says about itself to standard error, and the spans of followed requests to where they are
/// to go, for the rest of the process's life. A second call changes nothing.
pub fn start_logging(settings: &LogSection, telemetry: &Telemetry) {
    let level: Level = settings.level.parse().unwrap_or(Level::INFO);
    // What is made for traces is no part of the log, whatever its level.
    let filter = Targets::new().with_default(level).with_target(TARGET, LevelFilter::OFF);
    let layer = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let log = match settings.format {
        LogFormat::Text => layer.with_filter(filter).boxed(),
        LogFormat::Json => layer.json().with_filter(filter).boxed(),
    };
    let traces = telemetry.traces().map(|traces| traces.layer());
    // Only fails when logging has been started before, as in an embedding program.
    tracing::subscriber::set_global_default(Registry::default().with(log).with(traces)).ok();
}
