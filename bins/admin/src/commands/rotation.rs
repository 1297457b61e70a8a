use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_core::ports::BackendId;
use strongroom_core::rotation::{Goal, Rotation, Stage};
use strongroom_core::{Clock as _, ProjectId, RotationId, SystemClock};
use strongroom_runtime::{
    RotationPlan, RunError, Settings, StoreKind, ask_for_rotation, cancel_rotation, carry_out_rotation,
    find_rotation, is_served, latest_rotation, master_key_backed_up, pause_rotation, plan_rotation,
    prune_master_key, report_rotation, stage_master_key,
};
use tokio::runtime::Runtime;

use super::{CommandResult, Ended, row};
use crate::flags::{Operator, Output, RotationCommand, Store};
use crate::print;
use crate::progress::Progress;

/// How often to look how far the servers have come.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long no server may have the database before the command gives up watching.
const PATIENCE: Duration = Duration::from_mins(1);
/// After how many seconds without a step something is wrong.
const STUCK: i64 = 20;
/// How long the record of the last step may come after the step itself.
const LAST_RECORD: Duration = Duration::from_secs(10);

/// How `master-key rotate` or `project-key rotate` was called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) store: Store,
    pub(crate) dry_run: bool,
    pub(crate) remove_old: bool,
}

/// `master-key rotate`.
pub(crate) fn master_key(
    settings: &Settings,
    credentials: Option<&Path>,
    wanted: Wanted,
    output: Output,
) -> CommandResult {
    let store = wanted.store.chosen(settings)?;
    if wanted.remove_old && store != StoreKind::Soft {
        return Err("--remove-old is for a key file; a device's old key is destroyed by its own means".into());
    }
    let runtime = runtime()?;
    if wanted.dry_run {
        let plan = runtime.block_on(plan_rotation(settings, credentials, store))?;
        return tell_plan(&plan, plan.project_keys, "project keys to rewrap", output);
    }
    let version = runtime.block_on(stage_master_key(settings, credentials, store))?;
    if store == StoreKind::Soft && !master_key_backed_up(settings)? {
        print::error(
            "warning: the master key was not backed up since it was last changed; after this rotation run \
             `strongroom-admin master-key backup`, without which the new version exists on this machine only",
        );
    }
    let rotation = carry_out(settings, credentials, &store.backend(), &Goal::MasterKey(version))?;
    let removed = if wanted.remove_old && rotation.stage == Stage::Done {
        prune_master_key(settings, credentials)?.removed
    } else {
        Vec::new()
    };
    report(settings, &rotation, &removed, output)
}

/// `project-key rotate`.
pub(crate) fn project_key(
    settings: &Settings,
    credentials: Option<&Path>,
    project: Option<String>,
    wanted: Wanted,
    output: Output,
) -> CommandResult {
    let store = wanted.store.chosen(settings)?;
    let goal = match project {
        Some(project) => Goal::ProjectKey(ProjectId::new(project)?),
        None => Goal::EveryProjectKey,
    };
    if wanted.dry_run {
        let plan = runtime()?.block_on(plan_rotation(settings, credentials, store))?;
        return tell_plan(&plan, plan.secrets, "secrets, those of all projects", output);
    }
    let rotation = carry_out(settings, credentials, &store.backend(), &goal)?;
    report(settings, &rotation, &[], output)
}

/// `rotation status`, `pause`, `resume` and `cancel`.
pub(crate) fn look_after(
    settings: &Settings,
    store: Store,
    command: RotationCommand,
    output: Output,
) -> CommandResult {
    let stores = store.among(settings)?;
    let found = match command {
        RotationCommand::Status => latest_rotation(settings, &stores)?,
        RotationCommand::Report => match latest_rotation(settings, &stores)? {
            Some(rotation) => return report(settings, &rotation, &[], output),
            None => None,
        },
        RotationCommand::Pause => pause_rotation(settings, &stores, true)?,
        RotationCommand::Resume => pause_rotation(settings, &stores, false)?,
        RotationCommand::Cancel => cancel_rotation(settings, &stores)?,
    };
    match found {
        Some(rotation) => {
            print::result(output, &as_json(&rotation, &[]), &rows(&rotation, &[]))?;
            Ok(Ended::Well)
        }
        None => Err("there is no rotation".into()),
    }
}

