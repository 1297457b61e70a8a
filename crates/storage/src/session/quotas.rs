use strongroom_core::ports::{QuotaReader, QuotaWriter, StorageError};
use strongroom_core::quota::{ConfiguredQuotas, Counted, ProjectQuotas};
use strongroom_core::secret::{Page, Paging};
use strongroom_core::{ProjectId, Timestamp};

use super::Session;
use crate::listing;
use crate::tables::{consumers, containers, orders, project_quotas};

impl QuotaReader for Session<'_> {
    fn project_quotas(&mut self, project: &ProjectId) -> Result<Option<ProjectQuotas>, StorageError> {
        self.run(|connection| project_quotas::find(connection, project))
    }

    fn configured_quotas(&mut self, paging: Paging) -> Result<Page<ConfiguredQuotas>, StorageError> {
        self.run(|connection| project_quotas::page(connection, paging))
    }

    fn count(&mut self, project: &ProjectId, kind: Counted, now: Timestamp) -> Result<u64, StorageError> {
        self.run_counting(|connection, tally| match kind {
            Counted::Secrets => {
                tally.write(connection)?;
                listing::count(connection, project, now)
            }
            Counted::Orders => orders::count(connection, project),
            Counted::Containers => containers::count(connection, project),
            Counted::SecretConsumers => consumers::count(connection, project, consumers::OF_SECRET),
            Counted::ContainerConsumers => consumers::count(connection, project, consumers::OF_CONTAINER),
        })
    }
}

impl QuotaWriter for Session<'_> {
    fn put_project_quotas(&mut self, project: &ProjectId, quotas: ProjectQuotas) -> Result<(), StorageError> {
        self.run(|connection| project_quotas::put(connection, project, quotas))
    }

    fn delete_project_quotas(&mut self, project: &ProjectId) -> Result<bool, StorageError> {
        self.run(|connection| project_quotas::delete(connection, project))
    }
}
