use std::sync::Arc;

use super::Rotations;
use super::master::Master;
use super::project::Projects;
use crate::audit::{Action, Outcome, Phase, Target};
use crate::error::{Conflict, Error};
use crate::id::ChangeId;
use crate::ports::{SecretBackend, StorageError, Writer};
use crate::rotation::{Goal, Rotation, Stage};
use crate::service::engine::Engine;

/// How long a worker has a rotation for itself after each step, in seconds.
const LEASE: i64 = 60;
/// How much goes into a small batch. Half a millisecond's work: more of it at a time, and requests notice.
const SMALL: u32 = 4;

/// How a rotation is to be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// There is more to do.
    On,
    /// Nothing can be done now; [`Rotation::waiting`] tells what stands in the way.
    Wait,
    /// It has ended.
    Ended,
    /// It was halted by the operator, or somebody else has it.
    Lost,
}

/// A rotation that this process carries out, step by step.
pub struct Shift<'a> {
    pub(super) engine: &'a Engine,
    pub(super) backend: &'a Arc<dyn SecretBackend>,
    pub(super) rotation: Rotation,
    /// The act under way: its intent is on record and its outcome is not.
    act: Option<Act>,
    pub(super) master: Master,
    pub(super) projects: Projects,
    /// Whether batches are to be small.
    small: bool,
}

struct Act {
    action: Action,
    target: Target,
    change: ChangeId,
}

