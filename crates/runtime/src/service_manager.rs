//! What the service manager is told (`sd_notify(3)`): that requests are taken, that the process is alive, that
//! it is about to stop. Without one that asks, nothing is told to anybody.

use std::time::Duration;

use sd_notify::{NotifyState, notify, watchdog_enabled};

/// Requests are taken.
pub(crate) fn ready(endpoint: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("serves {endpoint}"))]);
}

/// No new requests are taken.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells again and again, as often as is asked for, that the process still gets to its work. A part that is
/// down is no reason to be restarted, so that it is not asked here.
pub(crate) async fn keep_alive() {
    let mut limit = 0;
    if !watchdog_enabled(false, &mut limit) {
        return;
    }
    let mut ticks = tokio::time::interval(Duration::from_micros((limit / 2).max(1)));
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(false, state) {
        tracing::warn!(%error, "the service manager can't be told");
    }
}
