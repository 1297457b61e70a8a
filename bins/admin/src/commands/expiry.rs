use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_core::expiry::Ending;
use strongroom_core::secret::Label;
use strongroom_core::{Clock as _, ProjectId, Secret, SecretId, SystemClock, Timestamp, UserId};
use strongroom_runtime::{
    Settings, acknowledge_ending, carry_out_reading, count_unread, is_served, list_endings,
};

use super::{CommandResult, Ended, row};
use crate::flags::{ExpiryCommand, Output};
use crate::print;
use crate::progress::Progress;

/// How often to look how far the servers have come.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long nothing may be read before the command gives up watching.
const PATIENCE: Duration = Duration::from_mins(1);

/// `expiry list`, `ack` and `scan`.
pub(crate) fn run(
    settings: &Settings,
    credentials: Option<&Path>,
    command: ExpiryCommand,
    output: Output,
) -> CommandResult {
    match command {
        ExpiryCommand::List { within, project } => list(settings, within, project, output),
        ExpiryCommand::Ack { secret, note, operator } => {
            acknowledge(settings, secret, &operator.name()?, &note, output)
        }
        ExpiryCommand::Scan => scan(settings, credentials, output),
    }
}

fn list(settings: &Settings, within: u32, project: Option<String>, output: Output) -> CommandResult {
    let project = project.map(ProjectId::new).transpose()?;
    let now = SystemClock.now();
    let found = list_endings(settings, now.plus_seconds(i64::from(within)), project.as_ref())?;
    let values: Vec<_> = found.iter().map(|(secret, ending)| as_json(secret, ending)).collect();
    let head =
        row(["ENDS", "DAYS", "SECRET", "PROJECT", "TYPE", "NAME", "CERTIFICATE", "TOLD", "ACKNOWLEDGED"]);
    let rows: Vec<_> =
        std::iter::once(head).chain(found.iter().map(|(secret, ending)| line(secret, ending, now))).collect();
    print::result(output, &json!({"endings": values}), &rows)?;
    Ok(Ended::Well)
}

fn as_json(secret: &Secret, ending: &Ending) -> Value {
    json!({
        "secret": secret.id,
        "project": secret.project,
        "name": secret.name,
        "type": secret.secret_type.as_str(),
        "ends": ending.ends,
        "expiration": secret.expiration,
        "certificate": ending.certificate.as_ref().map(|certificate| json!({
            "ends": certificate.ends,
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "serial": certificate.serial,
            "sha256": certificate.fingerprint_hex(),
        })),
        "told_days_before": ending.told,
        "acknowledged": ending.acknowledgement.as_ref().map(|given| json!({
            "at": given.at,
            "by": given.by,
            "note": given.note,
            "on_record": given.on_record,
        })),
    })
}

fn line(secret: &Secret, ending: &Ending, now: Timestamp) -> Vec<String> {
    let left = (ending.ends.as_micros() - now.as_micros()).div_euclid(86_400_000_000);
    let cells: [&str; 9] = [
        &ending.ends.to_string(),
        &left.to_string(),
        &secret.id.to_string(),
        secret.project.as_str(),
        secret.secret_type.as_str(),
        secret.name.as_ref().map_or("", Label::as_str),
        ending.certificate.as_ref().map_or("", |certificate| &certificate.subject),
        &ending.told.map_or(String::new(), |window| format!("{window} days before")),
        ending.acknowledgement.as_ref().map_or("", |given| given.by.as_str()),
    ];
    // Callers choose their own names, and no name is to begin a line, or to steer a terminal.
    cells.map(|cell| cell.replace(char::is_control, " ")).to_vec()
}

fn acknowledge(settings: &Settings, id: SecretId, by: &UserId, note: &str, output: Output) -> CommandResult {
    let Some(ending) = acknowledge_ending(settings, id, by, note)? else {
        return Err("there is no secret of that id, or it does not end".into());
    };
    let ends = ending.ends.to_string();
    let value = json!({"secret": id, "ends": ending.ends, "acknowledged_by": by});
    let rows =
        [row(["secret", &id.to_string()]), row(["ends", &ends]), row(["acknowledged by", by.as_str()])];
    print::result(output, &value, &rows)?;
    Ok(Ended::Well)
}

fn scan(settings: &Settings, credentials: Option<&Path>, output: Output) -> CommandResult {
    let all = count_unread(settings)?;
    let mut left = all;
    let mut moved = Instant::now();
    let mut progress = Progress::new();
    while left > 0 {
        if is_served(settings)? {
            sleep(LOOK_EVERY);
        } else {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let mut done = all - left;
            let told = || {
                done += 1;
                progress.show("reading", done, all);
            };
            match runtime.block_on(carry_out_reading(settings, credentials, told)) {
                // A server was faster.
                Err(error) if error.is_in_use() => sleep(LOOK_EVERY),
                read => read?,
            }
        }
        let found = count_unread(settings)?;
        if found < left {
            moved = Instant::now();
        } else if moved.elapsed() > PATIENCE {
            return Err(format!(
                "{left} can't be read now; the log of the server, or of this command, says why"
            )
            .into());
        }
        left = found;
        progress.show("reading", all.saturating_sub(left), all);
    }
    progress.end();
    let read = all.to_string();
    print::result(output, &json!({"read": all, "left": left}), &[row(["read", &read]), row(["left", "0"])])?;
    Ok(Ended::Well)
}