impl<'a> Rotations<'a> {
    /// Takes up a rotation that is open, not halted, and in nobody else's hands.
    pub async fn claim(self) -> Result<Option<Shift<'a>>, Error> {
        for backend in self.engine.backends.all.values() {
            let id = backend.id().clone();
            let worker = self.engine.audit.node().to_owned();
            let now = self.engine.clock.now();
            // Nothing to do is a reason to change nothing, not even to commit.
            let claimed = self.engine.upkeep(move |writer| {
                let claimed = writer.claim_rotation(&id, &worker, now, now.plus_seconds(LEASE))?;
                claimed.ok_or(Error::Conflict(Conflict::Rotation))
            });
            match claimed.await {
                Ok(rotation) => return Ok(Some(Shift::new(self.engine, backend, rotation))),
                Err(Error::Conflict(Conflict::Rotation)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

impl<'a> Shift<'a> {
    fn new(engine: &'a Engine, backend: &'a Arc<dyn SecretBackend>, rotation: Rotation) -> Self {
        let (master, projects) = (Master::default(), Projects::default());
        Self { engine, backend, rotation, act: None, master, projects, small: false }
    }

    /// How far it has come.
    pub fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    /// Takes small batches from now on, or those of the usual size. A small one holds others up for a moment only, and
    /// takes more time over the whole.
    pub fn take_small_batches(&mut self, small: bool) {
        self.small = small;
    }

    /// How much goes into one commit, where that is the usual size.
    pub(super) fn batch(&self, usual: u32) -> u32 {
        if self.small { SMALL } else { usual }
    }

    /// Does one batch of what is to do, in one commit. After an error the same step can be tried again.
    pub async fn step(&mut self) -> Result<Pace, Error> {
        let stepped = match (&self.rotation.goal, self.rotation.stage) {
            (_, Stage::Done | Stage::Incomplete | Stage::Cancelled) => return Ok(Pace::Ended),
            (Goal::MasterKey(version), Stage::Staging) => self.stage(*version).await,
            (Goal::MasterKey(version), Stage::Rewrapping) => self.rewrap(*version).await,
            (Goal::MasterKey(version), Stage::Verifying) => self.verify(*version).await,
            (Goal::MasterKey(version), Stage::Retiring) => self.retire(*version).await,
            (Goal::ProjectKey(_) | Goal::EveryProjectKey, Stage::Resealing) => self.reseal().await,
            (Goal::Move { to, .. }, Stage::Moving) => self.relocate(to.clone()).await,
            _ => Err(Error::Integrity),
        };
        match stepped {
            Err(Error::Conflict(Conflict::Rotation)) => {
                self.record(Outcome::Failed).await?;
                Ok(Pace::Lost)
            }
            stepped => stepped,
        }
    }

    /// Puts an intent on record, unless that act is under way already.
    pub(super) async fn begin(&mut self, action: Action, target: Target) -> Result<ChangeId, Error> {
        if let Some(act) = &self.act {
            return Ok(act.change);
        }
        let change = ChangeId::random();
        self.engine.record_own(action, Some(target.clone()), Phase::Intent, change, None).await?;
        self.act = Some(Act { action, target, change });
        Ok(change)
    }

    /// Stores a batch and how far the rotation has come with it. [`Conflict::Rotation`] when it is lost.
    pub(super) async fn save<T, F>(&mut self, next: Rotation, batch: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Writer, &mut Rotation) -> Result<T, Error> + Send + 'static,
    {
        let (rotation, found) = self.engine.upkeep(self.advance(next, batch)).await?;
        self.rotation = rotation;
        Ok(found)
    }

    /// The same for a batch that is found to be still to do when a crash of the machine undoes it: what comes after the
    /// last of them is durable only together with all of them.
    pub(super) async fn save_relaxed<T, F>(&mut self, next: Rotation, batch: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Writer, &mut Rotation) -> Result<T, Error> + Send + 'static,
    {
        let (rotation, found) = self.engine.upkeep_relaxed(self.advance(next, batch)).await?;
        self.rotation = rotation;
        Ok(found)
    }

    /// The same for the last batch of the act under way, and puts its outcome on record.
    pub(super) async fn finish<F>(&mut self, next: Rotation, batch: F) -> Result<(), Error>
    where
        F: FnMut(&mut dyn Writer, &mut Rotation) -> Result<(), Error> + Send + 'static,
    {
        let Some(act) = &self.act else { return Err(Error::Internal("an act ends that was not begun")) };
        let change = act.change;
        match self.engine.write(change, self.advance(next, batch)).await {
            Ok((rotation, ())) => self.rotation = rotation,
            // The intent stays open, to be settled at the next start; the rotation goes on as it is stored.
            Err(error @ Error::Storage(StorageError::Unconfirmed(_))) => {
                self.act = None;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        self.record(Outcome::Success).await
    }

    fn advance<T, F>(
        &self,
        next: Rotation,
        mut batch: F,
    ) -> impl FnMut(&mut dyn Writer) -> Result<(Rotation, T), Error> + Send + use<T, F>
    where
        F: FnMut(&mut dyn Writer, &mut Rotation) -> Result<T, Error> + Send + 'static,
    {
        let worker = self.engine.audit.node().to_owned();
        let clock = Arc::clone(&self.engine.clock);
        move |writer| {
            let mut next = next.clone();
            let found = batch(writer, &mut next)?;
            next.updated = clock.now();
            let held = writer.advance_rotation(&next, &worker, next.updated.plus_seconds(LEASE))?;
            if held { Ok((next, found)) } else { Err(Error::Conflict(Conflict::Rotation)) }
        }
    }

    /// Notes for the operator why the last step failed, if that can be stored.
    pub async fn note_failure(&mut self, reason: String) -> Result<(), Error> {
        self.wait_for(reason).await.map(drop)
    }

    /// Notes what stands in the way, once.
    pub(super) async fn wait_for(&mut self, reason: String) -> Result<Pace, Error> {
        if self.rotation.waiting.as_ref() != Some(&reason) {
            tracing::info!(reason, "a rotation waits");
        }
        let next = Rotation { waiting: Some(reason), ..self.rotation.clone() };
        self.save(next, |_, _| Ok(())).await?;
        Ok(Pace::Wait)
    }

    async fn record(&mut self, outcome: Outcome) -> Result<(), Error> {
        let Some(Act { action, target, change }) = self.act.take() else { return Ok(()) };
        self.engine.record_own(action, Some(target), Phase::Outcome, change, Some(outcome)).await?;
        self.engine.repository.settled(change);
        Ok(())
    }
}
