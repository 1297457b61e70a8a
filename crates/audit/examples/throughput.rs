//! Measures the journal on the disk that holds the current folder: records per second by number of callers,
//! beside what the disk itself does, and the speed of a start and of a verification.
//!
//! Run with `cargo run --release -p strongroom-audit --example throughput`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints what it measures")]

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use strongroom_audit::{Journal, Options, Trust, verify};
use strongroom_core::audit::{Action, Event, Origin, Outcome, Phase, Target};
use strongroom_core::ports::AuditSink as _;
use strongroom_core::{Caller, Clock as _, ProjectId, SecretId, SystemClock, UserId};

const SPAN: Duration = Duration::from_secs(3);

fn event() -> Event {
    let project = ProjectId::new("4f2d8e0c7a9b4c1d8e6f5a3b2c1d0e9f").unwrap();
    let user = UserId::new("9a8b7c6d5e4f4a3b9c2d1e0f9a8b7c6d").unwrap();
    Event {
        at: SystemClock.now(),
        phase: Phase::Outcome,
        change: None,
        action: Action::PayloadRead,
        target: Some(Target::Secret(SecretId::random())),
        caller: Some(Caller::embedded(project, user)),
        origin: Origin {
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            request_id: Some(format!("req-{}", SecretId::random())),
            global_request_id: None,
        },
        outcome: Some(Outcome::Success),
        reason: None,
        access: None,
    }
}

fn rate(count: u64, since: Instant) -> u64 {
    count * 1_000_000 / u64::try_from(since.elapsed().as_micros()).unwrap().max(1)
}

fn disk(folder: &Path) {
    let mut file = fs::File::create(folder.join("raw")).unwrap();
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < SPAN {
        file.write_all(&[b'x'; 500]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    println!("bare append+fdatasync: {} per second", rate(count, started));
}

async fn records(folder: &Path, callers: usize) {
    let journal = Arc::new(Journal::open(folder, Options { create: true, ..Options::default() }).unwrap());
    let started = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move {
                while started.elapsed() < SPAN {
                    journal.record(event()).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stats = journal.stats();
    let per_sync = stats.records / stats.writes;
    println!(
        "{callers:5} callers: {:7} records per second, {per_sync} per sync",
        rate(stats.records, started)
    );
}

fn start(folder: &Path) {
    let started = Instant::now();
    let journal = Journal::open(folder, Options::default()).unwrap();
    let took = started.elapsed();
    let last = folder.join(format!("{:010}.jsonl", journal.stats().segment));
    println!("start on a segment of {} KiB: {took:?}", fs::metadata(last).unwrap().len() >> 10);
}

fn check(folder: &Path) {
    let started = Instant::now();
    let report = verify(folder, &Trust::default()).unwrap();
    assert!(report.is_intact());
    let verified = rate(report.bytes, started) >> 20;
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<_> = paths.filter(|path| path.is_file()).map(|path| fs::read(path).unwrap()).collect();
    let started = Instant::now();
    for bytes in &all {
        assert_ne!(digest(&SHA256, bytes).as_ref(), [0; 32]);
    }
    let hashed = rate(report.bytes, started) >> 20;
    println!("verify: {verified} MiB/s; bare SHA-256 of the same bytes in memory: {hashed} MiB/s");
}

fn main() {
    let place = tempfile::tempdir_in(".").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
    disk(place.path());
    let folder = |callers: usize| place.path().join(callers.to_string());
    for callers in [1, 16, 64, 256, 1024] {
        runtime.block_on(records(&folder(callers), callers));
    }
    start(&folder(1024));
    check(&folder(1024));
}
