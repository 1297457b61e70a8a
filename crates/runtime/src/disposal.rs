//! Sees to it that backends forget what is not stored any more.

use std::time::Duration;

use strongroom_core::KeyManager;
use tokio::time::sleep;

use crate::error::chain;

/// How often to look for what there is to forget.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest pause after errors in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// May be cut off anywhere: what is not done is taken up again.
pub(crate) async fn look_after(manager: KeyManager) {
    let mut pause = LOOK_EVERY;
    loop {
        match manager.disposals().work().await {
            Ok(worked) => {
                pause = LOOK_EVERY;
                if !worked {
                    sleep(LOOK_EVERY).await;
                }
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), ?pause, "what was deleted is still to be forgotten");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
