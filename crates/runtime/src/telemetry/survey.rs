//! What the database, the stores and the doctor tell, looked at now and then rather than whenever somebody reads the
//! metrics: reading costs the same however much is stored, and no reader can make it cost more.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use strongroom_core::ports::{MasterKeyRecord, Milestone, Reader, SecretBackend, StorageError};
use strongroom_core::rotation::{MasterKeyState, Rotation};
use strongroom_core::{Clock as _, SystemClock, Timestamp};
use strongroom_edge::TlsFiles;
use strongroom_storage::SqliteRepository;
use strongroom_telemetry::{Meters, catalogue};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::ask::ask;
use crate::doctor::{self, Verdict};
use crate::settings::Settings;

/// How often the stores are asked how they are.
const ASK_EVERY: Duration = Duration::from_secs(15);
/// How many of these pass from one look at the database and the doctor's controls to the next.
const TURNS: u32 = 4;
/// How long a store may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Within how many days secrets are counted that expire.
const WINDOWS: [(i64, &str); 3] = [(1, "1"), (7, "7"), (30, "30")];
const SECONDS_A_DAY: i64 = 86_400;

/// Looks around now and then.
pub(crate) struct Surveyor {
    pub(crate) repository: Arc<SqliteRepository>,
    pub(crate) backends: Vec<Arc<dyn SecretBackend>>,
    pub(crate) settings: Settings,
    pub(crate) credentials: Option<PathBuf>,
    pub(crate) latest: Arc<Latest>,
}

/// What was found last.
#[derive(Default)]
pub(crate) struct Latest(Mutex<Found>);

#[derive(Default)]
struct Found {
    /// When all was looked at last.
    surveyed: Option<Instant>,
    /// Each store, and whether it can seal and open.
    stores: Vec<(String, bool)>,
    told: Told,
    verdicts: Vec<(&'static str, &'static str, u64)>,
}

