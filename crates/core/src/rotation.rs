//! Rotation: a newer key takes over, everything under older ones is brought under it, and the older ones are
//! given up once nothing names them.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::id::{ProjectId, RotationId};
use crate::ports::{BackendId, MasterKeyVersion};
use crate::time::Timestamp;

pub use crate::service::{ask, cancel};

/// A node that has not been seen for that long, in seconds, is taken to be gone: it has to prove its master
/// keys before it serves again.
pub const GONE_AFTER: i64 = 30;

/// What a rotation brings about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// Every project key is wrapped by that master key version.
    MasterKey(MasterKeyVersion),
    /// The project has a new key, and every secret of it is sealed under that one.
    ProjectKey(ProjectId),
    /// The same for every project.
    EveryProjectKey,
    /// What the backend keeps, of one project or of all, is kept by another one.
    Move {
        /// The other one.
        to: BackendId,
        /// The project, unless it is all.
        project: Option<ProjectId>,
    },
}

impl Goal {
    /// The one project that it is about; `None` when it is about all.
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::ProjectKey(project) | Self::Move { project: Some(project), .. } => Some(project),
            Self::MasterKey(_) | Self::EveryProjectKey | Self::Move { project: None, .. } => None,
        }
    }
}

/// How far a rotation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The new master key version waits until every server has proved that it has it.
    Staging,
    /// The new version wraps new project keys; those wrapped by older ones are rewrapped.
    Rewrapping,
    /// Every project key is opened once.
    Verifying,
    /// Versions that nothing names are given up.
    Retiring,
    /// Projects get new keys, and their secrets are sealed again.
    Resealing,
    /// Secrets are sealed by the other backend.
    Moving,
    /// Nothing is left under an older key, or of what was to be moved.
    Done,
    /// All was tried, and something can't be opened or is still under an older key, which is kept.
    Incomplete,
    /// Given up by the operator before anything was changed.
    Cancelled,
}

/// A stage that no program can have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a stage of a rotation")]
pub struct UnknownStage;

impl Stage {
    const ALL: [Self; 9] = [
        Self::Staging,
        Self::Rewrapping,
        Self::Verifying,
        Self::Retiring,
        Self::Resealing,
        Self::Moving,
        Self::Done,
        Self::Incomplete,
        Self::Cancelled,
    ];

    /// Its name in the database and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Rewrapping => "rewrapping",
            Self::Verifying => "verifying",
            Self::Retiring => "retiring",
            Self::Resealing => "resealing",
            Self::Moving => "moving",
            Self::Done => "done",
            Self::Incomplete => "incomplete",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more is done.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Incomplete | Self::Cancelled)
    }
}

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text).ok_or(UnknownStage)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A rotation at rest. Whichever server holds it goes on from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Its id.
    pub id: RotationId,
    /// Whose keys.
    pub backend: BackendId,
    /// What it brings about.
    pub goal: Goal,
    /// How far it has come.
    pub stage: Stage,
    /// Whether the operator has halted it.
    pub paused: bool,
    /// The last thing done with in this stage: the id of a project key, or of a project.
    pub cursor: Option<String>,
    /// What there is to do in this stage, in keys or secrets, as counted at its begin.
    pub total: u64,
    /// What of it is done.
    pub done: u64,
    /// Keys rewrapped, or secrets sealed again or moved, over all stages.
    pub changed: u64,
    /// Keys or secrets that can't be opened, or are still under an older key.
    pub failed: u64,
    /// What stands in the way, for the operator.
    pub waiting: Option<String>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it last came further; its end, once there is one.
    pub updated: Timestamp,
}

impl Rotation {
    /// A rotation about to begin.
    pub fn new(backend: BackendId, goal: Goal, now: Timestamp) -> Self {
        let stage = match goal {
            Goal::MasterKey(_) => Stage::Staging,
            Goal::ProjectKey(_) | Goal::EveryProjectKey => Stage::Resealing,
            Goal::Move { .. } => Stage::Moving,
        };
        Self {
            id: RotationId::random(),
            backend,
            goal,
            stage,
            paused: false,
            cursor: None,
            total: 0,
            done: 0,
            changed: 0,
            failed: 0,
            waiting: None,
            created: now,
            updated: now,
        }
    }

    /// Goes on to another stage, with that much to do.
    pub(crate) fn enter(&mut self, stage: Stage, total: u64) {
        (self.stage, self.total, self.done, self.cursor, self.waiting) = (stage, total, 0, None, None);
    }
}

/// What a master key version is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasterKeyState {
    /// Known, and not to be used yet.
    Staged,
    /// Wraps new project keys. One version of each backend does.
    Active,
    /// Unwraps what it wrapped, until that is rewrapped.
    Superseded,
    /// Nothing names it any more.
    Retired,
}

/// A state that no program can have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a state of a master key version")]
pub struct UnknownState;

impl MasterKeyState {
    const ALL: [Self; 4] = [Self::Staged, Self::Active, Self::Superseded, Self::Retired];

    /// Its name in the database and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Active => "active",
            Self::Superseded => "superseded",
            Self::Retired => "retired",
        }
    }

    /// Whether something may be wrapped by such a version.
    pub fn is_needed(self) -> bool {
        matches!(self, Self::Active | Self::Superseded)
    }
}

impl FromStr for MasterKeyState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

impl fmt::Display for MasterKeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for MasterKeyState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A server, as the others know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The name of its journal.
    pub name: String,
    /// Whose master key it has proved to have.
    pub backend: BackendId,
    /// The highest registered version whose canary it has opened.
    pub proved: MasterKeyVersion,
    /// When it said so last.
    pub seen: Timestamp,
}

impl Node {
    /// Whether it may be serving.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.seen.plus_seconds(GONE_AFTER) > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        assert!(Stage::ALL.into_iter().all(|stage| stage.as_str().parse() == Ok(stage)));
        assert!(MasterKeyState::ALL.into_iter().all(|state| state.as_str().parse() == Ok(state)));
        assert_eq!("begun".parse::<Stage>(), Err(UnknownStage));
        assert_eq!("lost".parse::<MasterKeyState>(), Err(UnknownState));
    }

    #[test]
    fn a_node_is_gone_half_a_minute_after_it_was_seen() {
        let seen = Timestamp::parse("2050").unwrap();
        let node =
            Node { name: "n".to_owned(), backend: BackendId::new("soft"), proved: MasterKeyVersion(1), seen };
        assert!(node.is_alive(seen.plus_seconds(GONE_AFTER - 1)));
        assert!(!node.is_alive(seen.plus_seconds(GONE_AFTER)));
    }
}
