use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use strongroom_core::ports::BackendId;

use crate::pin::PinSource;

/// Which tokens hold the master key, and how they are used.
#[derive(Debug, Clone)]
pub struct Pkcs11Config {
    /// The backend's name, as in the rows it seals.
    pub id: BackendId,
    /// The label (CKA_LABEL) of the master key; its versions are told apart by CKA_ID.
    pub key_label: String,
    /// Where the project keys that are made from now on are used.
    pub custody: Custody,
    /// The tokens, all with the same master key; the first that works is used.
    pub tokens: Vec<TokenConfig>,
    /// How many calls each token is given at once. A token that allows fewer sessions is given fewer.
    pub sessions: usize,
    /// How long a call may take before another token is tried.
    pub call_timeout: Duration,
    /// How many project keys are held, in locked memory or as handles of a token.
    pub keys: usize,
    /// How long a project key in cached custody is held in locked memory.
    pub lease: Duration,
}

impl Pkcs11Config {
    /// The name of this backend where no other is set.
    pub const DEFAULT_ID: &str = "pkcs11";
    /// The master key's label where no other is set.
    pub const DEFAULT_LABEL: &str = "strongroom-master";

    /// These tokens in strict custody, with the defaults for everything else.
    pub fn new(tokens: Vec<TokenConfig>) -> Self {
        Self {
            id: BackendId::new(Self::DEFAULT_ID),
            key_label: Self::DEFAULT_LABEL.to_owned(),
            custody: Custody::Strict,
            tokens,
            sessions: 8,
            call_timeout: Duration::from_secs(2),
            keys: 1024,
            lease: Duration::from_mins(5),
        }
    }
}

/// Where a project key is used. A key stays in the custody that it was made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Custody {
    /// Inside the token only; it never enters this process's memory.
    Strict,
    /// The token unwraps it into locked memory, where it is held for a bounded time.
    Cached,
}

/// One token.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// The vendor's PKCS#11 module, a shared library.
    pub module: PathBuf,
    /// Which of the module's tokens.
    pub selector: TokenSelector,
    /// Where the user's PIN comes from. The security officer's is never asked for.
    pub pin: PinSource,
}

impl fmt::Display for TokenConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.selector, self.module.display())
    }
}

/// How a token is told from the others of its module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSelector {
    /// By its label.
    Label(String),
    /// By its serial number.
    Serial(String),
    /// By the number of its slot, which some modules change from one start to the next.
    Slot(u64),
}

impl fmt::Display for TokenSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(label) => write!(f, "the token labelled '{label}'"),
            Self::Serial(serial) => write!(f, "the token with serial number '{serial}'"),
            Self::Slot(slot) => write!(f, "the token in slot {slot}"),
        }
    }
}
