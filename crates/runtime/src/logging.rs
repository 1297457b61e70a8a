use std::io::{self, IsTerminal as _};

use tracing::Level;
use tracing_subscriber::FmtSubscriber;

use crate::settings::{LogFormat, LogSection};

/// Sends what the program says about itself to standard error, for the rest of the process's life. A
/// second call changes nothing.
pub fn start_logging(settings: &LogSection) {
    let level: Level = settings.level.parse().unwrap_or(Level::INFO);
    let subscriber = FmtSubscriber::builder()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let set = match settings.format {
        LogFormat::Text => tracing::subscriber::set_global_default(subscriber.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(subscriber.json().finish()),
    };
    // Only fails when logging has been started before, as in an embedding program.
    set.ok();
}
