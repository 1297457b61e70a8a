use diesel::prelude::*;
use strongroom_core::ProjectId;
use strongroom_core::ports::BackendId;
use strongroom_core::rotation::{Goal, Rotation};

use crate::column;
use crate::fault::Fault;
use crate::schema::rotations;

/// A row without who works on it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = rotations)]
pub(super) struct Row {
    id: Vec<u8>,
    backend: String,
    goal: String,
    master: Option<i64>,
    project: Option<String>,
    target: Option<String>,
    paused: bool,
    #[diesel(embed)]
    progress: Progress,
    created: i64,
}

/// What changes as a rotation goes on. What is absent is stored as such.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rotations, treat_none_as_null = true)]
pub(super) struct Progress {
    open: Option<i64>,
    stage: String,
    cursor: Option<String>,
    total: i64,
    done: i64,
    changed: i64,
    failed: i64,
    waiting: Option<String>,
    updated: i64,
}

const MASTER_KEY: &str = "master-key";
const PROJECT_KEY: &str = "project-key";
const EVERY_PROJECT_KEY: &str = "every-project-key";
const MOVE: &str = "move";

type GoalColumns = (
    diesel::dsl::Eq<rotations::goal, &'static str>,
    diesel::dsl::Eq<rotations::master, Option<i64>>,
    diesel::dsl::Eq<rotations::project, Option<String>>,
    diesel::dsl::Eq<rotations::target, Option<String>>,
);

/// The goal and what goes with it.
pub(super) fn goal_columns(goal: &Goal) -> GoalColumns {
    let (name, master, target) = match goal {
        Goal::MasterKey(version) => (MASTER_KEY, Some(i64::from(version.0)), None),
        Goal::ProjectKey(_) => (PROJECT_KEY, None, None),
        Goal::EveryProjectKey => (EVERY_PROJECT_KEY, None, None),
        Goal::Move { to, .. } => (MOVE, None, Some(to.to_string())),
    };
    (
        rotations::goal.eq(name),
        rotations::master.eq(master),
        rotations::project.eq(goal.project().map(ToString::to_string)),
        rotations::target.eq(target),
    )
}

impl Progress {
    /// How far the rotation has come.
    pub(super) fn of(rotation: &Rotation) -> Result<Self, Fault> {
        let number = |count: u64| i64::try_from(count).map_err(|_| Fault::corrupt("rotations.total"));
        Ok(Self {
            open: (!rotation.stage.is_end()).then_some(1),
            stage: rotation.stage.as_str().to_owned(),
            cursor: rotation.cursor.clone(),
            total: number(rotation.total)?,
            done: number(rotation.done)?,
            changed: number(rotation.changed)?,
            failed: number(rotation.failed)?,
            waiting: rotation.waiting.clone(),
            updated: rotation.updated.as_micros(),
        })
    }
}

impl Row {
    /// The rotation, when the row is one that this program can have written.
    pub(super) fn of(self) -> Result<Rotation, Fault> {
        let Progress { open, stage, cursor, total, done, changed, failed, waiting, updated } = self.progress;
        let project: Option<ProjectId> =
            self.project.map(|project| column::opaque(project, "rotations.project")).transpose()?;
        let goal = match (self.goal.as_str(), self.master, project, self.target) {
            (MASTER_KEY, Some(version), None, None) => {
                Goal::MasterKey(column::master_version(version, "rotations.master")?)
            }
            (PROJECT_KEY, None, Some(project), None) => Goal::ProjectKey(project),
            (EVERY_PROJECT_KEY, None, None, None) => Goal::EveryProjectKey,
            (MOVE, None, project, Some(to)) => Goal::Move { to: BackendId::new(to), project },
            _ => return Err(Fault::corrupt("rotations.goal")),
        };
        let stage = stage.parse().map_err(|_| Fault::corrupt("rotations.stage"))?;
        let rotation = Rotation {
            id: column::id(&self.id, "rotations.id")?,
            backend: BackendId::new(self.backend),
            goal,
            stage,
            paused: self.paused,
            cursor,
            total: column::count(total, "rotations.total")?,
            done: column::count(done, "rotations.done")?,
            changed: column::count(changed, "rotations.changed")?,
            failed: column::count(failed, "rotations.failed")?,
            waiting,
            created: column::time(self.created, "rotations.created")?,
            updated: column::time(updated, "rotations.updated")?,
        };
        if open.is_some() == rotation.stage.is_end() {
            return Err(Fault::corrupt("rotations.open"));
        }
        Ok(rotation)
    }
}
