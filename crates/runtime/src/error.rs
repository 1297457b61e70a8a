use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use strongroom_core::ports::{BackendError, BackendId, MasterKeyVersion, StorageError};
use strongroom_core::{Error, ReviewId, SecretId, StartError};
use strongroom_crypto::{KeyFileError, LockError};
use strongroom_crypto_kmip::{KmipError, MasterKeyFileError};
use strongroom_crypto_pkcs11::Pkcs11Error;
use strongroom_edge::TlsError;
use strongroom_identity::SetupError;
use strongroom_telemetry::TelemetryError;
use thiserror::Error;

use crate::authenticator::MAX_SECRET;
use crate::policy_file::PolicyFileError;

/// Why the service does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The process can't be protected against dumps of its memory.
    #[error("core dumps can't be switched off")]
    Hardening(#[source] io::Error),
    /// There is no master key file, and one is only made by an operator's command.
    #[error(
        "there is no master key at {}: restore it from its backup, or, for a new installation, run \
         `strongroom-admin master-key generate`",
        .0.display()
    )]
    NoMasterKey(PathBuf),
    /// The master key file is there and can't be used.
    #[error("the master key can't be used")]
    MasterKey(#[source] KeyFileError),
    /// None of the tokens that hold the master key can be used.
    #[error("the master key in hardware can't be used")]
    Pkcs11(#[source] Pkcs11Error),
    /// The operator gave no PIN.
    #[error("no PIN was given at the terminal")]
    Prompt(#[source] io::Error),
    /// A PIN is to come from the service manager, which has given no folder of credentials.
    #[error(
        "a PIN is to come from the service manager's credentials, and $CREDENTIALS_DIRECTORY is not set; run \
         this from a unit with LoadCredential=, or name a pin_file"
    )]
    NoCredentials,
    /// Keys can't be kept out of swap.
    #[error(
        "keys can't be held in locked memory; raise the limit of locked memory (LimitMEMLOCK, ulimit -l)"
    )]
    Memory(#[source] LockError),
    /// What protects the secrets can't be used.
    #[error("a secret store can't be used")]
    Backend(#[source] BackendError),
    /// No KMIP server is named.
    #[error("no KMIP server is named; set kmip.endpoints")]
    NoKmipServer,
    /// The KMIP server did not do what was asked.
    #[error("the KMIP server can't be used")]
    Kmip(#[source] KmipError),
    /// The file that names the KMIP master key's objects can't be used.
    #[error("the KMIP master key can't be used")]
    KmipMasterKey(#[source] MasterKeyFileError),
    /// A master key was made and could not be written down.
    #[error(
        "the KMIP server has made the master key {uid}, which could not be written down and is not used; \
         destroy it there"
    )]
    KmipUnrecorded {
        /// The object.
        uid: String,
        /// Why; absent when its identifier is not one that can be written down.
        source: Option<MasterKeyFileError>,
    },
    /// The database can't be used.
    #[error("the database can't be used")]
    Storage(#[source] strongroom_storage::OpenError),
    /// The database is open and does not answer.
    #[error("the database does not answer")]
    Query(#[source] StorageError),
    /// The journal can't be used.
    #[error("the audit journal can't be used")]
    Audit(#[source] strongroom_audit::OpenError),
    /// The journal's records can't be forwarded as the settings say.
    #[error("the audit journal can't be forwarded")]
    Forwarders(#[source] strongroom_audit::ForwardError),
    /// Operators can't be told as the settings say.
    #[error("notices can't be sent")]
    Notices(#[source] strongroom_outbound::SetUpError),
    /// The operator's access rules can't be used.
    #[error("the access rules can't be used")]
    Policy(#[source] PolicyFileError),
    /// An identity source can't be set up.
    #[error("callers can't be identified")]
    Identity(#[source] SetupError),
    /// There is no place where a password could be.
    #[error("there is no file with {what}: set identity.keystone.password_file")]
    NoSecret {
        /// What it is for.
        what: &'static str,
    },
    /// A password can't be read.
    #[error("{}, which holds {what}, can't be read", .path.display())]
    Secret {
        /// What it is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file with a password lets others read it.
    #[error("{}, which holds {what}, can be read by every user; run: chmod o= {}", .path.display(), .path.display())]
    SecretMode {
        /// What it is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file that should hold a password holds something else.
    #[error("{}, which should hold {what}, is empty, longer than {MAX_SECRET} bytes, or not text", .path.display())]
    SecretForm {
        /// What it is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The parts don't fit together.
    #[error("the key manager does not start")]
    Start(#[source] StartError),
    /// A rotation can't go on now; what it has done stays.
    #[error("the rotation can't be carried out")]
    Rotation(#[source] Error),
    /// What was asked for can't be done now.
    #[error("what was asked for can't be done")]
    Errand(#[source] Error),
    /// No client sees a secret of that id.
    #[error("there is no such secret, or it is deleted or has expired")]
    NoSuchSecret,
    /// There is nothing to replace.
    #[error("the secret has no payload: upload one rather than replacing it")]
    NoPayload,
    /// A payload that no client could have stored.
    #[error("a payload has from 1 to {limit} bytes (api.max_secret_bytes)")]
    PayloadSize {
        /// The most.
        limit: usize,
    },
    /// A secret was replaced before, by another payload.
    #[error("the secret is replaced by {successor} already, which has another payload; replace that one")]
    ReplacedOtherwise {
        /// What has taken its place, or is about to.
        successor: SecretId,
    },
    /// A review file can't be written or read.
    #[error("the review file {} can't be used", .path.display())]
    ReviewFile {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A line of a review file is none.
    #[error("line {number} of the review file {} can't be understood: {reason}", .path.display())]
    ReviewLine {
        /// The file.
        path: PathBuf,
        /// The line.
        number: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A review file was written to while it was read.
    #[error("the review file {} was changed while it was read; give it again", .0.display())]
    ReviewChanged(PathBuf),
    /// A review file lists nothing.
    #[error("the review file has no line about a secret: there is nothing to decide")]
    EmptyReview,
    /// A review file is of no review that waits for it.
    #[error("there is no review {0}, or its decisions are being carried out already")]
    NoSuchReview(ReviewId),
    /// There are no decisions to carry out.
    #[error("no review is decided: give the file of one to `strongroom-admin review decide` first")]
    NothingDecided,
    /// The settings enable no store of that name.
    #[error("there is no secret store '{0}' among stores.enabled")]
    NoSuchStore(String),
    /// Only a store that keeps payloads itself can have been left with any.
    #[error("the secret store '{0}' keeps nothing outside of the database: there is nothing to sweep")]
    KeepsNothing(BackendId),
    /// Without a project key no payload was ever stored with this database.
    #[error(
        "this database has no project key of that store, so it can't be the one whose objects these are; nothing \
         was destroyed"
    )]
    NoProjectKey,
    /// What was left behind can't be destroyed.
    #[error("what was left behind can't be destroyed")]
    Sweep(#[source] Error),
    /// What is known of secrets' ends can't be changed now.
    #[error("what is known of secrets' ends can't be changed")]
    Expiry(#[source] Error),
    /// There is nothing to rotate.
    #[error("no server has used this database yet: there is no key to rotate")]
    NeverUsed,
    /// Only what has ended is reported on.
    #[error("the rotation has not ended yet")]
    NotEnded,
    /// What is stored is on record a moment later, or, after a crash, once a server runs again.
    #[error(
        "the journal does not tell yet how the last step of the rotation ended; run \
         `strongroom-admin rotation report` once a server runs"
    )]
    Unsettled,
    /// The journal can't be read.
    #[error("the journal can't be read")]
    Records(#[source] strongroom_audit::FileError),
    /// A report is not signed, or not written.
    #[error("the signed report can't be written")]
    Report(#[source] strongroom_audit::SignReportError),
    /// A device or server holds the master key, and a newer version is made there.
    #[error(
        "no master key newer than version {active} is at hand: run `strongroom-admin {command}`, see that every \
         server, and every other token, has it, and run this again"
    )]
    NotStaged {
        /// The version in use.
        active: MasterKeyVersion,
        /// What makes the next.
        command: &'static str,
    },
    /// The key file is the service manager's copy.
    #[error(
        "the master key comes from the service manager's credentials, which can't be changed from here: add a \
         version to the file that the unit's LoadCredential names (`strongroom-admin master-key add --file …`), \
         restart each server in turn, and run this again"
    )]
    Credential,
    /// A control that the settings insist on does not hold.
    #[error("{0}; mend it, or take it out of doctor.refuse_start")]
    Unsound(String),
    /// A folder can't be made or protected.
    #[error("the folder {} can't be prepared", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The data folder lets others in.
    #[error(
        "the folder {} has mode {found:04o}, but must not let others in (0700); run: chmod 0700 {}",
        .path.display(), .path.display()
    )]
    FolderMode {
        /// The folder.
        path: PathBuf,
        /// The mode found.
        found: u32,
    },
    /// Certificate and key can't be used.
    #[error("TLS can't be spoken")]
    Tls(#[source] TlsError),
    /// The address is taken, or not this machine's.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The operator's socket can't be made.
    #[error("can't listen on the socket {}", .path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Metrics and traces can't be sent as the settings say.
    #[error("telemetry can't be set up")]
    Telemetry(#[source] TelemetryError),
    /// The system does not tell when to stop.
    #[error("signals can't be received")]
    Signals(#[source] io::Error),
}

impl RunError {
    /// Whether another process has the database or the journal, so that the same may succeed once it is gone.
    pub fn is_in_use(&self) -> bool {
        matches!(
            self,
            Self::Storage(strongroom_storage::OpenError::InUse { .. })
                | Self::Audit(strongroom_audit::OpenError::Locked(_))
        )
    }
}

/// The error and its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
