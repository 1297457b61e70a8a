use crate::id::RotationId;
use crate::ports::{BackendId, StorageError};
use crate::rotation::Rotation;
use crate::time::Timestamp;

/// Questions about rotations.
pub trait RotationReader {
    /// The rotation of that id.
    fn rotation(&mut self, id: RotationId) -> Result<Option<Rotation>, StorageError>;

    /// The rotation of that backend's keys that has not ended; there is one at most.
    fn open_rotation(&mut self, backend: &BackendId) -> Result<Option<Rotation>, StorageError>;

    /// Rotations of that backend's keys, the latest first.
    fn rotations(&mut self, backend: &BackendId, limit: u32) -> Result<Vec<Rotation>, StorageError>;
}

/// Changes of rotations.
pub trait RotationWriter {
    /// Adds a rotation; none of the same backend is open.
    fn insert_rotation(&mut self, rotation: &Rotation) -> Result<(), StorageError>;

    /// Halts a rotation that has not ended, or lets it go on.
    fn pause_rotation(&mut self, id: RotationId, paused: bool) -> Result<(), StorageError>;

    /// Gives the rotation of that backend that has not ended, and is not halted, to `worker`, until the time
    /// given: a worker that dies loses it then, and has it again as soon as it is back.
    fn claim_rotation(
        &mut self,
        backend: &BackendId,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Rotation>, StorageError>;

    /// Stores how far a rotation has come and prolongs the claim; `false`, and nothing is stored, when
    /// `worker` does not have it any more or the operator has halted it.
    fn advance_rotation(
        &mut self,
        rotation: &Rotation,
        worker: &str,
        until: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Ends a rotation that nobody has begun to carry out, or that waits to begin.
    fn cancel_rotation(&mut self, id: RotationId, now: Timestamp) -> Result<(), StorageError>;
}
