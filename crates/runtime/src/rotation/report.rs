//! The report on a rotation that has ended: what the database and the journal tell of it, signed by the journal's key.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use strongroom_audit::{Record, Records, report_path, write_report};
use strongroom_core::ports::{Milestone, StorageError};
use strongroom_core::rotation::{Goal, MasterKeyState, Rotation, Stage};
use strongroom_core::{Clock as _, RotationId, SystemClock, Timestamp};

use super::asker::who_asked;
use super::operate::look;
use crate::error::RunError;
use crate::settings::Settings;

/// What an auditor is told.
#[derive(Debug, Serialize)]
struct RotationReport {
    report: &'static str,
    rotation: RotationId,
    store: String,
    #[serde(flatten)]
    aim: Aim,
    asked_by: Option<String>,
    begun: Timestamp,
    ended: Timestamp,
    /// Keys rewrapped, or secrets sealed again or moved.
    changed: u64,
    /// Keys or secrets that could not be opened, or are still under an older key.
    failed: u64,
    verdict: Stage,
    steps: Vec<Step>,
    program: &'static str,
}

/// What the rotation was to bring about.
#[derive(Debug, Serialize)]
#[serde(tag = "goal", rename_all = "kebab-case")]
enum Aim {
    MasterKey { from_versions: Vec<u32>, to_version: u32, versions: Vec<MasterKey> },
    ProjectKey { project: String },
    EveryProjectKey,
    Move { to_store: String, project: Option<String> },
}

/// A master key version, when the report was made.
#[derive(Debug, Serialize)]
struct MasterKey {
    version: u32,
    state: MasterKeyState,
    project_keys: u64,
}

/// All acts of one kind, as the journal tells.
#[derive(Debug, Serialize)]
struct Step {
    action: String,
    acts: u64,
    /// How many ended in which way; one that a crash cut off was settled.
    outcomes: BTreeMap<String, u64>,
    begun: Timestamp,
    ended: Timestamp,
}

/// What is needed of a record.
#[derive(Debug, Deserialize)]
struct Told {
    at: String,
    phase: String,
    action: String,
    target: Option<String>,
    change: Option<String>,
    outcome: Option<String>,
}

/// Makes the signed report on a rotation that has ended, unless there is one, and gives its place.
pub fn report_rotation(settings: &Settings, rotation: &Rotation) -> Result<PathBuf, RunError> {
    if !rotation.stage.is_end() {
        return Err(RunError::NotEnded);
    }
    let (journal, name) = (&settings.audit.folder, format!("rotation-{}", rotation.id));
    let path = report_path(journal, &name);
    if path.exists() {
        return Ok(path);
    }
    let (aim, milestones) = look(settings, |reader| Ok((aim(reader, rotation)?, reader.milestones()?)))?;
    let (steps, last) = steps(settings, rotation)?;
    let report = report(rotation, aim, &milestones, steps);
    write_report(journal, &name, &report, &last, SystemClock.now()).map_err(RunError::Report)
}

fn report(rotation: &Rotation, aim: Aim, milestones: &[Milestone], steps: Vec<Step>) -> RotationReport {
    RotationReport {
        report: "rotation",
        rotation: rotation.id,
        store: rotation.backend.to_string(),
        aim,
        asked_by: who_asked(milestones, rotation),
        begun: rotation.created,
        ended: rotation.updated,
        changed: rotation.changed,
        failed: rotation.failed,
        verdict: rotation.stage,
        steps,
        program: env!("CARGO_PKG_VERSION"),
    }
}

fn aim(reader: &mut dyn strongroom_core::ports::Reader, rotation: &Rotation) -> Result<Aim, StorageError> {
    Ok(match &rotation.goal {
        Goal::MasterKey(to) => {
            let (mut from_versions, mut versions) = (Vec::new(), Vec::new());
            for record in reader.master_keys(&rotation.backend)? {
                let version = record.version.0;
                if record.version < *to && record.since >= rotation.created {
                    from_versions.push(version);
                }
                let project_keys = reader.count_project_keys_under(&rotation.backend, record.version)?;
                versions.push(MasterKey { version, state: record.state, project_keys });
            }
            Aim::MasterKey { from_versions, to_version: to.0, versions }
        }
        Goal::ProjectKey(project) => Aim::ProjectKey { project: project.to_string() },
        Goal::EveryProjectKey => Aim::EveryProjectKey,
        Goal::Move { to, project } => {
            Aim::Move { to_store: to.to_string(), project: project.as_ref().map(ToString::to_string) }
        }
    })
}

/// The acts of the rotation that the journal tells of, in the order in which they were begun, and the journal's
/// last record.
fn steps(settings: &Settings, rotation: &Rotation) -> Result<(Vec<Step>, Record), RunError> {
    let (mut acts, mut last) = (Acts::default(), None);
    for record in Records::since(&settings.audit.folder, rotation.created).map_err(RunError::Records)? {
        let record = record.map_err(RunError::Records)?;
        // A line that can't be read is the verifier's to tell of.
        if let Some((at, told)) = told(&record) {
            let within = at >= rotation.created && at <= rotation.updated;
            if within && told.phase == "intent" && is_of(rotation, &told) {
                acts.begin(told, at);
            } else if told.phase == "outcome" {
                acts.end(told, at);
            }
        }
        last = Some(record);
    }
    let last = last.filter(|_| acts.open.is_empty()).ok_or(RunError::Unsettled)?;
    Ok((acts.steps, last))
}

/// The acts that were met so far.
#[derive(Default)]
struct Acts {
    steps: Vec<Step>,
    /// By their change: of which step each one is that has not ended.
    open: HashMap<Option<String>, String>,
}

impl Acts {
    fn begin(&mut self, Told { action, change, .. }: Told, at: Timestamp) {
        self.open.insert(change, action.clone());
        if let Some(step) = self.steps.iter_mut().find(|step| step.action == action) {
            step.acts += 1;
        } else {
            let outcomes = BTreeMap::new();
            self.steps.push(Step { action, acts: 1, outcomes, begun: at, ended: at });
        }
    }

    /// One that a crash cut off is ended by the record of how it was settled.
    fn end(&mut self, Told { change, outcome, .. }: Told, at: Timestamp) {
        let Some(action) = self.open.remove(&change) else { return };
        if let Some(step) = self.steps.iter_mut().find(|step| step.action == action) {
            *step.outcomes.entry(outcome.unwrap_or_default()).or_default() += 1;
            step.ended = at;
        }
    }
}

fn told(record: &Record) -> Option<(Timestamp, Told)> {
    if record.kind.as_deref() != Some("event") {
        return None;
    }
    let told: Told = serde_json::from_str(&record.json).ok()?;
    Some((Timestamp::parse(&told.at).ok()?, told))
}

/// Whether an act is one of that rotation's.
fn is_of(rotation: &Rotation, told: &Told) -> bool {
    let (store, target) = (&rotation.backend, told.target.as_deref().unwrap_or_default());
    match &rotation.goal {
        Goal::MasterKey(version) => target == format!("master-key/{store}:{version}"),
        Goal::ProjectKey(project) => {
            told.action == "project-key.rotate" && target == format!("project-key/{project}")
        }
        Goal::EveryProjectKey => told.action == "project-key.rotate",
        Goal::Move { to, .. } => target.starts_with(&format!("migration/{store}:{to}:")),
    }
}
