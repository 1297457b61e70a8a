//! Events, folders and waiting, as the tests want them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use strongroom_audit::{Journal, Options, Record, Records, Report, Trust, verify};
use strongroom_core::audit::{Action, Event, Origin, Outcome, Phase, Target};
use strongroom_core::ports::AuditSink as _;
use strongroom_core::{ChangeId, SecretId, Timestamp};

/// A read that went well, told apart by its request id.
pub(crate) fn event(request_id: &str) -> Event {
    Event {
        at: Timestamp::from_micros(1_700_000_000_000_000).unwrap(),
        phase: Phase::Outcome,
        change: None,
        action: Action::PayloadRead,
        target: Some(Target::Secret(SecretId::random())),
        caller: None,
        origin: Origin { request_id: Some(request_id.to_owned()), ..Origin::default() },
        outcome: Some(Outcome::Success),
        reason: None,
        access: None,
    }
}

pub(crate) fn intent(change: ChangeId) -> Event {
    Event { phase: Phase::Intent, outcome: None, ..outcome(change, Outcome::Success) }
}

pub(crate) fn outcome(change: ChangeId, outcome: Outcome) -> Event {
    Event {
        change: Some(change),
        action: Action::SecretCreate,
        outcome: Some(outcome),
        ..event(&change.to_string())
    }
}

pub(crate) fn open(folder: &Path) -> Journal {
    Journal::open(folder, Options::default()).unwrap()
}

pub(crate) fn open_with_segments_of(folder: &Path, segment_bytes: u64) -> Journal {
    Journal::open(folder, Options { segment_bytes, ..Options::default() }).unwrap()
}

/// Records these events one after the other.
pub(crate) async fn record(journal: &Journal, ids: impl IntoIterator<Item = &str>) {
    for id in ids {
        journal.record(event(id)).await.unwrap();
    }
}

/// The request ids on record, in order.
pub(crate) fn request_ids(folder: &Path) -> Vec<String> {
    let text = |record: Record| {
        let json: serde_json::Value = serde_json::from_str(&record.json).unwrap();
        json["origin"]["request_id"].as_str().map(str::to_owned)
    };
    Records::open(folder, 0).unwrap().filter_map(|record| text(record.unwrap())).collect()
}

/// The header of that segment.
pub(crate) fn header(folder: &Path, segment: u64) -> serde_json::Value {
    let first = Records::open(folder, segment).unwrap().next().unwrap().unwrap();
    assert_eq!((first.segment, first.line, first.kind.as_deref()), (segment, 1, Some("segment")));
    serde_json::from_str(&first.json).unwrap()
}

/// What is wrong with the journal, in words.
pub(crate) fn findings(folder: &Path) -> Vec<String> {
    verify(folder, &Trust::default()).unwrap().findings.iter().map(ToString::to_string).collect()
}

pub(crate) fn intact(folder: &Path) -> Report {
    let report = verify(folder, &Trust::default()).unwrap();
    assert!(report.is_intact(), "{:?}", report.findings);
    report
}

/// Changes a file's bytes.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Waits until something is so that nothing can report.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
