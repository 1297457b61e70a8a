use std::time::{Duration, Instant};

use strongroom_core::KeyManager;
use tokio::time::sleep;

use crate::error::chain;
use crate::rotation::rest;

/// How often to look for what there is to read.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Longest pause after errors in a row.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How much of its time a server spends on it, in percent: there is no hurry.
const SHARE_PERCENT: u32 = 50;

/// Reads certificates that an earlier version stored without looking at them. May be cut off anywhere: what is not
/// done is taken up again.
pub(crate) async fn read_certificates(manager: KeyManager) {
    let mut pause = LOOK_EVERY;
    loop {
        let begun = Instant::now();
        match manager.expiry().read_certificate().await {
            Ok(worked) => {
                pause = LOOK_EVERY;
                sleep(if worked { rest(begun.elapsed(), SHARE_PERCENT) } else { LOOK_EVERY }).await;
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), ?pause, "a stored certificate is still to be read");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
