use std::path::Path;

use serde_json::json;
use strongroom_core::errand::Act;
use strongroom_core::secret::Label;
use strongroom_core::{ProjectId, UserId};
use strongroom_runtime::{Settings, deleted_secrets};

use super::errand::carry_out;
use super::{CommandResult, Ended, row};
use crate::flags::{DeletedCommand, Output, Which};
use crate::print;

/// `deleted list`, `restore` and `purge`.
pub(crate) fn run(
    settings: &Settings,
    credentials: Option<&Path>,
    command: DeletedCommand,
    output: Output,
) -> CommandResult {
    match command {
        DeletedCommand::List { project } => {
            list(settings, project.map(ProjectId::new).transpose()?.as_ref(), output)
        }
        DeletedCommand::Restore { which } => {
            change(settings, credentials, &which, &Act::Restore, "restored", output)
        }
        DeletedCommand::Purge { which } => {
            change(settings, credentials, &which, &Act::Purge, "destroyed", output)
        }
    }
}

fn list(settings: &Settings, project: Option<&ProjectId>, output: Output) -> CommandResult {
    let mut values = Vec::new();
    let mut rows = vec![row(["SECRET", "PROJECT", "NAME", "TYPE", "DELETED", "BY", "RESTORABLE UNTIL"])];
    deleted_secrets(settings, project, |deleted| {
        let until = settings.deletion.undo.end(deleted.at);
        let name = deleted.secret.name.as_ref().map(Label::as_str);
        let by = deleted.by.as_ref().map(UserId::as_str);
        rows.push(row([
            &deleted.secret.id.to_string(),
            deleted.secret.project.as_str(),
            name.unwrap_or("-"),
            deleted.secret.secret_type.as_str(),
            &deleted.at.to_string(),
            by.unwrap_or("-"),
            &until.to_string(),
        ]));
        values.push(json!({
            "secret": deleted.secret.id,
            "project": deleted.secret.project,
            "name": name,
            "type": deleted.secret.secret_type.as_str(),
            "deleted": deleted.at,
            "by": by,
            "restorable_until": until,
        }));
    })?;
    print::result(output, &json!({"deleted": values}), &rows)?;
    Ok(Ended::Well)
}

fn change(
    settings: &Settings,
    credentials: Option<&Path>,
    which: &Which,
    act: &Act,
    done: &str,
    output: Output,
) -> CommandResult {
    let secret = which.secret;
    carry_out(settings, credentials, secret, act, &which.operator.name()?)?;
    print::result(output, &json!({ done: secret }), &[row([done, &secret.to_string()])])?;
    Ok(Ended::Well)
}
