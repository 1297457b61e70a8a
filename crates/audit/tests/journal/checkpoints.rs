use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use ring::digest::{SHA256, digest};
use serde_json::Value;
use strongroom_audit::{
    Journal, OpenError, Options, Report, SigningKeyError, Statement, Trust, last_checkpoint, new_signing_key,
    prune, public_key, verify,
};
use strongroom_core::Timestamp;

use crate::support::*;

/// A journal of that many records that was closed in good order, in segments of a few each.
fn journal(folder: &Path, records: usize, segment_bytes: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let journal = open_with_segments_of(folder, segment_bytes);
    let ids: Vec<_> = (0..records).map(|number| format!("r{number}")).collect();
    runtime.block_on(record(&journal, ids.iter().map(String::as_str)));
}

fn newest(folder: &Path) -> Statement {
    Statement::parse(&last_checkpoint(folder).unwrap().unwrap()).unwrap()
}

fn knowing(keys: &[strongroom_audit::PublicKey], checkpoint: Option<Statement>) -> Trust {
    let mut trust = Trust::default();
    trust.keys = keys.to_vec();
    trust.checkpoint = checkpoint;
    trust
}

fn found(folder: &Path, trust: &Trust) -> Vec<String> {
    verify(folder, trust).unwrap().findings.iter().map(ToString::to_string).collect()
}

fn all_lines(folder: &Path) -> Vec<(std::path::PathBuf, Vec<String>)> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    paths.sort();
    let lines = |path: &Path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
    paths.into_iter().map(|path| (path.clone(), lines(&path))).collect()
}

/// What somebody does who may write the folder and has no key: all numbers, links and hashes are made anew, so
/// that the chain holds.
fn chain_anew(folder: &Path, segments: &[(std::path::PathBuf, Vec<String>)]) {
    let node = fs::read_to_string(folder.join("node")).unwrap();
    let mut head =
        digest(&SHA256, format!("strongroom audit journal 1\0{}", node.trim()).as_bytes()).as_ref().to_vec();
    let mut seq = 0;
    for (path, lines) in segments {
        let mut text = String::new();
        for line in lines {
            seq += 1;
            let (_, fields) = line.split_once("\"kind\":").unwrap();
            let mut rest = format!("\"seq\":{seq},\"kind\":{fields}");
            if let Some(at) = rest.find("\"previous\":\"") {
                rest.replace_range(at + 12..at + 76, &hex::encode(&head));
            }
            head = digest(&SHA256, &[head, rest.clone().into_bytes()].concat()).as_ref().to_vec();
            let hash = hex::encode(&head);
            text.extend(["{\"hash\":\"", &hash, "\",", &rest, "\n"]);
        }
        fs::write(path, text).unwrap();
    }
}

#[test]
fn a_chain_made_anew_from_the_same_records_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    journal(folder.path(), 9, 1500);
    let before = intact(folder.path());
    chain_anew(folder.path(), &all_lines(folder.path()));
    assert_eq!(intact(folder.path()), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The chain can be made to hold again by anybody who may write the folder; the signatures can't.
    #[test]
    fn a_forger_without_the_key_is_found(
        records in 2..20_usize,
        segment_bytes in 900..4000_u64,
        deeds in proptest::collection::vec((0..4_u8, any::<Index>(), any::<Index>()), 8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        journal(folder.path(), records, segment_bytes);
        let trust = knowing(&[public_key(folder.path()).unwrap()], Some(newest(folder.path())));
        let sound = all_lines(folder.path());
        for (deed, segment, line) in deeds {
            let mut forged = sound.clone();
            let at = segment.index(forged.len());
            let lines = &mut forged[at].1;
            // A segment keeps its header, or it would be found by that alone.
            if lines.len() == 1 {
                continue;
            }
            let line = 1 + line.index(lines.len() - 1);
            match deed {
                0 => lines[line] = lines[line].replace("\"at\":\"20", "\"at\":\"21"),
                1 => drop(lines.remove(line)),
                2 => lines.insert(line, lines[line].clone()),
                _ => {
                    let other = 1 + segment.index(lines.len() - 1);
                    lines.swap(line, other);
                }
            }
            let changes = forged != sound;
            chain_anew(folder.path(), &forged);
            let report = verify(folder.path(), &trust).unwrap();
            prop_assert_eq!(report.is_intact(), !changes, "{} {}: {:?}", deed, line, report.findings);
            chain_anew(folder.path(), &sound);
        }
        prop_assert!(verify(folder.path(), &trust).unwrap().is_intact());
    }

    #[test]
    fn a_tail_cut_off_is_found_by_a_checkpoint_kept_elsewhere(records in 2..20_usize, cut in any::<Index>()) {
        let folder = tempfile::tempdir().unwrap();
        journal(folder.path(), records, 1500);
        let kept = newest(folder.path());
        let mut segments = all_lines(folder.path());
        let total = usize::try_from(kept.through).unwrap() + 1;
        let left = 1 + cut.index(total - 1);
        let mut room = left;
        for (path, lines) in &mut segments {
            lines.truncate(room);
            room -= lines.len();
            if lines.is_empty() { fs::remove_file(path).unwrap() } else { fs::write(path, lines.join("\n") + "\n").unwrap() }
        }
        let told = found(folder.path(), &knowing(&[], Some(kept.clone())));
        let expected = format!("cut off: records {} to {}", left + 1, kept.through + 1);
        prop_assert_eq!(told.len(), 1, "{:?}", told);
        prop_assert!(told[0].contains(&expected), "{:?}", told);
    }
}

#[test]
fn a_journal_made_anew_with_another_key_is_found_by_who_knows_the_key() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    journal(folder.path(), 3, 1 << 20);
    journal(other.path(), 3, 1 << 20);
    let (own, foreign) = (public_key(folder.path()).unwrap(), public_key(other.path()).unwrap());
    let told = found(other.path(), &knowing(&[own], None));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&format!("foreign: it is signed by the key {foreign}")), "{told:?}");
    // A checkpoint of another journal proves nothing about this one.
    let told = found(folder.path(), &knowing(&[own], Some(newest(other.path()))));
    assert_eq!(
        told,
        ["the checkpoint given: forged: the checkpoint's signature does not prove what stands before it"]
    );
}

