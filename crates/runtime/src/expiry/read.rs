use std::time::{Duration, Instant};

use strongroom_core::KeyManager;
use tokio::time::sleep;

use crate::chore::News;
use crate::error::chain;
use crate::rotation::rest;

/// Shortest pause between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause after errors in a row.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How much of its time a server spends on it, in percent: there is no hurry.
const SHARE_PERCENT: u32 = 50;

/// Reads certificates that an earlier version stored without looking at them. May be cut off anywhere: what is not
/// done is taken up again.
pub(crate) async fn read_certificates(manager: KeyManager, mut news: News) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let begun = Instant::now();
        match manager.expiry().read_certificate().await {
            Ok(worked) => {
                pause = SHORTEST_PAUSE;
                if worked {
                    sleep(rest(begun.elapsed(), SHARE_PERCENT)).await;
                } else {
                    // There is hardly ever one, and none is urgent.
                    sleep(SHORTEST_PAUSE).await;
                    news.wait().await;
                }
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), ?pause, "a stored certificate is still to be read");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
