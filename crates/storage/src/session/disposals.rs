use strongroom_core::disposal::Disposal;
use strongroom_core::ports::{BackendId, DisposalReader, DisposalWriter, Sealed, StorageError};
use strongroom_core::{DisposalId, Timestamp};

use super::Session;
use crate::tables::{disposals, errands, order_passphrases, payloads};

impl DisposalReader for Session<'_> {
    fn due_disposal(
        &mut self,
        backend: &BackendId,
        now: Timestamp,
    ) -> Result<Option<Disposal>, StorageError> {
        self.run(|connection| disposals::due(connection, backend, now))
    }

    fn count_disposals(&mut self, backend: &BackendId) -> Result<u64, StorageError> {
        self.run(|connection| disposals::count(connection, backend))
    }

    fn visit_sealed(
        &mut self,
        backend: &BackendId,
        visit: &mut dyn FnMut(&Sealed),
    ) -> Result<(), StorageError> {
        self.run(|connection| {
            payloads::visit(connection, backend, visit)?;
            order_passphrases::visit(connection, backend, visit)?;
            errands::visit(connection, backend, visit)?;
            disposals::visit(connection, backend, visit)
        })
    }
}

impl DisposalWriter for Session<'_> {
    fn insert_disposal(&mut self, disposal: &Disposal) -> Result<(), StorageError> {
        self.run(|connection| disposals::insert(connection, disposal))
    }

    fn postpone_disposal(&mut self, id: DisposalId, due: Timestamp) -> Result<(), StorageError> {
        self.run(|connection| disposals::postpone(connection, id, due))
    }

    fn delete_disposal(&mut self, id: DisposalId) -> Result<(), StorageError> {
        self.run(|connection| disposals::delete(connection, id))
    }
}
