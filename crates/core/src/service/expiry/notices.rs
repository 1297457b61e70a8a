use std::sync::Arc;

use super::Expiry;
use crate::audit::{Action, Outcome, Phase, Target};
use crate::error::Error;
use crate::expiry::{Ending, Judged, Window, Windows};
use crate::id::{ChangeId, SecretId};
use crate::ports::{EndingQuery, Reader, Writer};
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long a worker has an ending for itself, in seconds. One whose notice could not be delivered, or whose worker
/// died, is taken up again then.
const LEASE: i64 = 120;
/// How many endings with nothing to tell are passed over in one change.
const PASSED_AT_ONCE: usize = 256;
/// How many endings are looked at in one consistent state.
const LOOKED_AT_ONCE: u32 = 1000;

/// A notice that is to be delivered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotice {
    /// The secret.
    pub secret: Secret,
    /// When it ends.
    pub ending: Ending,
    /// The window that has opened.
    pub window: Window,
}

impl DueNotice {
    /// The same for the same secret, end and window, whoever delivers it and how often: receivers tell by it what
    /// they have.
    pub fn id(&self) -> String {
        format!("expiry/{}/{}/{}", self.secret.id, self.ending.ends, self.window)
    }
}

/// What a look at the endings has come to.
#[derive(Debug)]
pub enum Turn {
    /// This is to be delivered, see [`Expiry::tell`].
    Notice(Box<DueNotice>),
    /// Something else was done; there may be more.
    Worked,
    /// Nothing is due.
    Nothing,
}

/// What a claim has come to.
enum Claimed {
    Notice(Box<DueNotice>),
    Acknowledged(Box<Ending>),
    Passed,
}

impl Expiry<'_> {
    /// Takes up what has been due the longest, and puts on record what was acknowledged. To be called again and again
    /// by whoever serves; several may.
    pub async fn next(self) -> Result<Turn, Error> {
        let worker = self.engine.audit.node().to_owned();
        let claimant = worker.clone();
        let windows = Arc::clone(&self.engine.windows);
        let now = self.engine.clock.now();
        let claimed = self.engine.claim(
            move |reader| Ok(reader.has_ending_for(&worker, now)?),
            move |writer| claim(writer, &claimant, &windows, now),
        );
        match claimed.await? {
            Some(Claimed::Notice(notice)) => Ok(Turn::Notice(notice)),
            Some(Claimed::Acknowledged(ending)) => {
                self.record_acknowledgement(*ending).await?;
                Ok(Turn::Worked)
            }
            Some(Claimed::Passed) => Ok(Turn::Worked),
            None => Ok(Turn::Nothing),
        }
    }

    /// Has a notice delivered, and notes that it was. The inner result is what `deliver` gives: when it has failed,
    /// the notice is due again after a while. Of a crash before the end nothing is known afterwards but that the
    /// notice may not have been delivered, so it is again.
    pub async fn tell<E>(
        self,
        notice: &DueNotice,
        deliver: impl AsyncFnOnce() -> Result<(), E>,
    ) -> Result<Result<(), E>, Error> {
        let target = || Some(Target::Secret(notice.secret.id));
        let change = ChangeId::random();
        let record =
            |phase, outcome| self.engine.record_own(Action::ExpiryNotice, target(), phase, change, outcome);
        record(Phase::Intent, None).await?;
        let delivered = deliver().await;
        let noted = match delivered {
            Ok(()) => self.note_told(change, notice).await,
            Err(_) => Ok(()),
        };
        let is_done = delivered.is_ok() && noted.is_ok();
        record(Phase::Outcome, Some(if is_done { Outcome::Success } else { Outcome::Failed })).await?;
        self.engine.repository.settled(change);
        noted.map(|()| delivered)
    }

    async fn note_told(self, change: ChangeId, notice: &DueNotice) -> Result<(), Error> {
        let (project, window) = (notice.secret.project.clone(), notice.window);
        let (id, ends) = (notice.secret.id, notice.ending.ends);
        let windows = Arc::clone(&self.engine.windows);
        let now = self.engine.clock.now();
        let note = move |writer: &mut dyn Writer| {
            // Its owner may have deleted it meanwhile, or its end may be another one.
            let Some(ending) = writer.ending(id)?.filter(|ending| ending.ends == ends) else { return Ok(()) };
            let told = Some(ending.told.map_or(window, |told| told.min(window)));
            let due = match ending.acknowledgement {
                Some(_) => ending.due,
                None => windows.due(&project, ends, told, now),
            };
            Ok(writer.put_ending(&Ending { told, due, ..ending })?)
        };
        self.engine.write(change, note).await
    }

    /// Sets anew when each ending is to be looked at, where the windows have changed since; tells how many it has
    /// set. To be called once at start.
    pub async fn revise(self) -> Result<u64, Error> {
        let mut after = None;
        let mut revised = 0;
        loop {
            let (windows, now) = (Arc::clone(&self.engine.windows), self.engine.clock.now());
            let looked = self.engine.read(move |reader| outdated(reader, &windows, after, now));
            let (outdated, last) = looked.await?;
            if !outdated.is_empty() {
                revised += u64::try_from(outdated.len()).unwrap_or(0);
                let windows = Arc::clone(&self.engine.windows);
                self.engine.upkeep(move |writer| set_due(writer, &windows, &outdated, now)).await?;
            }
            let Some(last) = last else { return Ok(revised) };
            after = Some(last);
        }
    }
}

