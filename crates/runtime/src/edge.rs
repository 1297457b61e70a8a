//! The edge of the network, from the settings, and its refusals on record.

use std::sync::Arc;

use strongroom_api::Admission;
use strongroom_core::audit::{Action, Origin, Outcome, Reason};
use strongroom_core::{CallContext, Caller, KeyManager};
use strongroom_edge::{Capacity, CountedRefusals, LockOuts, RateLimiter, Refusals, Rules, Tls};

use crate::error::RunError;
use crate::settings::{LoadSection, Settings};

/// Nobody is locked out yet; and never the named networks, or the proxies, behind which everybody is.
pub(crate) fn lock_outs(settings: &Settings) -> LockOuts {
    LockOuts::new(vec![settings.alerts.never_lock_out.clone(), settings.edge.proxies.networks.clone()])
}

/// Who may come in, and how. Reads the TLS files.
pub(crate) fn rules(settings: &Settings, lock_outs: LockOuts) -> Result<Rules, RunError> {
    let tls = settings.tls.clone().map(Tls::load).transpose().map_err(RunError::Tls)?;
    Ok(Rules {
        allowed: settings.edge.allowed.clone(),
        proxies: settings.edge.proxies.clone(),
        tls: tls.map(Arc::new),
        source_rate: settings.edge.source_rate.map(|rate| Arc::new(RateLimiter::new(rate))),
        lock_outs,
    })
}

/// How much is worked on at once.
pub(crate) fn capacity(load: &LoadSection) -> Capacity {
    Capacity::new(load.at_work, load.patience)
}

/// How much is taken on.
pub(crate) fn admission(
    load: &LoadSection,
    capacity: Capacity,
    lock_outs: LockOuts,
    refusals: Refusals,
) -> Admission {
    let limiter = |rate| Arc::new(RateLimiter::new(rate));
    Admission {
        capacity,
        caller_rate: load.caller_rate.map(limiter),
        project_rate: load.project_rate.map(limiter),
        lock_outs,
        refusals,
    }
}

/// Puts the refusals of each window on record, for ever.
pub(crate) async fn record_refusals(manager: KeyManager, refusals: Refusals) {
    loop {
        record(&manager, refusals.window().await).await;
    }
}

/// Puts counted refusals on record. What can't be recorded now goes to the log: there is no answer to hold
/// back, since these were turned away.
pub(crate) async fn record(manager: &KeyManager, counted: Vec<CountedRefusals>) {
    for CountedRefusals { source, refusal, times } in counted {
        let origin = Origin { address: source, ..Origin::default() };
        let context = CallContext { caller: Caller::anonymous(), origin };
        let reason = Some(Reason::counted(refusal.code(), times));
        if let Err(refused) = manager.note(&context, Action::Admit, None, Outcome::Refused, reason).await {
            let error = refused.error();
            tracing::error!(?source, code = refusal.code(), times, %error, "refusals are not on record");
        }
    }
}
