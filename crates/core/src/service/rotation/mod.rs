//! Rotating keys while requests go on. Whatever is done is committed in small batches that leave every secret
//! readable, so the work can be cut off anywhere and is taken up again by whoever claims it.

mod carry;
mod master;
mod nodes;
mod project;
mod relocate;
mod shift;

pub use shift::{Pace, Shift};

use super::engine::Engine;
use crate::error::{Conflict, Error};
use crate::id::RotationId;
use crate::ports::{BackendId, MasterKeyRecord, Writer};
use crate::rotation::{Goal, MasterKeyState, Rotation, Stage};
use crate::time::Timestamp;

/// Rotating keys, and what servers tell each other for it. For the operator's tool and the server's own tasks:
/// no access rule is asked.
#[derive(Clone, Copy)]
pub struct Rotations<'a> {
    engine: &'a Engine,
}

impl<'a> Rotations<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// Asks for a rotation. When one with the same goal is open already, gives that one.
    pub async fn ask(self, backend: BackendId, goal: Goal) -> Result<Rotation, Error> {
        let now = self.engine.clock.now();
        self.engine.upkeep(move |writer| ask(writer, &backend, &goal, now)).await
    }

    /// The rotation of that id.
    pub async fn find(self, id: RotationId) -> Result<Option<Rotation>, Error> {
        self.engine.read(move |reader| Ok(reader.rotation(id)?)).await
    }

    /// Rotations that have not ended, of any backend at hand.
    pub async fn open(self) -> Result<Vec<Rotation>, Error> {
        let backends: Vec<_> = self.engine.backends.all.keys().cloned().collect();
        let found = self.engine.read(move |reader| {
            backends
                .iter()
                .filter_map(|backend| reader.open_rotation(backend).transpose())
                .collect::<Result<Vec<_>, _>>()
                .map_err(Error::from)
        });
        found.await
    }
}

/// Asks for a rotation, as part of a change. When one with the same goal is open already, or another one of the
/// master key, gives that one; when
/// one with another goal is, [`Conflict::Rotation`]; when a higher master key version is in use,
/// [`Conflict::MasterKey`].
pub fn ask(
    writer: &mut dyn Writer,
    backend: &BackendId,
    goal: &Goal,
    now: Timestamp,
) -> Result<Rotation, Error> {
    if let Some(open) = writer.open_rotation(backend)? {
        let same = match (&open.goal, goal) {
            (Goal::MasterKey(_), Goal::MasterKey(_)) => true,
            (open, goal) => open == goal,
        };
        return if same { Ok(open) } else { Err(Error::Conflict(Conflict::Rotation)) };
    }
    if let Goal::MasterKey(version) = goal
        && active(&writer.master_keys(backend)?).is_some_and(|active| active.version > *version)
    {
        return Err(Error::Conflict(Conflict::MasterKey));
    }
    let rotation = Rotation::new(backend.clone(), goal.clone(), now);
    writer.insert_rotation(&rotation)?;
    Ok(rotation)
}

/// Gives up a rotation that waits for a master key version to be everywhere, and forgets that version. Any other
/// goes on: what it has done can't be undone, and leaving it half done helps nobody.
pub fn cancel(writer: &mut dyn Writer, id: RotationId, now: Timestamp) -> Result<(), Error> {
    let Some(rotation) = writer.rotation(id)? else {
        return Err(Error::Internal("there is no such rotation"));
    };
    if rotation.stage != Stage::Staging {
        return Err(Error::Conflict(Conflict::Rotation));
    }
    if let Goal::MasterKey(version) = rotation.goal {
        writer.delete_staged_master_key(&rotation.backend, version)?;
    }
    Ok(writer.cancel_rotation(id, now)?)
}

/// The version that wraps new project keys.
pub(super) fn active(records: &[MasterKeyRecord]) -> Option<&MasterKeyRecord> {
    records.iter().find(|record| record.state == MasterKeyState::Active)
}
