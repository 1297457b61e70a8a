use strongroom_core::ports::{SealedSecret, StorageError, UndoReader, UndoWriter};
use strongroom_core::undo::Deleted;
use strongroom_core::{ProjectId, SecretId, Timestamp, UserId};

use super::Session;
use crate::tables::deleted_secrets;

impl UndoReader for Session<'_> {
    fn deleted_secret(&mut self, id: SecretId) -> Result<Option<Deleted>, StorageError> {
        self.run(|connection| deleted_secrets::find(connection, id))
    }

    fn deleted_secrets(
        &mut self,
        project: Option<&ProjectId>,
        after: Option<(Timestamp, SecretId)>,
        limit: u32,
    ) -> Result<Vec<Deleted>, StorageError> {
        self.run(|connection| deleted_secrets::list(connection, project, after, limit))
    }

    fn sealed_deleted_secret(&mut self, id: SecretId) -> Result<Option<SealedSecret>, StorageError> {
        self.run(|connection| deleted_secrets::sealed(connection, id))
    }
}

impl UndoWriter for Session<'_> {
    fn hide_secret(
        &mut self,
        id: SecretId,
        at: Timestamp,
        by: Option<&UserId>,
    ) -> Result<bool, StorageError> {
        self.run_counting(|connection, tally| deleted_secrets::hide(connection, tally, id, at, by))
    }

    fn restore_secret(&mut self, id: SecretId) -> Result<bool, StorageError> {
        self.run_counting(|connection, tally| deleted_secrets::restore(connection, tally, id))
    }

    fn destroy_deleted_secret(&mut self, id: SecretId) -> Result<bool, StorageError> {
        self.run(|connection| deleted_secrets::destroy(connection, id))
    }
}
