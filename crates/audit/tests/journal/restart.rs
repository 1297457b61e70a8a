use std::fs;
use std::os::unix::fs::MetadataExt as _;

use proptest::prelude::*;
use strongroom_audit::{Journal, OpenError, Options, Records, Trust, verify};
use strongroom_core::ChangeId;
use strongroom_core::audit::Outcome;
use strongroom_core::ports::AuditSink as _;

use crate::support::*;

const FIRST: &str = "0000000001.jsonl";

fn refusal(folder: &std::path::Path) -> OpenError {
    match Journal::open(folder, Options::default()) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_journal_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    record(&journal, ["a", "b"]).await;
    let node = journal.node().to_owned();
    drop(journal);
    let journal = open(folder.path());
    record(&journal, ["c"]).await;
    assert_eq!(journal.node(), node);
    assert_eq!(journal.health().map_err(|error| error.to_string()), Ok(()));

    assert_eq!(request_ids(folder.path()), ["a", "b", "c"]);
    let report = intact(folder.path());
    assert_eq!((report.segments, report.records, report.last_seq), (1, 5, Some(5)));
    assert_eq!(report.node, Some(node));
    assert!(report.first.is_some() && report.last.is_some());
    let file = fs::metadata(folder.path().join(FIRST)).unwrap();
    assert_eq!((file.mode() & 0o7777, file.len()), (0o600, report.bytes));
}

#[tokio::test]
async fn a_journal_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    assert!(matches!(refusal(folder.path()), OpenError::Locked(_)));
    drop(journal);
    open(folder.path());
}

#[tokio::test]
async fn open_changes_are_known_across_segments_and_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let [settled, left, unknown] = [ChangeId::random(), ChangeId::random(), ChangeId::random()];
    let journal = open_with_segments_of(folder.path(), 1000);
    for change in [settled, left, unknown] {
        journal.record(intent(change)).await.unwrap();
    }
    record(&journal, ["a", "b", "c", "d", "e"]).await;
    journal.record(outcome(settled, Outcome::Success)).await.unwrap();
    journal.record(outcome(unknown, Outcome::Unknown)).await.unwrap();
    record(&journal, ["f", "g", "h"]).await;
    assert!(journal.stats().segment > 3);
    assert_eq!(journal.open_changes().await.unwrap(), []);
    drop(journal);

    let journal = open_with_segments_of(folder.path(), 1000);
    let open = journal.open_changes().await.unwrap();
    let mut expected = [left, unknown];
    expected.sort();
    assert_eq!(open.iter().map(|open| open.change).collect::<Vec<_>>(), expected);
    assert_eq!(open[0].action, "secret.create");
    assert!(open[0].target.as_ref().unwrap().starts_with("secret/"));
    journal.record(outcome(left, Outcome::SettledUndone)).await.unwrap();
    journal.record(outcome(unknown, Outcome::SettledDone)).await.unwrap();
    drop(journal);
    assert_eq!(open_with_segments_of(folder.path(), 1000).open_changes().await.unwrap(), []);
    intact(folder.path());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A crash leaves any part of the last write, and pages of it that read as zeros.
    #[test]
    fn a_torn_tail_is_kept_aside_and_cut_off(cut in 0.0..1.0, hole in proptest::option::of(0.0..1.0)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FIRST);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let journal = open(folder.path());
        runtime.block_on(record(&journal, ["a", "b"]));
        let durable = fs::read(&path).unwrap();
        runtime.block_on(record(&journal, ["c", "d", "e"]));
        drop(journal);
        let written = fs::read(&path).unwrap();
        let span = |share: f64| {
            let all = u32::try_from(written.len() - durable.len()).unwrap();
            durable.len() + (0..all).take_while(|at| f64::from(*at) < share * f64::from(all)).count()
        };
        let mut torn = written[..span(cut)].to_vec();
        if let Some(at) = hole.map(span).filter(|at| *at < torn.len()) {
            torn[at..].iter_mut().take(100).for_each(|byte| *byte = 0);
        }
        fs::write(&path, &torn).unwrap();

        let journal = open(folder.path());
        runtime.block_on(record(&journal, ["f"]));
        drop(journal);
        intact(folder.path());
        let kept = fs::read(&path).unwrap();
        prop_assert!(kept.starts_with(&durable));
        prop_assert!(request_ids(folder.path()).ends_with(&["f".to_owned()]));
        let aside = folder.path().join("0000000001.jsonl.torn");
        if aside.exists() {
            let cut_off = fs::read(aside).unwrap();
            prop_assert_eq!([kept, cut_off.clone()].concat(), torn);
            let incident = &header(folder.path(), 2)["after"];
            prop_assert_eq!(incident["cause"].as_str(), Some("torn-tail"));
            prop_assert_eq!(incident["bytes"].as_u64(), u64::try_from(cut_off.len()).ok());
        } else {
            prop_assert!(torn.ends_with(b"\n") && kept.starts_with(&torn));
        }
    }
}

