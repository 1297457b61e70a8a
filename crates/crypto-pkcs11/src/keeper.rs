//! The thread that connects a token, looks after it, and mends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::error::Pkcs11Error;
use crate::fault::Fault;
use crate::link::{Link, close};
use crate::token::{State, Token, Wake};

/// How often a token that is not asked for anything is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long the first attempt to mend a token is waited after, and the longest wait.
const FIRST_WAIT: Duration = Duration::from_millis(25);
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// How long those at work with the old connection are waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Keeps the token at work until it is told to close.
pub(crate) fn keep(token: &Arc<Token>, wakes: &Receiver<Wake>) {
    let mut wait = None;
    while !is_told_to_close(wakes, wait) {
        wait = match (tend(token), wait) {
            (true, _) => None,
            (false, None) => Some(FIRST_WAIT),
            (false, Some(last)) => Some((last * 2).min(LONGEST_WAIT)),
        };
    }
    if let Some(entry) = token.enter_module()
        && let Some(mut place) = token.link.try_write_for(PATIENCE)
        && let Some(link) = place.take()
        && link.generation == entry.generation()
    {
        link.close();
    }
}

/// Waits for the next round. Between two attempts to mend, only time counts: others call for help meanwhile.
fn is_told_to_close(wakes: &Receiver<Wake>, backoff: Option<Duration>) -> bool {
    let until = Instant::now() + backoff.map_or(LOOK_EVERY, jitter);
    loop {
        match wakes.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Wake::Close) | Err(RecvTimeoutError::Disconnected) => return true,
            Ok(Wake::Mend) if backoff.is_some() => {}
            Ok(Wake::Mend) | Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// Between half of it and all of it, so that many servers do not come back to a device at the same time.
fn jitter(wait: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness it is the whole wait, which is as good for one server.
    if strongroom_crypto::random::system(&mut byte).is_err() {
        return wait;
    }
    wait / 2 + wait / 512 * u32::from(byte[0])
}

/// Looks after the token and mends it where needed; whether it is well, or beyond help.
fn tend(token: &Arc<Token>) -> bool {
    if matches!(token.state(), State::Stopped { .. }) {
        return true;
    }
    if token.held_down.load(Ordering::SeqCst) {
        return false;
    }
    if let Some(room) = is_well(token) {
        token.ready(room);
        return true;
    }
    let seen = token.enter_module().map(|entry| entry.generation());
    let failed = match connect(token) {
        Ok(()) => return true,
        Err(error) if error.is_final() => {
            token.stop(&error.in_full());
            return true;
        }
        Err(error) => error,
    };
    tell(token, &failed);
    // A module may go on telling of a token as it was; only a new start makes it look again.
    token.module.renew(seen);
    match connect(token) {
        Ok(()) => true,
        Err(error) if error.is_final() => {
            token.stop(&error.in_full());
            true
        }
        Err(error) => {
            tell(token, &error);
            false
        }
    }
}

fn tell(token: &Token, error: &Pkcs11Error) {
    let reason = error.in_full();
    if token.still_down(&reason) {
        tracing::warn!(token = %token.name, %reason, "a token is not at work");
    }
}

/// Whether the connection at hand works, and if so how many sessions the token allows.
fn is_well(token: &Token) -> Option<u64> {
    let entry = token.enter_module()?;
    let link = token.link.read();
    let link = link.as_ref().filter(|link| link.generation == entry.generation())?;
    if token.is_worn_out() || token.outdated.load(Ordering::SeqCst) {
        return None;
    }
    let session = entry.pkcs11().open_ro_session_no_drop(link.slot).ok()?;
    let proof = link.prove(&session, &token.known);
    close(session);
    if let Err(Fault::Call(error)) = &proof {
        tracing::debug!(token = %token.name, %error, "a token does not open its canary");
    }
    proof.is_ok().then_some(link.room)
}

/// Connects anew, in place of the connection at hand.
fn connect(token: &Arc<Token>) -> Result<(), Pkcs11Error> {
    let entry = token.enter_module().ok_or(Pkcs11Error::NotInitialised)?;
    // Nobody uses a handle of the old connection while the new one gives out its own.
    let Some(mut place) = token.link.try_write_for(PATIENCE) else {
        return Err(Pkcs11Error::Stuck(token.stuck()));
    };
    if let Some(old) = place.take()
        && old.generation == entry.generation()
    {
        old.close();
    }
    let proved = token.pin_proved.load(Ordering::SeqCst);
    let link = Link::establish(
        entry.pkcs11(),
        entry.generation(),
        token.next_epoch(),
        &token.config,
        &token.known,
        proved,
    )?;
    let room = link.room;
    *place = Some(link);
    token.outdated.store(false, Ordering::SeqCst);
    drop(place);
    token.ready(room);
    Ok(())
}
