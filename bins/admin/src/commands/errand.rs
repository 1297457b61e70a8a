//! Has something done with a secret, and waits for it.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use strongroom_core::errand::{Act, End, Errand};
use strongroom_core::{ErrandId, SecretId, UserId};
use strongroom_runtime::{Settings, ask_for_errand, carry_out_errand, find_errand, is_served};
use tokio::runtime::Runtime;

/// How often to look whether it is done.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long no server may have the database before the command gives up watching.
const PATIENCE: Duration = Duration::from_mins(1);

/// What an error of a command is.
type Failure = Box<dyn std::error::Error>;

/// Has a server do it, or does so itself when none has the database. A refusal is an error.
pub(super) fn carry_out(
    settings: &Settings,
    credentials: Option<&Path>,
    secret: SecretId,
    act: &Act,
    operator: &UserId,
) -> Result<Errand, Failure> {
    let ended = loop {
        if is_served(settings)? {
            break follow(settings, ask_for_errand(settings, secret, act, operator)?.id)?;
        }
        let work = carry_out_errand(settings, credentials, secret, act.clone(), operator.clone());
        match runtime()?.block_on(work) {
            // A server, or another call of this command, was faster.
            Err(error) if error.is_in_use() => sleep(LOOK_EVERY),
            ended => break ended?,
        }
    };
    accepted(ended)
}

/// Waits for what somebody has asked for before.
pub(super) fn wait_for(
    settings: &Settings,
    credentials: Option<&Path>,
    asked: &Errand,
) -> Result<Errand, Failure> {
    if is_served(settings)? {
        accepted(follow(settings, asked.id)?)
    } else {
        let work =
            carry_out_errand(settings, credentials, asked.secret, asked.act.clone(), asked.operator.clone());
        accepted(runtime()?.block_on(work)?)
    }
}

/// A KMIP server is reached over the network, and tokens by threads of their own.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

fn accepted(ended: Errand) -> Result<Errand, Failure> {
    match ended.end {
        Some(End::Refused(why)) => Err(why.into()),
        _ => Ok(ended),
    }
}

fn follow(settings: &Settings, id: ErrandId) -> Result<Errand, Failure> {
    let mut served = Instant::now();
    loop {
        match find_errand(settings, id) {
            Ok(Some(errand)) if errand.end.is_some() => return Ok(errand),
            Ok(None) => return Err("what was asked for is gone from the database".into()),
            // As while a server that has died comes back.
            Err(error) if served.elapsed() > PATIENCE => return Err(error.into()),
            Ok(Some(_)) | Err(_) => {}
        }
        if is_served(settings).unwrap_or(false) {
            served = Instant::now();
        } else if served.elapsed() > PATIENCE {
            return Err("no server is running any more; start one, which does it, or run this again".into());
        }
        sleep(LOOK_EVERY);
    }
}
