use serde::{Deserialize, Serialize};

/// A place between two records of a journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The segment.
    pub(crate) segment: u64,
    /// Bytes of it that lie before.
    pub(crate) offset: u64,
}
