use std::path::PathBuf;

use strongroom_core::ports::{BackendError, MasterKeyVersion};
use strongroom_crypto::{KeyFileError, LockError};
use thiserror::Error;

/// Why a token can't be used. No variant shows a PIN or a key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Pkcs11Error {
    /// The module is not there, or is no PKCS#11 module for this machine.
    #[error("the PKCS#11 module {} can't be loaded", .path.display())]
    Load {
        /// The module.
        path: PathBuf,
        /// What the loader said.
        source: cryptoki::error::Error,
    },
    /// Another part of this process has initialised the module, so that it can't be relied upon.
    #[error("the PKCS#11 module {} is in use by another part of this process", .0.display())]
    Shared(PathBuf),
    /// No token was configured.
    #[error("no token is configured; name at least one under [[pkcs11.tokens]]")]
    NoTokens,
    /// There is no such token.
    #[error("there is no {wanted}; the module has: {}", list(.present))]
    NoSuchToken {
        /// What was looked for.
        wanted: String,
        /// The labels of those that are there.
        present: Vec<String>,
    },
    /// More than one token answers the description.
    #[error("there are {count} tokens that answer to: {wanted}; choose one by its serial number")]
    Ambiguous {
        /// What was looked for.
        wanted: String,
        /// How many were found.
        count: usize,
    },
    /// The settings do not say where the PIN comes from.
    #[error("there is no PIN for a token; name its pin_file or pin_credential under [[pkcs11.tokens]]")]
    NoPinNamed,
    /// There is no file with the PIN.
    #[error("there is no PIN file {}", .0.display())]
    NoPinFile(PathBuf),
    /// The file with the PIN can't be used.
    #[error("the PIN can't be read")]
    PinFile(#[source] KeyFileError),
    /// What was read is no PIN.
    #[error("a PIN is one line of text, and not empty")]
    NotAPin,
    /// The token refuses the PIN. It was tried once and is not tried again.
    #[error(
        "the token refuses the PIN ({0}); it is not tried again, for a token locks after a few wrong ones: \
         give the right PIN, then restart"
    )]
    PinRefused(cryptoki::error::Error),
    /// A try could lock the token.
    #[error(
        "the token reports that {0}, so the PIN was not tried: log in once with the vendor's tool, which \
         resets the count"
    )]
    PinAtRisk(&'static str),
    /// The token does not offer what is needed.
    #[error("the token does not offer {0}")]
    Mechanism(&'static str),
    /// There is no master key of that label. None is ever made because of that.
    #[error(
        "the token holds no master key labelled '{0}'; if this is a new installation, make one with \
         `strongroom-admin hsm generate-master-key`; otherwise the token is not the one that it was"
    )]
    NoMasterKey(String),
    /// The token lacks a version that the others have.
    #[error("the token lacks version {0} of the master key; copy it there with the vendor's tool")]
    LacksVersion(MasterKeyVersion),
    /// Two keys claim to be the same version.
    #[error("the token holds more than one key that claims to be version {0} of the master key")]
    TwoKeys(MasterKeyVersion),
    /// The master key is not guarded as it must be, or can't do what it is for.
    #[error("version {version} of the master key can't be used: {fault}")]
    UnfitKey {
        /// The version.
        version: MasterKeyVersion,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The token holds another key under the master key's name.
    #[error(
        "version {0} of the master key in this token is not the key that was used so far: the token was \
         re-initialised, or is another one"
    )]
    WrongKey(MasterKeyVersion),
    /// The version to be made is there.
    #[error("version {0} of the master key exists already and was left as it is")]
    VersionExists(MasterKeyVersion),
    /// A call failed.
    #[error("the token failed to {act}")]
    Call {
        /// What was attempted.
        act: &'static str,
        /// What the token answered.
        source: cryptoki::error::Error,
    },
    /// Calls to the token do not return, and as long as they don't it can't be connected anew.
    #[error("{0} call(s) to the token have not returned")]
    Stuck(usize),
    /// The module does not initialise.
    #[error("the token's module does not initialise")]
    NotInitialised,
    /// A test of the token's ability failed.
    #[error("the token can't seal and open")]
    Trial(#[source] BackendError),
    /// None of the tokens works.
    #[error("no token can be used:{}", one_a_line(.0))]
    NoneWorks(
        /// Each token, and why it can't be used.
        Vec<(String, String)>,
    ),
    /// Memory for keys can't be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system gave no thread.
    #[error("no thread can be started for the token's calls")]
    Thread(#[source] std::io::Error),
}

impl Pkcs11Error {
    /// For `map_err`: what the failing call was for.
    pub(crate) fn call(act: &'static str) -> impl FnOnce(cryptoki::error::Error) -> Self {
        move |source| Self::Call { act, source }
    }

    /// Whether nothing but an operator can help, so that trying again would only do harm.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::PinRefused(_) | Self::PinAtRisk(_))
    }

    /// The error and its causes, in one line.
    pub(crate) fn in_full(&self) -> String {
        let first: &dyn std::error::Error = self;
        let causes = std::iter::successors(first.source(), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn one_a_line(reasons: &[(String, String)]) -> String {
    reasons.iter().fold(String::new(), |text, (token, reason)| format!("{text}\n  {token}: {reason}"))
}