fn tell_plan(plan: &RotationPlan, count: u64, what: &str, output: Output) -> CommandResult {
    let text = |version: Option<u32>| version.map_or("-".to_owned(), |version| version.to_string());
    let active = plan.active.map(|version| version.0);
    let nodes: Vec<_> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
    let value = json!({
        "backend": plan.backend.as_str(),
        "active": active,
        "highest_at_hand": plan.highest.0,
        "project_keys": plan.project_keys,
        "secrets": plan.secrets,
        "servers": nodes,
        "under_way": plan.open.as_ref().map(|rotation| as_json(rotation, &[])),
    });
    let rows = [
        row(["active version", &text(active)]),
        row(["highest at hand", &plan.highest.to_string()]),
        row([what, &count.to_string()]),
        row(["servers", &nodes.join(", ")]),
        row(["under way", plan.open.as_ref().map_or("nothing", |rotation| rotation.stage.as_str())]),
    ];
    print::result(output, &value, &rows)?;
    Ok(Ended::Well)
}

/// Has the servers carry it out, or does so itself when none has the database.
pub(super) fn carry_out(
    settings: &Settings,
    credentials: Option<&Path>,
    backend: &BackendId,
    goal: &Goal,
) -> Result<Rotation, Box<dyn std::error::Error>> {
    let (mut progress, asker) = (Progress::new(), Operator::default().name()?);
    let ended = loop {
        if is_served(settings)? {
            break follow(settings, ask_for_rotation(settings, backend, goal, &asker)?.id, &mut progress);
        }
        let told = |rotation: &Rotation| show(&mut progress, rotation);
        let work = carry_out_rotation(settings, credentials, backend.clone(), goal.clone(), &asker, told);
        match runtime()?.block_on(work) {
            // A server, or another call of this command, was faster.
            Err(error) if error.is_in_use() => sleep(LOOK_EVERY),
            carried_out => break carried_out.map_err(Into::into),
        }
    };
    progress.end();
    ended
}

/// A KMIP server is reached over the network, and tokens by threads of their own.
fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

