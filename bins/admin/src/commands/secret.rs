use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::json;
use strongroom_core::errand::{Act, Errand};
use strongroom_core::{Clock as _, Payload, SecretId, SystemClock, Timestamp};
use strongroom_runtime::{Prepared, Replacement, Settings, forget_prepared, prepare_replacement};

use super::errand::{carry_out, runtime, wait_for};
use super::{CommandResult, Ended, row};
use crate::flags::{Output, Replace};
use crate::print;

/// `secret replace`.
pub(crate) fn replace(
    settings: &Settings,
    credentials: Option<&Path>,
    wanted: &Replace,
    output: Output,
) -> CommandResult {
    let operator = wanted.which.operator.name()?;
    let replacement = Replacement {
        secret: wanted.which.secret,
        payload: payload(&wanted.payload_file, settings.api.max_secret_bytes)?,
        expiration: wanted.expiration.map(|expiration| expiration.0),
        overlap: wanted.overlap,
    };
    let old = replacement.secret;
    let prepared = runtime()?.block_on(prepare_replacement(settings, credentials, &replacement))?;
    drop(replacement);
    let errand = match prepared {
        Prepared::Done { successor, until } => return tell(old, successor, until, output),
        Prepared::Asked(errand) => wait_for(settings, credentials, &errand)?,
        Prepared::ToAsk(act) => match carry_out(settings, credentials, old, &act, &operator) {
            Ok(errand) => errand,
            Err(error) => {
                forget(settings, credentials, old, &act);
                return Err(error);
            }
        },
    };
    let Errand { act: Act::Replace(successor), .. } = errand else {
        return Err("something else was done with the secret".into());
    };
    let until = SystemClock.now().plus_seconds(i64::from(successor.overlap));
    tell(old, successor.id, Some(until).filter(|_| successor.overlap > 0), output)
}

/// What was sealed in vain is of no use; what was asked for all the same is not in vain.
fn forget(settings: &Settings, credentials: Option<&Path>, secret: SecretId, act: &Act) {
    let asked = strongroom_runtime::is_asked_for(settings, secret, act);
    if asked.unwrap_or(true) {
        return;
    }
    let forgotten = runtime().map(|runtime| runtime.block_on(forget_prepared(settings, credentials, act)));
    if let Ok(Err(error)) = forgotten {
        print::error(&format!("warning: the store may keep an object for nothing: {error}"));
    }
}

fn tell(old: SecretId, new: SecretId, until: Option<Timestamp>, output: Output) -> CommandResult {
    let value = json!({"old": old, "new": new, "old_is_deleted": until});
    let when = until.map_or("now".to_owned(), |at| at.to_string());
    let rows = [
        row(["replaced", &old.to_string()]),
        row(["by", &new.to_string()]),
        row(["the old one is deleted", &when]),
    ];
    print::result(output, &value, &rows)?;
    Ok(Ended::Well)
}

/// The payload, of which no more than one byte too many is read.
fn payload(path: &Path, limit: usize) -> io::Result<Payload> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    // Room for all of it: what is moved to a larger place leaves a copy behind.
    let mut bytes = Vec::with_capacity(limit.saturating_add(64));
    if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        let file = File::open(path).map_err(|error| {
            io::Error::new(error.kind(), format!("can't read {}: {error}", path.display()))
        })?;
        file.take(most).read_to_end(&mut bytes)?;
    }
    Ok(Payload::new(bytes))
}
