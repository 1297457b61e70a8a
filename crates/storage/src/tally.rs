use std::collections::BTreeMap;
use std::mem;

use crate::Connection;
use crate::fault::Fault;
use crate::tables::secret_buckets::bucket_of;
use crate::tables::{projects, secret_buckets};

/// What the tasks of one transaction change in the counts of live secrets. It is written once for all of
/// them, since tasks that share a commit mostly share the counts as well.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Of the tasks that took effect.
    kept: Counts,
    /// Of the task that runs.
    task: Counts,
    /// The task that runs has written what was kept and all of its own that is not in `task`.
    written: bool,
}

#[derive(Debug, Default)]
struct Counts {
    /// By project.
    projects: BTreeMap<i64, Change>,
    /// How many more secrets are live, by project and bucket.
    buckets: BTreeMap<(i64, i64), i64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Change {
    /// How many positions were taken.
    taken: i64,
    /// How many more secrets are live.
    live: i64,
}

impl Tally {
    /// Takes the next position of the project for a live secret; `stored` is the one in the project's row.
    pub(crate) fn add(&mut self, project: i64, stored: i64) -> i64 {
        let taken = |counts: &Counts| counts.projects.get(&project).map_or(0, |change| change.taken);
        let kept = if self.written { 0 } else { taken(&self.kept) };
        let position = stored + kept + taken(&self.task);
        self.task.change(project, position, Change { taken: 1, live: 1 });
        position
    }

    /// Counts the secret at that position as live no more.
    pub(crate) fn subtract(&mut self, project: i64, position: i64) {
        self.task.change(project, position, Change { taken: 0, live: -1 });
    }

    /// Counts a secret that comes back to its position as live again.
    pub(crate) fn put_back(&mut self, project: i64, position: i64) {
        self.task.change(project, position, Change { taken: 0, live: 1 });
    }

    /// Writes everything, so that the running task can look at the counts, or the transaction can end.
    pub(crate) fn write(&mut self, connection: &mut Connection) -> Result<(), Fault> {
        let mut all = mem::take(&mut self.task);
        if !mem::replace(&mut self.written, true) {
            all.merge(&self.kept);
        }
        all.write(connection)
    }

    /// The running task has taken effect.
    pub(crate) fn keep(&mut self) {
        if mem::take(&mut self.written) {
            self.kept = Counts::default();
        }
        self.kept.merge(&mem::take(&mut self.task));
    }

    /// The running task was undone, with everything it wrote.
    pub(crate) fn undo(&mut self) {
        self.task = Counts::default();
        self.written = false;
    }
}

impl Counts {
    fn change(&mut self, project: i64, position: i64, by: Change) {
        self.projects.entry(project).or_default().add(by);
        *self.buckets.entry((project, bucket_of(position))).or_default() += by.live;
    }

    fn merge(&mut self, other: &Self) {
        for (project, change) in &other.projects {
            self.projects.entry(*project).or_default().add(*change);
        }
        for (bucket, live) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += live;
        }
    }

    fn write(&self, connection: &mut Connection) -> Result<(), Fault> {
        for (project, change) in &self.projects {
            projects::count(connection, *project, change.taken, change.live)?;
        }
        for ((project, bucket), live) in &self.buckets {
            secret_buckets::count(connection, *project, *bucket, *live)?;
        }
        Ok(())
    }
}

impl Change {
    fn add(&mut self, other: Self) {
        self.taken += other.taken;
        self.live += other.live;
    }
}
