use std::time::{Duration, Instant};

use strongroom_core::rotation::Stage;
use strongroom_core::{Error, KeyManager, Pace, Shift};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::pace::Courtesy;
use crate::chore::News;

/// Pause while a rotation waits for something, and after a first error.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// How often to tell the other servers which master keys are at hand; well within the time after which a server
/// is taken to be gone.
const ATTEND_EVERY: Duration = Duration::from_secs(8);
/// Longest pause after errors in a row; within a claim's time.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// What keeps this server's part in rotations.
pub(crate) struct Rotator {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    manager: KeyManager,
}

impl Rotator {
    /// Proves this server's master keys to the others, and from then on takes part.
    pub(crate) async fn start(manager: &KeyManager, courtesy: Courtesy, news: News) -> Result<Self, Error> {
        manager.rotations().attend().await?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(take_part(manager.clone(), courtesy, news, stopped));
        Ok(Self { stop, task, manager: manager.clone() })
    }

    /// Ends after the step at hand, within that time. Whoever comes next goes on from there.
    pub(crate) async fn stop(mut self, time: Duration) {
        self.stop.send_replace(true);
        if timeout(time, &mut self.task).await.is_err() {
            tracing::warn!("a step of a rotation was not finished in time; it is taken up again later");
            self.task.abort();
        }
        if let Err(error) = self.manager.rotations().leave().await {
            tracing::warn!(error = %crate::error::chain(&error), "the other servers do not know that this one stops");
        }
    }
}

async fn take_part(
    manager: KeyManager,
    mut courtesy: Courtesy,
    mut news: News,
    mut stopped: watch::Receiver<bool>,
) {
    let mut shift: Option<Shift<'_>> = None;
    let mut attended = Instant::now();
    let mut failed = Duration::ZERO;
    while !*stopped.borrow_and_update() {
        let begun = Instant::now();
        let turn = turn(&manager, &mut shift, &mut attended).await;
        let is_idle = matches!(turn, Ok(None));
        let pause = match turn {
            Ok(Some(Pace::On)) => {
                let rest = courtesy.after(begun.elapsed());
                if let Some(shift) = &mut shift {
                    shift.take_small_batches(rest.is_some());
                }
                rest.unwrap_or_default()
            }
            Ok(Some(_)) => SHORTEST_PAUSE,
            Ok(None) => ATTEND_EVERY.saturating_sub(attended.elapsed()),
            Err(error) => {
                failed = (failed * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                let told = crate::error::chain(&error);
                tracing::warn!(error = %told, pause = ?failed, "a rotation, or this server's part in it, is held up");
                if let Some(shift) = &mut shift {
                    // What keeps this from being stored has just been logged, or is that nobody has to know.
                    shift.note_failure(told).await.ok();
                }
                sleep_or_stop(failed, &mut stopped).await;
                continue;
            }
        };
        failed = Duration::ZERO;
        tokio::select! {
            () = sleep_or_stop(pause, &mut stopped) => {}
            () = news.wait(), if is_idle => {}
        }
    }
}

/// One look around, and one step where there is one to take.
async fn turn<'a>(
    manager: &'a KeyManager,
    shift: &mut Option<Shift<'a>>,
    attended: &mut Instant,
) -> Result<Option<Pace>, Error> {
    let rotations = manager.rotations();
    let mut staging = false;
    if shift.is_none() {
        let open = rotations.open().await?;
        staging = open.iter().any(|rotation| rotation.stage == Stage::Staging);
        if open.iter().any(|rotation| !rotation.paused) {
            *shift = rotations.claim().await?;
            if let Some(claimed) = shift {
                // Whether requests come is known after the first batch.
                claimed.take_small_batches(true);
            }
        }
    }
    if staging || attended.elapsed() >= ATTEND_EVERY {
        rotations.attend().await?;
        *attended = Instant::now();
    }
    let Some(claimed) = shift else { return Ok(None) };
    let before = claimed.rotation().stage;
    let pace = claimed.step().await?;
    let rotation = claimed.rotation();
    if rotation.stage != before {
        tracing::info!(
            from = %before, to = %rotation.stage, changed = rotation.changed, failed = rotation.failed,
            "a rotation goes on"
        );
    }
    if matches!(pace, Pace::Ended | Pace::Lost) {
        *shift = None;
    }
    Ok(Some(pace))
}

async fn sleep_or_stop(pause: Duration, stopped: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = sleep(pause) => {}
        _ = stopped.changed() => {}
    }
}
