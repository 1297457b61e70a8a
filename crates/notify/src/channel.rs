use std::io;
use std::path::PathBuf;

use async_trait::async_trait;
use strongroom_outbound::{SendError, SetUpError, SyslogAddress, TlsFiles};
use thiserror::Error;

use crate::email::Email;
use crate::notice::Notice;
use crate::syslog::SyslogNotices;
use crate::webhook::Webhook;

/// Where notices are sent, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Channel {
    /// A JSON object for each notice by POST, signed.
    Webhook {
        /// An `https` URL, or an `http` one on this machine.
        url: String,
        /// The file with the secret that signs.
        key: PathBuf,
        /// For `https`.
        tls: TlsFiles,
    },
    /// A syslog message for each notice (RFC 5424).
    Syslog(SyslogAddress),
    /// An e-mail for each notice.
    Email(EmailOptions),
}

/// How e-mail is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailOptions {
    /// The server, as `host:port`.
    pub server: String,
    /// How the way there is protected.
    pub security: EmailSecurity,
    /// The sender's address.
    pub from: String,
    /// The recipients' addresses, one at least.
    pub to: Vec<String>,
    /// Who to log in as, and the file with the password.
    pub login: Option<(String, PathBuf)>,
}

/// How the way to a mail server is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailSecurity {
    /// TLS after STARTTLS, which the server has to offer (RFC 3207); the file has the authorities that may have
    /// issued its certificate.
    StartTls(PathBuf),
    /// TLS from the beginning (RFC 8314), likewise.
    Tls(PathBuf),
    /// Nothing; the server has to be on this machine.
    None,
}

/// Somewhere that takes notices.
#[async_trait]
pub(crate) trait Carrier: Send + Sync {
    /// Hands a notice over. Returns only when the other side has it, as far as its protocol can tell.
    async fn carry(&self, notice: &Notice) -> Result<(), CarryError>;
}

/// A notice did not get through.
#[derive(Debug, Error)]
pub(crate) enum CarryError {
    /// Over HTTP or syslog.
    #[error(transparent)]
    Send(#[from] SendError),
    /// To the mail server.
    #[error(transparent)]
    Smtp(#[from] lettre::transport::smtp::Error),
    /// It can't be put into the channel's form.
    #[error("the notice can't be written: {0}")]
    Form(String),
}

impl From<serde_json::Error> for CarryError {
    fn from(error: serde_json::Error) -> Self {
        Self::Send(SendError::Io(io::Error::other(error)))
    }
}

impl Channel {
    /// Its name in logs and status.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Syslog(_) => "syslog",
            Self::Email(_) => "email",
        }
    }

    /// Reads the files that it needs; connects to nobody yet.
    pub(crate) fn open(self, node: &str) -> Result<Box<dyn Carrier>, SetUpError> {
        Ok(match self {
            Self::Webhook { url, key, tls } => Box::new(Webhook::new(&url, &key, &tls, node)?),
            Self::Syslog(to) => Box::new(SyslogNotices::new(to, node)?),
            Self::Email(options) => Box::new(Email::new(&options, node)?),
        })
    }
}
