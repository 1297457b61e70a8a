//! The threads that call a token, each with a session of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cryptoki::session::Session;
use parking_lot::Mutex;
use strongroom_core::ports::BackendError;

use crate::fault::{Class, Fault, class, was_reading};
use crate::link::{Link, close};
use crate::module::Entry;
use crate::seat::Seat;
use crate::token::{Failure, Token};

/// A thread's place.
pub(crate) struct Bench {
    token: Arc<Token>,
    session: Option<OpenSession>,
    written_off: Arc<AtomicBool>,
}

struct OpenSession {
    session: Session,
    generation: u64,
    epoch: u64,
}

/// Tells who is doing a piece of work, for when it takes too long.
#[derive(Default)]
pub(crate) struct Ticket(Mutex<Option<Arc<AtomicBool>>>);

impl Ticket {
    pub(crate) fn take(&self, bench: &Bench) {
        *self.0.lock() = Some(Arc::clone(&bench.written_off));
    }

    pub(crate) fn give_back(&self) {
        *self.0.lock() = None;
    }

    /// Writes off whoever is at it; false when nobody is, or it was done already.
    pub(crate) fn write_off(&self) -> bool {
        self.0.lock().as_ref().is_some_and(|worker| !worker.swap(true, Ordering::SeqCst))
    }
}

/// What to do after a failed call.
enum Step {
    Again,
    GiveUp(Failure),
}

impl Bench {
    /// Takes jobs until there are no more to come.
    pub(crate) fn work(token: Arc<Token>) {
        let written_off = Arc::new(AtomicBool::new(false));
        let mut bench = Self { token, session: None, written_off };
        while let Ok(job) = bench.token.queue.recv_blocking() {
            job(&mut bench);
            if bench.written_off.load(Ordering::SeqCst) {
                bench.token.returned();
                break;
            }
        }
        bench.leave();
    }

    /// Does a piece of work, climbing the ladder of remedies when a call fails: one more attempt at most.
    pub(crate) fn perform<T>(&mut self, work: &dyn Fn(&Seat<'_>) -> Result<T, Fault>) -> Result<T, Failure> {
        let token = Arc::clone(&self.token);
        let Some(entry) = token.enter_module() else {
            token.down("its module is not initialised");
            return Err(Failure::Lost(token.unavailable("its module is not initialised")));
        };
        let link = token.link.read();
        let Some(link) = link.as_ref().filter(|link| link.generation == entry.generation()) else {
            token.down("its module was initialised anew");
            return Err(Failure::Lost(token.unavailable("it is not connected")));
        };
        let mut retried = false;
        loop {
            let done = self
                .session(&entry, link)
                .and_then(|session| work(&Seat { link, session, known: &token.known }));
            let error = match done {
                Ok(value) => {
                    token.succeeded();
                    return Ok(value);
                }
                Err(Fault::Answer(error)) => return Err(Failure::Answer(error)),
                Err(Fault::Call(error)) => error,
            };
            // Whatever the failed call has left of itself in the session goes with it.
            self.close_session(&entry);
            match self.remedy(&entry, link, &error, retried) {
                Step::Again => retried = true,
                Step::GiveUp(failure) => return Err(failure),
            }
        }
    }

    fn remedy(
        &mut self,
        entry: &Entry<'_>,
        link: &Link,
        error: &cryptoki::error::Error,
        retried: bool,
    ) -> Step {
        let token = Arc::clone(&self.token);
        let reason = error.to_string();
        let lost = || {
            token.down(&reason);
            Step::GiveUp(Failure::Lost(token.unavailable(&reason)))
        };
        let unfit = || {
            Step::GiveUp(Failure::Elsewhere(BackendError::Denied(format!(
                "{}: {reason}; `strongroom-admin hsm check` tells what the token lacks",
                token.name
            ))))
        };
        match class(error) {
            Class::Data => Step::GiveUp(Failure::Answer(BackendError::Integrity)),
            Class::Setup => unfit(),
            Class::Pin => {
                token.stop(&reason);
                Step::GiveUp(Failure::Elsewhere(token.unavailable(&reason)))
            }
            Class::Session if !retried => Step::Again,
            Class::Login if !retried => match link.login_again(&token.config.pin) {
                Ok(()) => Step::Again,
                Err(error) => {
                    let reason = error.in_full();
                    if error.is_final() {
                        token.stop(&reason);
                    } else {
                        token.down(&reason);
                    }
                    Step::GiveUp(Failure::Lost(token.unavailable(&reason)))
                }
            },
            Class::Session | Class::Login | Class::Device => lost(),
            class @ (Class::Handle | Class::Key | Class::Doubt) => {
                let proof = self.session(entry, link).and_then(|session| link.prove(session, &token.known));
                if proof.is_err() {
                    self.close_session(entry);
                    return lost();
                }
                // The token is well, and so is the master key in it.
                link.forget_kept();
                if !retried {
                    Step::Again
                } else if class == Class::Key {
                    unfit()
                } else if class == Class::Doubt && was_reading(error) {
                    Step::GiveUp(Failure::Answer(BackendError::Integrity))
                } else {
                    token.failed(&reason);
                    Step::GiveUp(Failure::Elsewhere(token.unavailable(&reason)))
                }
            }
        }
    }

    /// The thread's session within that connection.
    fn session(&mut self, entry: &Entry<'_>, link: &Link) -> Result<&Session, Fault> {
        if self.session.as_ref().is_some_and(|open| open.epoch != link.epoch) {
            self.close_session(entry);
        }
        let open = match self.session.take() {
            Some(open) => open,
            None => OpenSession {
                session: entry.pkcs11().open_ro_session_no_drop(link.slot)?,
                generation: link.generation,
                epoch: link.epoch,
            },
        };
        Ok(&self.session.insert(open).session)
    }

    /// In a later generation the session's number may be another's, so it is left alone.
    fn close_session(&mut self, entry: &Entry<'_>) {
        if let Some(open) = self.session.take()
            && open.generation == entry.generation()
        {
            close(open.session);
        }
    }

    fn leave(&mut self) {
        let token = Arc::clone(&self.token);
        if let Some(entry) = token.enter_module() {
            self.close_session(&entry);
        }
    }
}
