use std::path::Path;

use serde_json::json;
use strongroom_core::ProjectId;
use strongroom_core::rotation::{Goal, Stage};
use strongroom_runtime::{MigrationPlan, Settings, enabled_store, plan_migration};

use super::rotation::{as_json, carry_out, patiently, rows, signed};
use super::{CommandResult, Ended, row};
use crate::flags::Output;
use crate::print;

/// How `store migrate` was called.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) project: Option<String>,
    pub(crate) dry_run: bool,
}

/// `store migrate`.
pub(crate) fn migrate(
    settings: &Settings,
    credentials: Option<&Path>,
    wanted: Wanted,
    output: Output,
) -> CommandResult {
    let from = enabled_store(settings, &wanted.from)?;
    let to = enabled_store(settings, &wanted.to)?;
    if from == to {
        return Err(format!("the secrets are in '{from}' already").into());
    }
    let project = wanted.project.map(ProjectId::new).transpose()?;
    if wanted.dry_run {
        return tell_plan(&plan_migration(settings, &from, project.as_ref())?, output);
    }
    let goal = Goal::Move { to, project: project.clone() };
    let moved = carry_out(settings, credentials, &from, &goal)?;
    let report = signed(settings, &moved)?;
    let left = patiently(|| plan_migration(settings, &from, project.as_ref()))?;
    let mut value = as_json(&moved, &[]);
    if let Some(value) = value.as_object_mut() {
        value.remove("removed_versions");
        value.insert("left".to_owned(), json!(left.secrets));
        value.insert("report".to_owned(), json!(report));
        value.insert("to_forget".to_owned(), json!(left.to_forget));
        value.insert("keeps_new".to_owned(), json!(left.keeps_new.as_str()));
    }
    let mut rows = rows(&moved, &[]);
    rows.push(row([&format!("left in {from}"), &left.secrets.to_string()]));
    rows.push(row([&format!("for {from} to forget"), &left.to_forget.to_string()]));
    rows.push(row(["new secrets go to", left.keeps_new.as_str()]));
    rows.push(row(["signed report", &report.to_string_lossy()]));
    print::result(output, &value, &rows)?;
    Ok(if moved.stage == Stage::Done { Ended::Well } else { Ended::Unsound })
}

fn tell_plan(plan: &MigrationPlan, output: Output) -> CommandResult {
    let nodes: Vec<_> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
    let value = json!({
        "secrets": plan.secrets,
        "to_forget": plan.to_forget,
        "keeps_new": plan.keeps_new.as_str(),
        "servers": nodes,
        "under_way": plan.open.as_ref().map(|rotation| as_json(rotation, &[])),
    });
    let rows = [
        row(["secrets to move", &plan.secrets.to_string()]),
        row(["deleted and still to be forgotten", &plan.to_forget.to_string()]),
        row(["new secrets go to", plan.keeps_new.as_str()]),
        row(["servers", &nodes.join(", ")]),
        row(["under way", plan.open.as_ref().map_or("nothing", |rotation| rotation.stage.as_str())]),
    ];
    print::result(output, &value, &rows)?;
    Ok(Ended::Well)
}
