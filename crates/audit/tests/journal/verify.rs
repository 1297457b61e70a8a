use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use strongroom_audit::{Trust, VerifyError, verify};
use strongroom_core::ports::AuditSink as _;

use crate::support::*;

/// A journal of that many records, in segments of a few each.
fn journal(folder: &Path, records: usize, segment_bytes: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let journal = open_with_segments_of(folder, segment_bytes);
    for number in 0..records {
        runtime.block_on(journal.record(event(&format!("r{number}")))).unwrap();
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    paths.sort();
    paths
}

fn with_lines(path: &Path, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    edit(path, |bytes| {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        change(&mut lines);
        *bytes = lines.concat();
    });
}

/// Something done to a journal at rest.
#[derive(Debug, Clone)]
enum Deed {
    Flip { at: Index, mask: u8 },
    RemoveLine(Index),
    DoubleLine(Index, Index),
    SwapLines(Index, Index),
    InsertForeign(Index),
    CutWithinLine(Index),
    CutEarlierSegment(Index),
    RemoveSegment(Index),
    SwapSegments(Index, Index),
}

fn deeds() -> impl Strategy<Value = Deed> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), 1..=u8::MAX).prop_map(|(at, mask)| Deed::Flip { at, mask }),
        1 => index().prop_map(Deed::RemoveLine),
        1 => (index(), index()).prop_map(|(from, to)| Deed::DoubleLine(from, to)),
        1 => (index(), index()).prop_map(|(one, other)| Deed::SwapLines(one, other)),
        1 => index().prop_map(Deed::InsertForeign),
        1 => index().prop_map(Deed::CutWithinLine),
        1 => index().prop_map(Deed::CutEarlierSegment),
        1 => index().prop_map(Deed::RemoveSegment),
        1 => (index(), index()).prop_map(|(one, other)| Deed::SwapSegments(one, other)),
    ]
}

/// Does it, to one of the segments; `false` when there is nothing to do it to.
fn commit(folder: &Path, deed: &Deed, segment: Index, foreign: &[u8]) -> bool {
    let all = segments(folder);
    let path = segment.get(&all);
    let (last, earlier) = all.split_last().unwrap();
    let before = fs::read(path).unwrap();
    match deed {
        Deed::Flip { at, mask } => edit(path, |bytes| {
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }),
        Deed::RemoveLine(at) => with_lines(path, |lines| {
            let at = at.index(lines.len());
            // Without the last record a journal is sound, only shorter.
            if path != last || at + 1 < lines.len() {
                lines.remove(at);
            }
        }),
        Deed::DoubleLine(from, to) => with_lines(path, |lines| {
            let line = from.get(lines).clone();
            lines.insert(to.index(lines.len() + 1), line);
        }),
        Deed::SwapLines(one, other) => with_lines(path, |lines| {
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            lines.swap(one, other);
        }),
        Deed::InsertForeign(at) => with_lines(path, |lines| {
            lines.insert(at.index(lines.len() + 1), foreign.to_vec());
        }),
        Deed::CutWithinLine(at) => edit(path, |bytes| {
            let len = at.index(bytes.len());
            if len > 0 && bytes[len - 1] != b'\n' {
                bytes.truncate(len);
            }
        }),
        Deed::CutEarlierSegment(at) => {
            let Some(path) = earlier.first().map(|_| segment.get(earlier)) else { return false };
            edit(path, |bytes| bytes.truncate(at.index(bytes.len())));
            return true;
        }
        Deed::RemoveSegment(at) => {
            let Some(path) = earlier.first().map(|_| at.get(earlier)) else { return false };
            fs::remove_file(path).unwrap();
            return true;
        }
        Deed::SwapSegments(one, other) => {
            let (one, other) = (one.get(&all), other.get(&all));
            let (first, second) = (fs::read(one).unwrap(), fs::read(other).unwrap());
            fs::write(one, second).unwrap();
            fs::write(other, first).unwrap();
            return one != other;
        }
    }
    fs::read(path).unwrap() != before
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    segments(folder).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_done_to_a_journal_is_found(
        records in 1..25_usize,
        segment_bytes in 600..4000_u64,
        deeds in proptest::collection::vec((deeds(), any::<Index>()), 24),
    ) {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        journal(folder.path(), records, segment_bytes);
        journal(other.path(), 1, 600);
        let foreign = fs::read(other.path().join("0000000001.jsonl")).unwrap();
        let foreign = foreign.split_inclusive(|byte| *byte == b'\n').nth(1).unwrap();
        let report = intact(folder.path());
        prop_assert_eq!(report.records, u64::try_from(records).unwrap() + report.segments + report.checkpoints);
        let sound = contents(folder.path());
        for (deed, segment) in deeds {
            if commit(folder.path(), &deed, segment, foreign) {
                prop_assert!(!verify(folder.path(), &Trust::default()).unwrap().is_intact(), "{deed:?} on {segment:?}");
            }
            for (path, bytes) in &sound {
                fs::write(path, bytes).unwrap();
            }
        }
        prop_assert_eq!(intact(folder.path()), report);
    }
}