/// Where a segment is durable by itself: before the records that its write-ahead file begins with, or at its end when
/// those are older ones.
fn synced(segment: &[u8], ahead: &[u8]) -> usize {
    let first = ahead.split_inclusive(|byte| *byte == b'\n').next().unwrap();
    let begins = segment.windows(first.len()).position(|part| part == first);
    begins.filter(|at| ahead.starts_with(&segment[*at..])).unwrap_or(segment.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// When the machine stops, any of what was not synced may be missing from the segment, cut off or as pages that read as
    /// zeros; what was acknowledged is in the write-ahead file.
    #[test]
    fn what_only_the_write_ahead_file_has_is_completed(
        lengths in proptest::collection::vec(0..40_000_usize, 1..14),
        kept in 0.0..1.0,
        hole in proptest::option::of(0.0..1.0),
    ) {
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let journal = open(folder.path());
        let ids: Vec<String> = lengths.iter().enumerate().map(|(at, length)| format!("{at}-{}", "x".repeat(*length))).collect();
        runtime.block_on(record(&journal, ids.iter().map(String::as_str)));
        for file in ["node", "signing-key", "write-ahead", FIRST] {
            fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
        }
        drop(journal);
        let blank = |folder: &std::path::Path| fs::read(folder.join("write-ahead")).unwrap().starts_with(&[0]);
        prop_assert!(blank(folder.path()));

        let path = copy.path().join(FIRST);
        let whole = fs::read(&path).unwrap();
        let durable = synced(&whole, &fs::read(copy.path().join("write-ahead")).unwrap());
        let span = |share: f64| {
            let all = u32::try_from(whole.len() - durable).unwrap();
            durable + (0..all).take_while(|at| f64::from(*at) < share * f64::from(all)).count()
        };
        let mut left = whole[..span(kept)].to_vec();
        if let Some(at) = hole.map(span).filter(|at| *at < left.len()) {
            left[at..].iter_mut().take(4096).for_each(|byte| *byte = 0);
        }
        fs::write(&path, &left).unwrap();

        let journal = open(copy.path());
        runtime.block_on(record(&journal, ["after"]));
        drop(journal);
        intact(copy.path());
        prop_assert!(fs::read(&path).unwrap().starts_with(&whole));
        let expected: Vec<String> = ids.into_iter().chain(["after".to_owned()]).collect();
        prop_assert_eq!(request_ids(copy.path()), expected);
        prop_assert!(blank(copy.path()));
    }
}

#[tokio::test]
async fn durable_records_that_are_gone_at_a_start_are_put_on_record() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = open(folder.path());
    // More than the write-ahead file holds: the first ones are in the segment alone.
    let ids: Vec<String> = (0..6).map(|at| format!("{at}-{}", "x".repeat(40_000))).collect();
    record(&journal, ids.iter().map(String::as_str)).await;
    for file in ["node", "signing-key", "write-ahead", FIRST] {
        fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
    }
    drop(journal);
    let first = fs::read(copy.path().join(FIRST)).unwrap();
    let ahead = fs::read(copy.path().join("write-ahead")).unwrap();
    let second: usize = first.split(|byte| *byte == b'\n').take(2).map(|line| line.len() + 1).sum();
    // Cut between two lines, or amid one, which is mended first.
    for (cut, told_in) in [(second, 2), (second + 9, 3)] {
        assert!(cut < synced(&first, &ahead));
        let folder = tempfile::tempdir().unwrap();
        for file in ["node", "signing-key", "write-ahead"] {
            fs::copy(copy.path().join(file), folder.path().join(file)).unwrap();
        }
        fs::write(folder.path().join(FIRST), &first[..cut]).unwrap();

        let journal = open(folder.path());
        record(&journal, ["after"]).await;
        drop(journal);
        let incident = &header(folder.path(), told_in)["after"];
        assert_eq!(incident["cause"].as_str(), Some("tampered"));
        let found = incident["found"].as_str().unwrap();
        assert!(found.starts_with("records 3 to ") && found.contains(" of segment 1 were gone"), "{found}");
        assert!(found.ends_with("is in 0000000001.jsonl.later"), "{found}");
        assert_eq!(fs::read(folder.path().join("0000000001.jsonl.later")).unwrap(), ahead);
        assert_eq!(request_ids(folder.path()), [ids[0].as_str(), "after"]);
        let report = verify(folder.path(), &Trust::default()).unwrap();
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);

        // Found once.
        let journal = open(folder.path());
        record(&journal, ["later"]).await;
        assert_eq!(journal.stats().segment, told_in);
    }
}

