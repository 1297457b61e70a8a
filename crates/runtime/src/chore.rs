//! What a server does besides answering, again and again.

use std::time::Duration;

use strongroom_core::Error;
use tokio::time::sleep;

use crate::error::chain;

/// How often to look for something to do.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest pause after errors in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Does it, at once again as long as there was something to do. May be cut off anywhere: `work` has to take up again
/// what it has not done.
pub(crate) async fn keep_at<W>(what: &'static str, mut work: impl FnMut() -> W + Send)
where
    W: Future<Output = Result<bool, Error>> + Send,
{
    let mut pause = LOOK_EVERY;
    loop {
        match work().await {
            Ok(worked) => {
                pause = LOOK_EVERY;
                if !worked {
                    sleep(LOOK_EVERY).await;
                }
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), ?pause, "{what} has to wait; trying again");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
