//! When secrets end, what people are told before, and what becomes of secrets that have expired.

mod acknowledge;
mod destroy;
mod notices;
mod read;

pub use acknowledge::acknowledge;
pub use notices::{DueNotice, Turn};

use super::engine::Engine;
use crate::certificate::Certificate;
use crate::error::Error;
use crate::expiry::{Ending, Window};
use crate::ports::Writer;
use crate::secret::Secret;

/// Telling people of secrets that end. For the server's own tasks: no access rule is asked.
#[derive(Clone, Copy)]
pub struct Expiry<'a> {
    engine: &'a Engine,
}

impl<'a> Expiry<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// How many secrets end within each of the default windows, and have not ended. Cheap: what is counted is what
    /// ends within the widest.
    pub async fn counts(self) -> Result<Vec<(Window, u64)>, Error> {
        let now = self.engine.clock.now();
        let mut windows = self.engine.windows.default.clone();
        windows.sort_unstable();
        let counted = self.engine.read(move |reader| {
            let (mut from, mut sum) = (now, 0);
            let mut counts = Vec::new();
            for window in &windows {
                let until = window.reaches(now);
                sum += reader.count_endings(from, until)?;
                counts.push((*window, sum));
                from = until;
            }
            Ok(counts)
        });
        counted.await
    }
}

impl Engine {
    /// When that secret ends, with what its payload holds.
    pub(super) fn ending(&self, secret: &Secret, certificate: Option<Certificate>) -> Option<Ending> {
        Ending::of(secret, certificate, &self.windows, self.clock.now())
    }
}

/// Stores what was found out about a secret's end, beside what was known.
pub(super) fn note_ending(writer: &mut dyn Writer, found: &Ending) -> Result<(), Error> {
    let ending = match writer.ending(found.secret)? {
        Some(before) => found.clone().after(before),
        None => found.clone(),
    };
    Ok(writer.put_ending(&ending)?)
}