fn follow(
    settings: &Settings,
    id: RotationId,
    progress: &mut Progress,
) -> Result<Rotation, Box<dyn std::error::Error>> {
    let mut served = Instant::now();
    loop {
        let found = match find_rotation(settings, id) {
            Ok(found) => found,
            // As while a server that has died comes back.
            Err(_) if served.elapsed() < PATIENCE => {
                sleep(LOOK_EVERY);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let rotation = found.ok_or("the rotation is gone from the database")?;
        show(progress, &rotation);
        if rotation.stage.is_end() {
            return Ok(rotation);
        }
        if rotation.paused {
            return Err("the rotation is halted; go on with `strongroom-admin rotation resume`".into());
        }
        if rotation.updated.plus_seconds(5) > SystemClock.now() || is_served(settings)? {
            served = Instant::now();
        } else if served.elapsed() > PATIENCE {
            return Err(
                "no server is running any more; start one, or run this again: it goes on from here".into()
            );
        }
        sleep(LOOK_EVERY);
    }
}

/// Asks, and for a while again when that fails: as while a server that has died comes back.
pub(super) fn patiently<T>(mut ask: impl FnMut() -> Result<T, RunError>) -> Result<T, RunError> {
    let begun = Instant::now();
    loop {
        match ask() {
            Err(_) if begun.elapsed() < PATIENCE => sleep(LOOK_EVERY),
            answered => return answered,
        }
    }
}

/// What stands in the way. Where nothing can be stored, as on a full disk, only that there is no progress.
fn obstacle(rotation: &Rotation) -> Option<String> {
    let halted = rotation.paused || rotation.stage.is_end();
    let stuck = !halted && rotation.updated.plus_seconds(STUCK) < SystemClock.now();
    let told = || format!("no step since {}; the server's log tells why", rotation.updated);
    rotation.waiting.clone().or_else(|| stuck.then(told))
}

fn show(progress: &mut Progress, rotation: &Rotation) {
    match obstacle(rotation) {
        Some(reason) => progress.show(&format!("{}: {reason}", rotation.stage), 0, 0),
        None => progress.show(rotation.stage.as_str(), rotation.done, rotation.total),
    }
}

/// Tells how it ended, and where the signed report on it is.
fn report(settings: &Settings, rotation: &Rotation, removed: &[u32], output: Output) -> CommandResult {
    let report = signed(settings, rotation);
    let (mut value, mut rows) = (as_json(rotation, removed), rows(rotation, removed));
    if let (Some(value), Ok(path)) = (value.as_object_mut(), &report) {
        value.insert("report".to_owned(), json!(path));
        rows.push(row(["signed report", &path.to_string_lossy()]));
    }
    print::result(output, &value, &rows)?;
    report?;
    Ok(if rotation.stage == Stage::Done { Ended::Well } else { Ended::Unsound })
}

/// The signed report, as soon as the server has put the end of the last step on record.
pub(super) fn signed(settings: &Settings, rotation: &Rotation) -> Result<PathBuf, RunError> {
    let begun = Instant::now();
    loop {
        match report_rotation(settings, rotation) {
            Err(RunError::Unsettled) if begun.elapsed() < LAST_RECORD => sleep(LOOK_EVERY),
            reported => return reported,
        }
    }
}

fn goal(rotation: &Rotation) -> String {
    match &rotation.goal {
        Goal::MasterKey(version) => format!("version {version} of the {} master key", rotation.backend),
        Goal::ProjectKey(project) => format!("a new key for project {project}"),
        Goal::EveryProjectKey => "new keys for all projects".to_owned(),
        Goal::Move { to, project } => {
            let whose = project.as_ref().map_or("all projects".to_owned(), |id| format!("project {id}"));
            format!("the secrets of {whose} from {} to {to}", rotation.backend)
        }
    }
}

pub(super) fn as_json(rotation: &Rotation, removed: &[u32]) -> Value {
    json!({
        "id": rotation.id,
        "goal": goal(rotation),
        "stage": rotation.stage,
        "paused": rotation.paused,
        "done": rotation.done,
        "total": rotation.total,
        "changed": rotation.changed,
        "failed": rotation.failed,
        "waiting": obstacle(rotation),
        "begun": rotation.created,
        "updated": rotation.updated,
        "removed_versions": removed,
    })
}

pub(super) fn rows(rotation: &Rotation, removed: &[u32]) -> Vec<Vec<String>> {
    let halted = if rotation.paused { " (halted)" } else { "" };
    let mut rows = vec![
        row(["goal", &goal(rotation)]),
        row(["stage", &format!("{}{halted}", rotation.stage)]),
        row(["changed", &rotation.changed.to_string()]),
        row(["failed", &rotation.failed.to_string()]),
        row(["begun", &rotation.created.to_string()]),
        row(["last step", &rotation.updated.to_string()]),
    ];
    if !rotation.stage.is_end() {
        rows.push(row(["done", &format!("{} of {}", rotation.done, rotation.total)]));
    }
    if let Some(reason) = obstacle(rotation) {
        rows.push(row(["waits, since", &reason]));
    }
    if !removed.is_empty() {
        let versions: Vec<_> = removed.iter().map(u32::to_string).collect();
        rows.push(row(["removed from the key file", &versions.join(", ")]));
    }
    if rotation.stage == Stage::Incomplete {
        rows.push(row(["advice", "the server's log names what could not be opened; older keys were kept"]));
    }
    rows
}
