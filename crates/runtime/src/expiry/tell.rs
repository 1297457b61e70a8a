use std::time::Duration;

use strongroom_core::{DueNotice, Error, KeyManager, Turn};
use strongroom_notify::{DeliveryError, Notifier};
use tokio::time::sleep;

use super::notice::notice;
use crate::chore::News;
use crate::error::chain;

/// Shortest pause after a failure.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);
/// Longest pause after failures in a row.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Tells people of secrets that end, one after another. May be cut off anywhere: what was not noted as delivered is
/// delivered again, under the same id.
pub(crate) async fn tell(manager: KeyManager, notifier: Notifier, mut news: News) {
    let mut pause = SHORTEST_PAUSE;
    let mut revised = false;
    loop {
        match turn(&manager, &notifier, &mut revised).await {
            Ok(Told::Something) => pause = SHORTEST_PAUSE,
            Ok(Told::Nothing) => {
                pause = SHORTEST_PAUSE;
                news.wait().await;
            }
            Ok(Told::InVain(error)) => {
                tracing::warn!(%error, ?pause, "of a secret's end nobody was told; trying again");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), ?pause, "secrets that end are still to be told of");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

enum Told {
    Something,
    Nothing,
    InVain(DeliveryError),
}

async fn turn(manager: &KeyManager, notifier: &Notifier, revised: &mut bool) -> Result<Told, Error> {
    let expiry = manager.expiry();
    if !*revised {
        expiry.revise().await?;
        *revised = true;
    }
    match expiry.next().await? {
        Turn::Nothing => Ok(Told::Nothing),
        Turn::Worked => Ok(Told::Something),
        Turn::Notice(due) => {
            let told = expiry.tell(&due, async || deliver(manager, notifier, &due).await).await?;
            Ok(told.map_or_else(Told::InVain, |()| Told::Something))
        }
    }
}

/// By every channel; to the log in any case, which is all there is when no channel is set.
async fn deliver(manager: &KeyManager, notifier: &Notifier, due: &DueNotice) -> Result<(), DeliveryError> {
    let notice = notice(due, manager.now());
    notifier.deliver(&notice).await?;
    tracing::warn!(id = notice.id, secret = %due.secret.id, "{}", notice.summary);
    Ok(())
}
