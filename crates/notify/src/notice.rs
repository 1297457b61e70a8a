use serde::{Serialize, Serializer};
use strongroom_core::Timestamp;

/// Something that an operator should know. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Stable: the same notice offered twice has the same id, and receivers tell by it what they have.
    pub id: String,
    /// What kind of notice it is.
    pub topic: Topic,
    /// How much it matters.
    pub severity: Severity,
    /// When what it tells of was found.
    pub at: Timestamp,
    /// One sentence.
    pub summary: String,
    /// What it is about, by name, in the order in which it is to be read. Names are of a to z and `_`.
    pub facts: Vec<(&'static str, String)>,
}

/// What kind of notice it is, for receivers to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Topic {
    /// Something looks like an attack.
    Alert,
    /// Something is about to expire.
    Expiry,
    /// An operator tries whether notices arrive.
    Test,
}

impl Topic {
    /// Its stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Expiry => "expiry",
            Self::Test => "test",
        }
    }
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// To be looked at within days.
    Warning,
    /// To be looked at at once.
    Critical,
}

impl Severity {
    /// The number for syslog (RFC 5424 section 6.2.1).
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Info => 6,
            Self::Warning => 4,
            Self::Critical => 2,
        }
    }
}

/// Facts as an object whose fields keep their order.
pub(crate) struct Facts<'a>(pub(crate) &'a [(&'static str, String)]);

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The text on one line: callers choose their own names, and no name is to begin a line, or to steer a terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
