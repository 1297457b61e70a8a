use serde_json::{Value, json};
use strongroom_core::access::{Explanation, IdentitySource, Policy, PolicyTarget};
use strongroom_core::{Caller, ContainerId, OrderId, ProjectId, Roles, SecretId, UserId};
use strongroom_runtime::{PolicyFile, Settings};
use strongroom_storage::ReadOnlyView;

use super::{CommandResult, Ended, row};
use crate::flags::{Explain, Output};
use crate::print;

/// `policy explain`.
pub(crate) fn explain(settings: &Settings, asked: &Explain, output: Output) -> CommandResult {
    let policy = policy(settings)?;
    let caller = Caller {
        user: asked.user.as_deref().map(UserId::new).transpose()?,
        project: asked.project.as_deref().map(ProjectId::new).transpose()?,
        roles: Roles::new(asked.roles.iter().map(String::as_str)),
        source: IdentitySource::Anonymous,
    };
    let told = with_target(settings, asked.target.as_deref(), &caller, |target| {
        policy.explain(&asked.action, &caller, target)
    })?;
    let told = told.ok_or_else(|| format!("there is no rule '{}'", asked.action))?;
    let verdict = if told.allowed { "allowed" } else { "refused" };
    let mut rows = step_rows(&told);
    rows.push(row([verdict, &format!("by rule '{}'", asked.action)]));
    print::result(
        output,
        &json!({"rule": asked.action, "allowed": told.allowed, "steps": step_values(&told)}),
        &rows,
    )?;
    Ok(if told.allowed { Ended::Well } else { Ended::Unsound })
}

/// The rules as a server would have them now.
pub(super) fn policy(settings: &Settings) -> Result<Policy, Box<dyn std::error::Error>> {
    let section = &settings.policy;
    let own = match &section.file {
        Some(path) => PolicyFile::load(path, section.rule_set)?,
        None => PolicyFile::default(),
    };
    Ok(Policy::new(section.rule_set, own.rules())?)
}

/// A rule's checks as a table with its head.
pub(super) fn step_rows(told: &Explanation) -> Vec<Vec<String>> {
    let mut rows = vec![row(["HOLDS", "CHECK", "BECAUSE"])];
    rows.extend(told.steps.iter().map(|step| {
        let check = format!("{}{}", "  ".repeat(step.depth), step.check);
        row([if step.holds { "yes" } else { "no" }, &check, step.because.as_deref().unwrap_or_default()])
    }));
    rows
}

/// The same for programs.
pub(super) fn step_values(told: &Explanation) -> Vec<Value> {
    let steps = told.steps.iter().map(|step| {
        json!({"depth": step.depth, "check": step.check, "holds": step.holds, "because": step.because})
    });
    steps.collect()
}

/// Looks the target up in the database and hands on what rules may know about it.
pub(super) fn with_target<T>(
    settings: &Settings,
    name: Option<&str>,
    caller: &Caller,
    ask: impl FnOnce(&PolicyTarget<'_>) -> T,
) -> Result<T, Box<dyn std::error::Error>> {
    let Some(name) = name else { return Ok(ask(&PolicyTarget::none())) };
    let (kind, id) = name.split_once('/').ok_or("a target is of the form secret/ID")?;
    let mut view = ReadOnlyView::open(&settings.storage.file)?;
    let missing = || format!("there is no {name} in the database");
    match kind {
        "secret" => {
            let id = SecretId::parse(id)?;
            let (found, acl) = view.read(|reader| Ok((reader.secret(id)?, reader.acl(id.into())?)))?;
            Ok(ask(&PolicyTarget::secret(&found.ok_or_else(missing)?, acl.as_ref(), caller)))
        }
        "container" => {
            let id = ContainerId::parse(id)?;
            let (found, acl) = view.read(|reader| Ok((reader.container(id)?, reader.acl(id.into())?)))?;
            Ok(ask(&PolicyTarget::container(&found.ok_or_else(missing)?, acl.as_ref(), caller)))
        }
        "order" => {
            let id = OrderId::parse(id)?;
            let found = view.read(|reader| reader.order(id))?;
            Ok(ask(&PolicyTarget::order(&found.ok_or_else(missing)?)))
        }
        _ => Err("a target is a secret, a container or an order".into()),
    }
}
