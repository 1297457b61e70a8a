use strongroom_core::ports::{BackendId, RotationReader, RotationWriter, StorageError};
use strongroom_core::rotation::Rotation;
use strongroom_core::{RotationId, Timestamp};

use super::Session;
use crate::tables::orders::Worker;
use crate::tables::rotations;

impl RotationReader for Session<'_> {
    fn rotation(&mut self, id: RotationId) -> Result<Option<Rotation>, StorageError> {
        self.run(|connection| rotations::find(connection, id))
    }

    fn open_rotation(&mut self, backend: &BackendId) -> Result<Option<Rotation>, StorageError> {
        self.run(|connection| rotations::open(connection, backend))
    }

    fn rotations(&mut self, backend: &BackendId, limit: u32) -> Result<Vec<Rotation>, StorageError> {
        self.run(|connection| rotations::latest(connection, backend, limit))
    }
}

impl RotationWriter for Session<'_> {
    fn insert_rotation(&mut self, rotation: &Rotation) -> Result<(), StorageError> {
        self.run(|connection| rotations::insert(connection, rotation))
    }

    fn pause_rotation(&mut self, id: RotationId, paused: bool) -> Result<(), StorageError> {
        self.run(|connection| rotations::pause(connection, id, paused))
    }

    fn claim_rotation(
        &mut self,
        backend: &BackendId,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Rotation>, StorageError> {
        let worker = Worker { name: worker, run: self.run };
        self.run(|connection| rotations::claim(connection, backend, worker, now, until))
    }

    fn advance_rotation(
        &mut self,
        rotation: &Rotation,
        worker: &str,
        until: Timestamp,
    ) -> Result<bool, StorageError> {
        let worker = Worker { name: worker, run: self.run };
        self.run(|connection| rotations::advance(connection, rotation, worker, until))
    }

    fn cancel_rotation(&mut self, id: RotationId, now: Timestamp) -> Result<(), StorageError> {
        self.run(|connection| rotations::cancel(connection, id, now))
    }
}
