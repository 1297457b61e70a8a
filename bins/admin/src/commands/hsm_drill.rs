//! The drill: one token fails for real, under load, and comes back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use strongroom_core::ports::{BackendError, ProjectKey, Sealed, SecretBackend as _};
use strongroom_core::{Clock as _, Payload, ProjectId, SystemClock};
use strongroom_crypto_pkcs11::{Custody, Pkcs11Backend, Pkcs11Config, TokenState};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::{CommandResult, Ended, row};
use crate::flags::Output;
use crate::print;

const PROBES: usize = 4;
const BEFORE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(5);

/// What a drill has shown.
#[derive(Serialize)]
struct Report {
    date: String,
    token: String,
    /// What was done to the token.
    how: &'static str,
    tokens: usize,
    custody: &'static str,
    /// How long it was kept away, in seconds.
    outage_seconds: f64,
    before: Figures,
    during: Figures,
    after: Figures,
    /// From the end of the outage until the token was at work again, in seconds; absent when it was not.
    recovery_seconds: Option<f64>,
    passed: bool,
}

/// What the probes met in a span of time.
#[derive(Serialize)]
struct Figures {
    seals_and_opens: u64,
    errors: u64,
    slowest_ms: f64,
    last_error: Option<String>,
}

/// Runs a drill on keys and payloads made for it; nothing stored is touched.
pub(super) fn run(
    config: Pkcs11Config,
    number: usize,
    seconds: u64,
    file: Option<&Path>,
    output: Output,
) -> CommandResult {
    let runtime = Runtime::new()?;
    let report = runtime.block_on(drill(config, number, Duration::from_secs(seconds)))?;
    let rows = report.rows();
    if let Some(file) = file {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
        let text: String = rows.iter().map(|row| row.join(": ") + "\n").collect();
        std::fs::write(file.with_extension("txt"), text)?;
    }
    print::result(output, &report, &rows)?;
    Ok(if report.passed { Ended::Well } else { Ended::Unsound })
}

async fn drill(
    config: Pkcs11Config,
    number: usize,
    outage: Duration,
) -> Result<Report, Box<dyn std::error::Error>> {
    let tokens = config.tokens.len();
    let index = number.checked_sub(1).filter(|index| *index < tokens);
    let index = index.ok_or_else(|| format!("there is no token {number}; the settings name {tokens}"))?;
    let custody = match config.custody {
        Custody::Strict => "strict",
        Custody::Cached => "cached",
    };
    // With nothing held in memory, each probe asks a token.
    let config = Pkcs11Config { lease: Duration::ZERO, ..config };
    let backend = Arc::new(Pkcs11Backend::connect(config).await?);
    let names = backend.statuses();
    let token = names.get(index).map(|status| status.token.clone()).unwrap_or_default();
    let probes = Probes::start(&backend).await?;
    sleep(BEFORE).await;
    let before = probes.take();

    let cut =
        backend.cut(index).ok_or("the token's calls do not return, so it can't be failed in good order")?;
    let how = cut.how;
    sleep(outage).await;
    drop(cut);
    let back = Instant::now();
    let works = || backend.statuses().get(index).is_some_and(|status| status.state == TokenState::Ready);
    while !works() && back.elapsed() < PATIENCE {
        sleep(GLANCE).await;
    }
    let recovery_seconds = works().then(|| back.elapsed().as_secs_f64());
    // Until it is at work again it is still away.
    let during = probes.take();
    sleep(BEFORE).await;
    let after = probes.stop().await;
    // With one token only, the outage itself is what shows; the return has to be clean all the same.
    let passed = before.errors == 0
        && after.errors == 0
        && recovery_seconds.is_some()
        && (tokens == 1 || during.errors == 0);
    Ok(Report {
        date: SystemClock.now().to_string(),
        token,
        how,
        tokens,
        custody,
        outage_seconds: outage.as_secs_f64(),
        before,
        during,
        after,
        recovery_seconds,
        passed,
    })
}

impl Report {
    fn rows(&self) -> Vec<Vec<String>> {
        let recovery =
            self.recovery_seconds.map_or("it did not come back".to_owned(), |took| format!("{took:.3} s"));
        let mut rows = vec![
            row(["date", &self.date]),
            row(["token", &self.token]),
            row(["what was done", self.how]),
            row(["tokens, custody", &format!("{}, {}", self.tokens, self.custody)]),
            row(["outage", &format!("{} s", self.outage_seconds)]),
            row(["time to recover", &recovery]),
        ];
        for (name, figures) in [("before", &self.before), ("during", &self.during), ("after", &self.after)] {
            rows.push(row([
                name,
                &format!(
                    "{} seals and opens, {} errors, slowest {:.1} ms{}",
                    figures.seals_and_opens,
                    figures.errors,
                    figures.slowest_ms,
                    figures.last_error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default()
                ),
            ]));
        }
        rows.push(row(["verdict", if self.passed { "passed" } else { "FAILED" }]));
        rows
    }
}

/// Tasks that seal and open without pause.
struct Probes {
    tally: Arc<Tally>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

#[derive(Default)]
struct Tally {
    stop: AtomicBool,
    done: AtomicU64,
    errors: AtomicU64,
    slowest_micros: AtomicU64,
    last_error: std::sync::Mutex<Option<String>>,
}

impl Probes {
    async fn start(backend: &Arc<Pkcs11Backend>) -> Result<Self, Box<dyn std::error::Error>> {
        let key = backend.create_project_key(&ProjectId::new("drill")?, 1, SystemClock.now()).await?;
        let sealed = backend.seal(&key, b"drill", &Payload::new(b"drill".to_vec())).await?;
        let tally = Arc::<Tally>::default();
        let tasks = (0..PROBES).map(|_| {
            tokio::spawn(probe(Arc::clone(backend), key.clone(), sealed.clone(), Arc::clone(&tally)))
        });
        Ok(Self { tasks: tasks.collect(), tally })
    }

    /// The figures since the last time.
    fn take(&self) -> Figures {
        let micros = Duration::from_micros(self.tally.slowest_micros.swap(0, Ordering::SeqCst));
        let mut last = self.tally.last_error.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Figures {
            seals_and_opens: self.tally.done.swap(0, Ordering::SeqCst),
            errors: self.tally.errors.swap(0, Ordering::SeqCst),
            slowest_ms: micros.as_secs_f64() * 1e3,
            last_error: last.take(),
        }
    }

    async fn stop(self) -> Figures {
        self.tally.stop.store(true, Ordering::SeqCst);
        let figures = self.take();
        for task in self.tasks {
            // A probe does not panic, and is not cancelled.
            task.await.ok();
        }
        figures
    }
}

async fn probe(backend: Arc<Pkcs11Backend>, key: ProjectKey, sealed: Sealed, tally: Arc<Tally>) {
    while !tally.stop.load(Ordering::SeqCst) {
        let began = Instant::now();
        let done = async {
            let fresh = backend.seal(&key, b"drill", &Payload::new(b"fresh".to_vec())).await?;
            backend.open(&key, b"drill", &fresh).await?;
            let opened = backend.open(&key, b"drill", &sealed).await?;
            if opened.expose() == b"drill" { Ok(()) } else { Err(BackendError::Integrity) }
        };
        match done.await {
            Ok(()) => tally.done.fetch_add(1, Ordering::SeqCst),
            Err(error) => {
                *tally.last_error.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
                    Some(error.to_string());
                tally.errors.fetch_add(1, Ordering::SeqCst)
            }
        };
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        tally.slowest_micros.fetch_max(micros, Ordering::SeqCst);
    }
}
