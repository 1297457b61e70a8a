//! Many changes in one commit, each of them all or nothing for itself.

use std::panic::{AssertUnwindSafe, catch_unwind};

use strongroom_core::ChangeId;
use strongroom_core::ports::{Contended, StorageError, WriteJob};

use crate::Connection;
use crate::control::Control;
use crate::fault::Fault;
use crate::run::Run;
use crate::session::Session;
use crate::sqlite;
use crate::tables::applied_changes;
use crate::tally::Tally;

/// How often a job may run before it is given up.
const ATTEMPTS: u32 = 5;

/// Something to do in a transaction.
pub(crate) enum Task {
    /// A use case's change.
    Change {
        /// Remembered when the job takes effect, which is then to be durable. Without it nobody waits for that.
        id: Option<ChangeId>,
        /// In which run of the repository it happens.
        run: Run,
        /// What to do.
        job: WriteJob,
    },
    /// The repository's own work, which is done again when a crash undoes it.
    Upkeep(Upkeep),
}

impl Task {
    /// Whether what it does has to survive a crash of the machine before anybody is told.
    pub(crate) fn is_to_last(&self) -> bool {
        matches!(self, Self::Change { id: Some(_), .. })
    }
}

/// Work that the repository does for itself.
pub(crate) type Upkeep = Box<dyn FnMut(&mut Connection, &mut Tally) -> Result<(), Fault> + Send>;

/// How each task of a batch ended, in their order.
pub(crate) type Outcomes = Vec<Result<(), StorageError>>;

/// Runs the tasks in one transaction, forgets the settled changes in it, and commits, as durable as the connection's
/// commits are at the time. An error means that nothing of all that took effect, or, when unconfirmed, that perhaps all
/// of it did.
pub(crate) fn commit<'a>(
    connection: &mut Connection,
    settled: &[ChangeId],
    tasks: impl Iterator<Item = &'a mut Task>,
) -> Result<Outcomes, StorageError> {
    Control::BeginWriting.apply(connection)?;
    let result = apply(connection, settled, tasks).and_then(|outcomes| {
        Control::Commit.run(connection).map_err(|error| sqlite::commit_error(&error))?;
        Ok(outcomes)
    });
    if result.is_err() {
        // Refused when the database has rolled back already, which is as good.
        Control::Rollback.run(connection).ok();
    }
    result
}

fn apply<'a>(
    connection: &mut Connection,
    settled: &[ChangeId],
    tasks: impl Iterator<Item = &'a mut Task>,
) -> Result<Outcomes, StorageError> {
    applied_changes::delete(connection, settled)?;
    let mut tally = Tally::default();
    let outcomes = tasks.map(|task| apart(connection, &mut tally, task)).collect::<Result<_, _>>()?;
    tally.write(connection)?;
    Ok(outcomes)
}

/// Runs one task so that it can be undone without the others. The outer error means that the database gave
/// up the whole transaction.
fn apart(
    connection: &mut Connection,
    tally: &mut Tally,
    task: &mut Task,
) -> Result<Result<(), StorageError>, StorageError> {
    for _ in 0..ATTEMPTS {
        Control::Savepoint.apply(connection)?;
        let undone = match attempt(connection, tally, task) {
            Attempt::Applied => {
                tally.keep();
                Control::Release.apply(connection)?;
                return Ok(Ok(()));
            }
            undone => undone,
        };
        tally.undo();
        let restored =
            Control::RollbackTask.apply(connection).and_then(|()| Control::Release.apply(connection));
        match undone {
            Attempt::Failed(error) => return if restored.is_ok() { Ok(Err(error)) } else { Err(error) },
            Attempt::Abandoned => return restored.map(Ok),
            Attempt::Again | Attempt::Applied => restored?,
        }
    }
    Ok(Err(StorageError::Unavailable(format!("the change met others {ATTEMPTS} times over"))))
}

/// How one run of a task ended.
enum Attempt {
    Applied,
    Abandoned,
    Again,
    Failed(StorageError),
}

fn attempt(connection: &mut Connection, tally: &mut Tally, task: &mut Task) -> Attempt {
    let ended = catch_unwind(AssertUnwindSafe(|| match task {
        Task::Change { id, run, job } => change(connection, tally, *id, *run, job),
        Task::Upkeep(work) => work(connection, tally).map_or_else(failed, |()| Attempt::Applied),
    }));
    ended.unwrap_or_else(|_| {
        Attempt::Failed(StorageError::Unavailable("the change's own code panicked".to_owned()))
    })
}

fn change(
    connection: &mut Connection,
    tally: &mut Tally,
    id: Option<ChangeId>,
    run: Run,
    job: &mut WriteJob,
) -> Attempt {
    let mut session = Session::new(connection, tally, run);
    let answer = job(&mut session);
    match (answer, session.into_failure()) {
        (Err(Contended::Again), _) => Attempt::Again,
        // Whatever the job made of the error, what it did may be half of what it wanted.
        (_, Some(failure)) => Attempt::of(failure),
        (Err(Contended::Abandon), None) => Attempt::Abandoned,
        (Ok(()), None) => {
            let remembered = id.map_or(Ok(()), |id| applied_changes::insert(connection, id));
            remembered.map_or_else(failed, |()| Attempt::Applied)
        }
    }
}

fn failed(fault: Fault) -> Attempt {
    Attempt::of(fault.into())
}

impl Attempt {
    fn of(failure: StorageError) -> Self {
        match failure {
            StorageError::Contention => Self::Again,
            other => Self::Failed(other),
        }
    }
}
