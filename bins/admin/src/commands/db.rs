use serde_json::json;
use strongroom_runtime::Settings;
use strongroom_storage::{OpenOptions, SqliteRepository, schema_status};

use super::{CommandResult, Ended, row};
use crate::flags::Output;
use crate::print;

/// `db upgrade`.
pub(crate) fn upgrade(settings: &Settings, output: Output) -> CommandResult {
    let path = &settings.storage.file;
    let before = if path.exists() { Some(schema_status(path)?.found) } else { None };
    drop(SqliteRepository::open(path, OpenOptions { create: true, upgrade: true })?);
    let now = schema_status(path)?.found;
    let shown = path.display().to_string();
    let was = before.map_or("none".to_owned(), |version| version.to_string());
    print::result(
        output,
        &json!({"database": shown, "was": before, "is": now}),
        &[row(["DATABASE", "WAS", "IS"]), row([&shown, &was, &now.to_string()])],
    )?;
    Ok(Ended::Well)
}

/// `db status`.
pub(crate) fn status(settings: &Settings, output: Output) -> CommandResult {
    let path = &settings.storage.file;
    let status = schema_status(path)?;
    let shown = path.display().to_string();
    let current = status.found == status.known;
    print::result(
        output,
        &json!({"database": shown, "version": status.found, "wanted": status.known, "current": current}),
        &[
            row(["DATABASE", "VERSION", "WANTED"]),
            row([&shown, &status.found.to_string(), &status.known.to_string()]),
        ],
    )?;
    Ok(if current { Ended::Well } else { Ended::Unsound })
}