/// What is found, and the deed.
type Case<'a> = (&'static str, Box<dyn Fn() + 'a>);

/// One deed makes one finding, which names the place.
#[test]
fn every_deed_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    journal(folder.path(), 8, 1100);
    let sound = contents(folder.path());
    let all = segments(folder.path());
    assert!(all.len() >= 3, "the records are too short for this test");
    let lines = |path: &Path, change: fn(&mut Vec<Vec<u8>>)| with_lines(path, change);
    let replace = |from: &'static str, to: &'static str| {
        move |path: &Path| {
            edit(path, |bytes| {
                let text = String::from_utf8(bytes.clone()).unwrap();
                assert!(text.contains(from), "{text}");
                *bytes = text.replacen(from, to, 1).into_bytes();
            });
        }
    };
    let cases: [Case<'_>; 11] = [
        (
            "0000000001.jsonl line 3 (record 3): edited: the record, or the hash of the one before, was altered",
            Box::new(|| replace("\"request_id\":\"r1\"", "\"request_id\":\"rX\"")(&all[0])),
        ),
        (
            "0000000001.jsonl line 3 (record 9): edited: the record, or the hash of the one before, was altered",
            Box::new(|| replace("\"seq\":3,", "\"seq\":9,")(&all[0])),
        ),
        (
            "0000000001.jsonl line 2 (record 2): edited: the record, or the hash of the one before, was altered",
            Box::new(|| {
                lines(&all[0], |lines| {
                    let digit = &mut lines[1][20];
                    *digit = if *digit == b'0' { b'1' } else { b'0' };
                });
            }),
        ),
        (
            "0000000001.jsonl line 2: edited: the line is not of a record's form",
            Box::new(|| replace("\"seq\":2,", "\"sek\":2,")(&all[0])),
        ),
        (
            "0000000001.jsonl line 2 (record 3): removed: record 2 is gone before it",
            Box::new(|| lines(&all[0], |lines| drop(lines.remove(1)))),
        ),
        (
            "0000000001.jsonl line 3 (record 2): inserted: the record does not belong here",
            Box::new(|| lines(&all[0], |lines| lines.insert(2, lines[1].clone()))),
        ),
        (
            "0000000001.jsonl line 2 (record 3): reordered: the record stands before the one that it followed",
            Box::new(|| lines(&all[0], |lines| lines.swap(1, 2))),
        ),
        (
            "0000000002.jsonl line 1 (record 6): removed: record 5 is gone before it",
            Box::new(|| lines(&all[0], |lines| lines.truncate(4))),
        ),
        (
            "0000000003.jsonl: missing segment: segment 2 is gone before it",
            Box::new(|| fs::remove_file(&all[1]).unwrap()),
        ),
        (
            "node: missing or replaced: it does not name the node whose journal this is",
            Box::new(|| fs::remove_file(folder.path().join("node")).unwrap()),
        ),
        (
            "0000000003.jsonl line 5: torn tail: the last 5 bytes are no whole record; a crash leaves this, and \
             the next start of the service keeps them aside",
            Box::new(|| edit(all.last().unwrap(), |bytes| bytes.extend(b"{\"has"))),
        ),
    ];
    let node = fs::read(folder.path().join("node")).unwrap();
    for (expected, deed) in cases {
        deed();
        assert_eq!(findings(folder.path()), [expected]);
        for (path, bytes) in &sound {
            fs::write(path, bytes).unwrap();
        }
        fs::write(folder.path().join("node"), &node).unwrap();
        intact(folder.path());
    }
}

/// What the chain alone can't tell, and what tells it.
#[test]
fn records_cut_off_the_very_end_only_show_in_what_is_kept_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    journal(folder.path(), 5, 1 << 20);
    let before = intact(folder.path());
    with_lines(&segments(folder.path())[0], |lines| lines.truncate(4));
    let after = intact(folder.path());
    assert_eq!((before.last_seq, after.last_seq), (Some(7), Some(4)));
    assert_ne!(before.last_hash, after.last_hash);
}

#[test]
fn an_unfinished_line_is_no_finding_while_there_is_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let path = &segments(folder.path())[0];
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"{\"hash\"").unwrap();
    assert_eq!(intact(folder.path()).unfinished, 7);
    drop(journal);
}

#[test]
fn a_folder_without_a_journal_is_not_sound() {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        matches!(verify(folder.path(), &Trust::default()), Err(VerifyError::NoJournal(path)) if path == folder.path())
    );
    assert!(matches!(verify(&folder.path().join("x"), &Trust::default()), Err(VerifyError::File(_))));
}
