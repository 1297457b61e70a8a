//! Looks after secrets whose time is over: expired ones, unreadable to the second as they are, are taken out of the
//! lists' way and destroyed later; replaced ones are deleted; deleted ones are destroyed when nobody can restore them
//! any more.

use std::sync::Arc;
use std::time::Duration;

use strongroom_core::KeyManager;
use strongroom_storage::SqliteRepository;

use crate::error::chain;
use crate::settings::ExpirySection;

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How many are destroyed without looking up, so that a stop is never waited for long.
const AT_ONCE: u32 = 100;

pub(crate) async fn look_after(
    repository: Arc<SqliteRepository>,
    manager: KeyManager,
    section: ExpirySection,
) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        match repository.sweep_expired(manager.now()).await {
            Ok(0) => {}
            Ok(swept) => tracing::debug!(swept, "took expired secrets out of the lists"),
            Err(error) => tracing::warn!(%error, "expired secrets were not swept; trying again"),
        }
        match manager.delete_replaced(AT_ONCE).await {
            Ok(0) => {}
            Ok(seen) => tracing::info!(seen, "looked at replaced secrets whose overlap is over"),
            Err(error) => {
                tracing::warn!(error = chain(&error), "replaced secrets were not deleted; trying again");
            }
        }
        match manager.destroy_deleted(AT_ONCE).await {
            Ok(0) => {}
            Ok(destroyed) => tracing::info!(destroyed, "destroyed deleted secrets"),
            Err(error) => {
                tracing::warn!(error = chain(&error), "deleted secrets were not destroyed; trying again");
            }
        }
        let before = manager.now().plus_seconds(-section.destroy_after_seconds);
        match manager.destroy_expired(before, AT_ONCE).await {
            Ok(0) => {}
            Ok(destroyed) => tracing::info!(destroyed, "destroyed expired secrets"),
            Err(error) => {
                tracing::warn!(error = chain(&error), "expired secrets were not destroyed; trying again");
            }
        }
    }
}