/// What the database tells.
#[derive(Default)]
struct Told {
    expiring: Vec<(&'static str, u64)>,
    orders: (u64, Option<Timestamp>),
    active: Vec<MasterKeyRecord>,
    rotations: Vec<Rotation>,
    disposals: Vec<(String, u64)>,
    milestones: Vec<Milestone>,
}

/// The time since then.
pub(crate) fn age(then: Timestamp) -> Duration {
    let micros = SystemClock.now().as_micros().saturating_sub(then.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

impl Surveyor {
    /// Looks around for ever; may be cut off anywhere.
    pub(crate) async fn look_after(self) {
        let mut ticks = interval(ASK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for turn in (0..TURNS).cycle() {
            ticks.tick().await;
            self.ask_stores().await;
            if turn == 0 {
                self.survey().await;
            }
        }
    }

    async fn ask_stores(&self) {
        let mut stores = Vec::new();
        for backend in &self.backends {
            let well = matches!(timeout(PATIENCE, backend.health()).await, Ok(Ok(())));
            stores.push((backend.id().to_string(), well));
        }
        self.latest.found().stores = stores;
    }

    async fn survey(&self) {
        let stores: Vec<_> = self.backends.iter().map(|backend| backend.id().clone()).collect();
        let now = SystemClock.now();
        let told = ask(&self.repository, move |reader| tell(reader, &stores, now)).await;
        match told {
            Ok(told) => {
                let mut found = self.latest.found();
                found.told = told;
                found.surveyed = Some(Instant::now());
            }
            Err(error) => tracing::warn!(%error, "metrics of what is stored are not up to date"),
        }
        let (settings, credentials) = (self.settings.clone(), self.credentials.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let findings = doctor::look_quickly(&settings, credentials.as_deref());
            let told = findings.into_iter().filter_map(|finding| {
                let verdict = match finding.verdict {
                    Verdict::Pass => 0,
                    Verdict::Warn => 1,
                    Verdict::Fail => 2,
                    Verdict::NotApplicable => return None,
                };
                Some((finding.id, finding.severity.as_str(), verdict))
            });
            told.collect()
        });
        if let Ok(verdicts) = looked.await {
            self.latest.found().verdicts = verdicts;
        }
    }
}

fn tell(
    reader: &mut dyn Reader,
    stores: &[strongroom_core::ports::BackendId],
    now: Timestamp,
) -> Result<Told, StorageError> {
    let mut told =
        Told { orders: reader.pending_orders()?, milestones: reader.milestones()?, ..Told::default() };
    for (days, name) in WINDOWS {
        let until = now.plus_seconds(days * SECONDS_A_DAY);
        told.expiring.push((name, reader.count_endings(now, until)?));
    }
    for store in stores {
        let keys = reader.master_keys(store)?.into_iter();
        told.active.extend(keys.filter(|key| key.state == MasterKeyState::Active));
        told.rotations.extend(reader.rotations(store, 1)?);
        told.disposals.push((store.to_string(), reader.count_disposals(store)?));
    }
    Ok(told)
}

impl Latest {
    /// Has what was found last read whenever the metrics are.
    pub(super) fn watch(latest: &Arc<Self>, meters: &Meters, tls: Option<TlsFiles>) {
        let of = || Arc::clone(latest);
        let from = of();
        meters.watch(&catalogue::SURVEY_AGE, move |telling| {
            if let Some(at) = from.found().surveyed {
                telling.real(at.elapsed().as_secs_f64(), &[]);
            }
        });
        let from = of();
        meters.watch(&catalogue::STORE_UP, move |telling| {
            for (store, well) in &from.found().stores {
                telling.state(*well, &[store]);
            }
        });
        let from = of();
        meters.watch(&catalogue::DOCTOR, move |telling| {
            for (control, severity, verdict) in &from.found().verdicts {
                telling.whole(*verdict, &[control, severity]);
            }
        });
        let from = of();
        meters.watch(&catalogue::EXPIRING, move |telling| {
            for (days, number) in &from.found().told.expiring {
                telling.whole(*number, &[days]);
            }
        });
        let from = of();
        meters.watch(&catalogue::ORDERS, move |telling| telling.whole(from.found().told.orders.0, &[]));
        let from = of();
        meters.watch(&catalogue::ORDERS_AGE, move |telling| {
            let oldest = from.found().told.orders.1;
            telling.real(oldest.map_or(0.0, |at| age(at).as_secs_f64()), &[]);
        });
        let from = of();
        meters.watch(&catalogue::DISPOSALS, move |telling| {
            for (store, number) in &from.found().told.disposals {
                telling.whole(*number, &[store]);
            }
        });
        let from = of();
        meters.watch(&catalogue::MILESTONE_AGE, move |telling| {
            for milestone in &from.found().told.milestones {
                telling.real(age(milestone.at).as_secs_f64(), &[&milestone.name]);
            }
        });
        Self::watch_keys(latest, meters);
        meters.watch(&catalogue::CERTIFICATE_LEFT, move |telling| {
            if let Some(until) = tls.as_ref().and_then(|tls| tls.good_until().ok().flatten()) {
                let left = until.saturating_sub(SystemClock.now().as_micros().div_euclid(1_000_000));
                telling.whole(u64::try_from(left).unwrap_or_default(), &[]);
            }
        });
    }

    fn watch_keys(latest: &Arc<Self>, meters: &Meters) {
        let of = || Arc::clone(latest);
        let from = of();
        meters.watch(&catalogue::MASTER_KEY_VERSION, move |telling| {
            for key in &from.found().told.active {
                telling.whole(u64::from(key.version.0), &[key.backend.as_str()]);
            }
        });
        let from = of();
        meters.watch(&catalogue::MASTER_KEY_AGE, move |telling| {
            for key in &from.found().told.active {
                telling.real(age(key.created).as_secs_f64(), &[key.backend.as_str()]);
            }
        });
        let from = of();
        meters.watch(&catalogue::ROTATION_OPEN, move |telling| {
            for rotation in &from.found().told.rotations {
                telling.state(!rotation.stage.is_end(), &[rotation.backend.as_str()]);
            }
        });
        let from = of();
        meters.watch(&catalogue::ROTATION_PROGRESS, move |telling| {
            for rotation in from.found().told.rotations.iter().filter(|rotation| !rotation.stage.is_end()) {
                telling.real(share(rotation.done, rotation.total), &[rotation.backend.as_str()]);
            }
        });
        let from = of();
        meters.watch(&catalogue::ROTATION_FAILED, move |telling| {
            for rotation in &from.found().told.rotations {
                telling.whole(rotation.failed, &[rotation.backend.as_str()]);
            }
        });
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What part of all is done, from 0 to 1; 0 of nothing.
fn share(done: u64, total: u64) -> f64 {
    let [done, total] = [done.min(total), total].map(|number| Duration::from_secs(number).as_secs_f64());
    if total > 0.0 { done / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_a_share() {
        for (done, total, expected) in [(0, 0, 0.0), (0, 4, 0.0), (1, 4, 0.25), (4, 4, 1.0), (9, 4, 1.0)] {
            assert!((share(done, total) - expected).abs() < 1e-9, "{done}/{total}");
        }
    }
}
