//! Runs a use case's questions and changes as repository jobs and brings back what they found.

use std::sync::{Arc, Mutex, PoisonError};

use super::engine::Engine;
use crate::error::Error;
use crate::id::ChangeId;
use crate::ports::{Contended, Reader, StorageError, WriteJob, Writer};

type Slot<T> = Arc<Mutex<Option<Result<T, Error>>>>;

impl Engine {
    /// Asks the repository, in one consistent state.
    pub(super) async fn read<T, F>(&self, mut job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Reader) -> Result<T, Error> + Send + 'static,
    {
        let slot = Slot::default();
        let filled = Arc::clone(&slot);
        let ended = self.repository.read(Box::new(move |reader| fill(&filled, job(reader)))).await;
        answer(&slot, ended)
    }

    /// Changes the repository, all or nothing.
    pub(super) async fn write<T, F>(&self, change: ChangeId, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Writer) -> Result<T, Error> + Send + 'static,
    {
        run(job, |job| self.repository.write(change, job)).await
    }

    /// Changes the repository for a purpose that nobody has to answer for, such as dividing work.
    pub(super) async fn upkeep<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Writer) -> Result<T, Error> + Send + 'static,
    {
        let change = ChangeId::random();
        let result = self.write(change, job).await;
        self.repository.settled(change);
        result
    }

    /// Claims work, if a look finds any: a look costs next to nothing, while a change that changes nothing has to begin
    /// like any other, for which everybody else who changes something waits.
    pub(super) async fn claim<T, L, C>(&self, look: L, mut claim: C) -> Result<Option<T>, Error>
    where
        T: Send + 'static,
        L: FnMut(&mut dyn Reader) -> Result<bool, Error> + Send + 'static,
        C: FnMut(&mut dyn Writer) -> Result<Option<T>, Error> + Send + 'static,
    {
        if !self.read(look).await? {
            return Ok(None);
        }
        let (change, slot) = (ChangeId::random(), Slot::default());
        let filled = Arc::clone(&slot);
        let job: WriteJob = Box::new(move |writer| {
            let found = claim(writer);
            let is_nothing = matches!(found, Ok(None));
            fill(&filled, found)?;
            // Another server may have claimed it meanwhile: a reason to change nothing, not even to commit.
            if is_nothing { Err(Contended::Abandon) } else { Ok(()) }
        });
        let ended = self.repository.write(change, job).await;
        self.repository.settled(change);
        answer(&slot, ended)
    }

    /// Changes the repository for what is done again when a crash of the machine undoes it, without waiting for the disk.
    pub(super) async fn upkeep_relaxed<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Writer) -> Result<T, Error> + Send + 'static,
    {
        run(job, |job| self.repository.write_relaxed(job)).await
    }
}

/// Has the repository run a job that changes it, and brings back what that found.
async fn run<T, F, R>(mut job: F, write: impl FnOnce(WriteJob) -> R) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnMut(&mut dyn Writer) -> Result<T, Error> + Send + 'static,
    R: Future<Output = Result<(), StorageError>>,
{
    let slot = Slot::default();
    let filled = Arc::clone(&slot);
    let ended = write(Box::new(move |writer| fill(&filled, job(writer)))).await;
    answer(&slot, ended)
}

/// Keeps what one run of the job found, and tells the repository how to go on.
fn fill<T>(slot: &Slot<T>, found: Result<T, Error>) -> Result<(), Contended> {
    let end = match &found {
        Ok(_) => Ok(()),
        Err(Error::Storage(StorageError::Contention)) => Err(Contended::Again),
        Err(_) => Err(Contended::Abandon),
    };
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    end
}

/// What the job found, unless the repository could not keep it.
fn answer<T>(slot: &Slot<T>, ended: Result<(), StorageError>) -> Result<T, Error> {
    let found = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (found, ended) {
        (Some(Err(error)), _) if !matches!(error, Error::Storage(StorageError::Contention)) => Err(error),
        (_, Err(error)) => Err(error.into()),
        (Some(found), Ok(())) => found,
        (None, Ok(())) => Err(Error::Internal("the repository ran no job")),
    }
}
