//! Failing one token on purpose, to see that the others take over and that it comes back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::backend::Pkcs11Backend;
use crate::token::{Token, Wake};

/// How long those at work are waited for before their connection is closed.
const PATIENCE: Duration = Duration::from_millis(500);

/// A token that is kept down; it may come back when this is dropped.
pub struct Outage {
    token: Arc<Token>,
    /// What was done to it, in words.
    pub how: &'static str,
}

impl Pkcs11Backend {
    /// Fails the token of that number, counted from 0: its module is finalised, or, when another token needs
    /// the module, its connection is closed. `None` when there is no such token, or calls that do not return
    /// stand in the way.
    pub fn cut(&self, number: usize) -> Option<Outage> {
        let token = self.tokens().get(number)?;
        token.held_down.store(true, Ordering::SeqCst);
        let shared =
            self.tokens().iter().filter(|other| Arc::ptr_eq(&other.module, &token.module)).count() > 1;
        let (done, how) = if shared {
            (disconnect(token), "its connection was closed")
        } else {
            (token.module.take_down(), "its module was finalised")
        };
        let outage = Outage { token: Arc::clone(token), how };
        done.then_some(outage)
    }
}

fn disconnect(token: &Token) -> bool {
    let Some(entry) = token.enter_module() else { return true };
    let Some(mut place) = token.link.try_write_for(PATIENCE) else { return false };
    if let Some(link) = place.take()
        && link.generation == entry.generation()
    {
        link.close();
    }
    true
}

impl Drop for Outage {
    fn drop(&mut self) {
        self.token.held_down.store(false, Ordering::SeqCst);
        self.token.wake(Wake::Mend);
    }
}
