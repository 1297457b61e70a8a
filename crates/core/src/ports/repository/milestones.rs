use crate::ports::StorageError;
use crate::time::Timestamp;

/// When the operator last did a thing that is to be done regularly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Milestone {
    /// What was done, such as `master-key-backup`.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// What it was done to, for the operator.
    pub detail: String,
}

/// Questions about what was done.
pub trait MilestoneReader {
    /// Everything that was ever done, by name.
    fn milestones(&mut self) -> Result<Vec<Milestone>, StorageError>;
}

/// What is done.
pub trait MilestoneWriter {
    /// Sets when a thing was last done.
    fn put_milestone(&mut self, milestone: &Milestone) -> Result<(), StorageError>;
}