#[tokio::test]
async fn checkpoints_come_in_time_and_when_a_segment_or_the_journal_ends() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { checkpoint_every: Duration::ZERO, ..Options::default() };
    let journal = Journal::open(folder.path(), options).unwrap();
    record(&journal, ["a", "b"]).await;
    until("signed", || intact(folder.path()).checkpoints == 2).await;
    drop(journal);
    let kinds = |folder: &Path| -> Vec<String> {
        let kind =
            |line: &String| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned();
        all_lines(folder).iter().flat_map(|(_, lines)| lines.iter().map(kind)).collect()
    };
    assert_eq!(kinds(folder.path()), ["segment", "event", "checkpoint", "event", "checkpoint"]);
    // What a checkpoint covers already is not signed once more.
    drop(open(folder.path()));
    assert_eq!(kinds(folder.path()).len(), 5);
    let journal = open_with_segments_of(folder.path(), 1);
    record(&journal, ["c"]).await;
    until("in a fresh segment", || journal.stats().segment == 2).await;
    drop(journal);
    assert_eq!(kinds(folder.path())[5..], ["event", "checkpoint", "segment"]);
}

#[test]
fn a_lost_key_stops_the_start_until_the_operator_makes_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    journal(folder.path(), 2, 1 << 20);
    let first = public_key(folder.path()).unwrap();
    fs::remove_file(folder.path().join("signing-key")).unwrap();
    let refused = Journal::open(folder.path(), Options::default()).err().unwrap();
    assert!(matches!(refused, OpenError::SigningKey(SigningKeyError::Missing(_))), "{refused}");
    let second = new_signing_key(folder.path()).unwrap();
    assert_ne!(first, second);
    assert!(new_signing_key(folder.path()).is_err());
    journal(folder.path(), 2, 1);
    let report = verify(folder.path(), &knowing(&[first, second], None)).unwrap();
    assert_eq!(report.findings, []);
    assert!(!found(folder.path(), &knowing(&[first], None)).is_empty());
}

fn pruned(folder: &Path, before: &str) -> Option<Vec<u64>> {
    let [before, now] = [before, "2030-01-01"].map(|text| Timestamp::parse(text).unwrap());
    prune(folder, before, now).unwrap().map(|pruned| pruned.segments)
}

#[test]
fn old_segments_are_removed_under_a_signed_statement() {
    let folder = tempfile::tempdir().unwrap();
    journal(folder.path(), 12, 1200);
    let whole = intact(folder.path());
    assert!(whole.segments > 4, "the records are too short for this test");
    let key = public_key(folder.path()).unwrap();
    // Nothing is older than that, nothing that is needed goes, and the newest stays.
    assert_eq!(pruned(folder.path(), "1971"), None);
    let cursors = folder.path().join("cursors");
    fs::create_dir(&cursors).unwrap();
    fs::write(cursors.join("idle.json"), "{\"segment\":1,\"offset\":9}").unwrap();
    assert_eq!(pruned(folder.path(), "2999"), None);
    fs::write(cursors.join("idle.json"), "{\"segment\":3,\"offset\":0}").unwrap();
    assert_eq!(pruned(folder.path(), "2999"), Some(vec![1, 2]));
    fs::remove_dir_all(cursors).unwrap();
    let report = verify(folder.path(), &knowing(&[key], Some(newest(folder.path())))).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.segments, report.last_hash), (whole.segments - 2, whole.last_hash));
    assert!(report.pruned_through.is_some());
    journal(folder.path(), 4, 1500);
    intact(folder.path());

    // More than the statement tells of is missed, and so is the statement.
    let third = folder.path().join("0000000003.jsonl");
    let text = fs::read(&third).unwrap();
    fs::remove_file(&third).unwrap();
    assert_eq!(
        findings(folder.path()),
        ["0000000004.jsonl: missing segments: segments 1 to 3 are gone before it"]
    );
    fs::write(&third, text).unwrap();
    let statement = fs::read_to_string(folder.path().join("pruned")).unwrap();
    for forged in [statement.replace("2030", "2031"), String::new()] {
        fs::write(folder.path().join("pruned"), forged).unwrap();
        assert_eq!(
            findings(folder.path()),
            ["0000000003.jsonl: missing segments: segments 1 to 2 are gone before it"]
        );
    }
    fs::write(folder.path().join("pruned"), statement).unwrap();
    intact(folder.path());
    assert!(pruned(folder.path(), "2999").unwrap().starts_with(&[3]));
    let Report { segments, findings, .. } = verify(folder.path(), &knowing(&[key], None)).unwrap();
    assert_eq!((segments, findings), (1, vec![]));
}

#[test]
fn a_journal_that_is_not_sound_is_not_pruned() {
    let folder = tempfile::tempdir().unwrap();
    journal(folder.path(), 12, 1500);
    edit(&folder.path().join("0000000001.jsonl"), |bytes| bytes[100] ^= 1);
    let [before, now] = ["2999", "2030"].map(|text| Timestamp::parse(text).unwrap());
    let refused = prune(folder.path(), before, now).unwrap_err();
    assert!(refused.to_string().contains("nothing of it is removed"), "{refused}");
    assert!(folder.path().join("0000000001.jsonl").exists());
}
