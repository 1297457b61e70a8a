use std::path::PathBuf;
use std::time::Duration;

use strongroom_outbound::{SyslogAddress, TlsFiles};

/// What a forwarder does, and how much depends on it.
#[derive(Debug, Clone)]
pub struct ForwarderOptions {
    /// Its name, which its cursor is filed under: a change of it begins with the oldest record again.
    pub name: String,
    /// Where to.
    pub to: Destination,
    /// How far it may lag before nothing may happen any more; `None` when nothing depends on it.
    pub required: Option<Duration>,
    /// How long one delivery may take.
    pub timeout: Duration,
}

/// Where records are sent, and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// Syslog (RFC 5424).
    Syslog {
        /// Where to, and over what.
        to: SyslogAddress,
        /// Longest message, in bytes.
        max_message: usize,
    },
    /// Lines of JSON by POST, signed.
    Webhook {
        /// An `https` URL, or an `http` one on this machine.
        url: String,
        /// The file with the secret that signs.
        secret: PathBuf,
        /// For `https`.
        tls: TlsFiles,
    },
    /// OpenTelemetry logs, as protobuf over HTTP.
    Otlp {
        /// The whole URL, such as `https://collector.example:4318/v1/logs`.
        url: String,
        /// For `https`.
        tls: TlsFiles,
    },
    /// A local file with one CADF event a line.
    CadfFile(PathBuf),
}