#[tokio::test]
async fn a_record_altered_while_nobody_wrote_stops_the_start_and_changes_nothing() {
    for (from, to) in [(&b"\"b\""[..], &b"\"B\""[..]), (b"\"c\"", b"\"C\""), (b"\"open\"", b"\"Open\"")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FIRST);
        let journal = open(folder.path());
        record(&journal, ["a", "b", "c"]).await;
        drop(journal);
        edit(&path, |bytes| {
            let at = bytes.windows(from.len()).position(|part| part == from).unwrap();
            bytes[at..at + to.len()].copy_from_slice(to);
        });
        let altered = fs::read(&path).unwrap();
        let OpenError::Damaged(damage) = refusal(folder.path()) else { panic!("not refused for the damage") };
        let cut = usize::try_from(damage.offset).unwrap();
        let line = altered[..cut].split(|byte| *byte == b'\n').count();
        assert_eq!((damage.path, damage.line), (path.clone(), u64::try_from(line).unwrap()));
        let bad = altered[cut..].split(|byte| *byte == b'\n').next().unwrap();
        assert!(bad.windows(to.len()).any(|part| part == to));
        assert_eq!(fs::read(&path).unwrap(), altered);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}

#[tokio::test]
async fn a_lost_name_or_lost_segments_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (node, first) = (folder.path().join("node"), folder.path().join(FIRST));
    let journal = open(folder.path());
    let name = journal.node().to_owned();
    record(&journal, ["a"]).await;
    drop(journal);
    fs::remove_file(&node).unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::NoNode { node, .. } if node == name));
    fs::write(&node, &name).unwrap();
    open(folder.path());
    fs::remove_file(&first).unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::NoSegments(_)));
}

#[test]
fn a_first_start_cut_short_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let node = open(folder.path()).node().to_owned();
    fs::remove_file(folder.path().join("node")).unwrap();
    fs::write(folder.path().join("0000000002.jsonl.new"), "{\"hash").unwrap();
    assert_eq!(open(folder.path()).node(), node);
    assert_eq!(intact(folder.path()).node, Some(node));
    assert_eq!(Records::open(folder.path(), 0).unwrap().count(), 1);
}