fn claim(
    writer: &mut dyn Writer,
    worker: &str,
    windows: &Windows,
    now: Timestamp,
) -> Result<Option<Claimed>, Error> {
    for passed in 0..PASSED_AT_ONCE {
        let Some(ending) = writer.claim_ending(worker, now, now.plus_seconds(LEASE))? else {
            return Ok((passed > 0).then_some(Claimed::Passed));
        };
        match &ending.acknowledgement {
            Some(given) if !given.on_record => return Ok(Some(Claimed::Acknowledged(Box::new(ending)))),
            Some(_) => writer.put_ending(&Ending { due: None, ..ending })?,
            None => {
                let secret = writer.secret(ending.secret)?.ok_or(Error::Integrity)?;
                match windows.judge(&secret.project, ending.ends, ending.told, now) {
                    Judged::Tell(window) => {
                        return Ok(Some(Claimed::Notice(Box::new(DueNotice { secret, ending, window }))));
                    }
                    Judged::Wait(until) => writer.put_ending(&Ending { due: Some(until), ..ending })?,
                    Judged::Never => writer.put_ending(&Ending { due: None, ..ending })?,
                }
            }
        }
    }
    Ok(Some(Claimed::Passed))
}

/// Where to go on among the endings.
type Place = (Timestamp, SecretId);

/// Whose time to be looked at is not what it should be, and where to go on.
fn outdated(
    reader: &mut dyn Reader,
    windows: &Windows,
    after: Option<Place>,
    now: Timestamp,
) -> Result<(Vec<SecretId>, Option<Place>), Error> {
    let until = Timestamp::LATEST;
    let query = EndingQuery { until, project: None, after, limit: LOOKED_AT_ONCE };
    let found = reader.endings(&query)?;
    let last = found.last().map(|(secret, ending)| (ending.ends, secret.id));
    let outdated = found.iter().filter(|(secret, ending)| {
        let due = windows.due(&secret.project, ending.ends, ending.told, now);
        let is_right = match due {
            Some(due) if due <= now => ending.due.is_some_and(|set| set <= now),
            due => ending.due == due,
        };
        ending.acknowledgement.is_none() && !is_right
    });
    Ok((outdated.map(|(secret, _)| secret.id).collect(), last))
}

fn set_due(
    writer: &mut dyn Writer,
    windows: &Windows,
    outdated: &[SecretId],
    now: Timestamp,
) -> Result<(), Error> {
    for id in outdated {
        let (Some(secret), Some(ending)) = (writer.secret(*id)?, writer.ending(*id)?) else { continue };
        if ending.acknowledgement.is_none() {
            let due = windows.due(&secret.project, ending.ends, ending.told, now);
            writer.put_ending(&Ending { due, ..ending })?;
        }
    }
    Ok(())
}
