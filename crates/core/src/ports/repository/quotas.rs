use crate::id::ProjectId;
use crate::ports::StorageError;
use crate::quota::{ConfiguredQuotas, Counted, ProjectQuotas};
use crate::secret::{Page, Paging};
use crate::time::Timestamp;

/// Questions about quotas.
pub trait QuotaReader {
    /// What is set for a project; `None` when nothing is.
    fn project_quotas(&mut self, project: &ProjectId) -> Result<Option<ProjectQuotas>, StorageError>;

    /// A part of all that is set, in the order in which it was first set.
    fn configured_quotas(&mut self, paging: Paging) -> Result<Page<ConfiguredQuotas>, StorageError>;

    /// How many objects of that kind a project has now. Inside a write this count holds until the commit:
    /// nobody else adds one meanwhile.
    fn count(&mut self, project: &ProjectId, kind: Counted, now: Timestamp) -> Result<u64, StorageError>;
}

/// Changes of quotas.
pub trait QuotaWriter {
    /// Sets a project's quotas, in place of any others. The project need not have used the service.
    fn put_project_quotas(&mut self, project: &ProjectId, quotas: ProjectQuotas) -> Result<(), StorageError>;

    /// Removes what is set for a project; `false` when nothing was.
    fn delete_project_quotas(&mut self, project: &ProjectId) -> Result<bool, StorageError>;
}
