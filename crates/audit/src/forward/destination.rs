use std::path::PathBuf;
use std::time::Duration;

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
    /// Syslog over TLS (RFC 5424, RFC 5425).
    SyslogTls {
        /// `host:port`.
        address: String,
        /// Whom to trust, and who to be.
        tls: TlsFiles,
        /// Longest message, in bytes.
        max_message: usize,
    },
    /// Syslog over TCP with octet counting (RFC 5424, RFC 6587 section 3.4.1).
    SyslogTcp {
        /// `host:port`.
        address: String,
        /// Longest message, in bytes.
        max_message: usize,
    },
    /// Syslog over UDP (RFC 5424, RFC 5426). Nothing tells whether anything arrives.
    SyslogUdp {
        /// `host:port`.
        address: String,
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

/// Files for TLS, in PEM form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authorities that may have issued the other side's certificate.
    pub authorities: PathBuf,
    /// This side's certificate chain and private key, for mutual authentication.
    pub identity: Option<(PathBuf, PathBuf)>,
}
