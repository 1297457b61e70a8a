use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use strongroom_core::ports::AuditSink as _;

use crate::support::*;

const FIRST: &str = "0000000001.jsonl";

type Deed = fn(&Path);

/// What somebody may do to the segment that is being written, what the journal says of it, and what the
/// verifier then finds in that segment.
const DEEDS: [(Deed, &str, &str); 4] = [
    (|path| fs::remove_file(path).unwrap(), "it was removed", "missing segment: segment 1 is gone"),
    (
        |path| {
            let copy = path.with_extension("copy");
            fs::copy(path, &copy).unwrap();
            fs::rename(copy, path).unwrap();
        },
        "another file has taken its place",
        "",
    ),
    (
        |path| {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() - 10).unwrap();
        },
        "it has",
        "not of a record's form",
    ),
    (
        |path| OpenOptions::new().append(true).open(path).unwrap().write_all(b"{}\n").unwrap(),
        "it has",
        "not of a record's form",
    ),
];

fn assert_on_record(folder: &Path, said: &str, found: &str) {
    let incident = &header(folder, 2)["after"];
    assert_eq!(incident["cause"], "tampered");
    assert!(incident["found"].as_str().unwrap().starts_with(said), "{incident}");
    let findings = findings(folder);
    assert!(findings.iter().any(|finding| finding.contains("put on record")), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.contains(found)), "{findings:?}");
}

#[tokio::test]
async fn what_happened_to_the_segment_is_noticed_by_the_next_record() {
    for (deed, said, found) in DEEDS {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(folder.path());
        record(&journal, ["a", "b"]).await;
        deed(&folder.path().join(FIRST));
        let refused = journal.record(event("refused")).await.unwrap_err();
        assert!(refused.reason.contains("was tampered with"), "{refused}");
        until("healthy again", || journal.health().is_ok()).await;
        record(&journal, ["c"]).await;
        assert_on_record(folder.path(), said, found);
        assert_eq!(request_ids(folder.path()).last().unwrap(), "c");
        assert!(!request_ids(folder.path()).contains(&"refused".to_owned()));
    }
}

#[tokio::test]
async fn what_happened_to_the_segment_is_noticed_without_a_record() {
    for (deed, said, found) in DEEDS {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(folder.path());
        record(&journal, ["a", "b"]).await;
        deed(&folder.path().join(FIRST));
        until("in a fresh segment", || journal.stats().segment == 2).await;
        assert_on_record(folder.path(), said, found);
    }
}

#[tokio::test]
async fn what_happened_to_the_write_ahead_file_is_noticed_and_loses_nothing() {
    for (deed, said, _) in DEEDS {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(folder.path());
        record(&journal, ["a", "b"]).await;
        deed(&folder.path().join("write-ahead"));
        let refused = journal.record(event("refused")).await.unwrap_err();
        assert!(refused.reason.contains("was tampered with"), "{refused}");
        until("healthy again", || journal.health().is_ok()).await;
        record(&journal, ["c"]).await;
        let found = header(folder.path(), 2)["after"]["found"].as_str().unwrap().to_owned();
        assert!(found.contains("write-ahead file") && found.contains(said), "{found}");
        assert_eq!(request_ids(folder.path()), ["a", "b", "c"]);
        drop(journal);
        let findings = findings(folder.path());
        assert!(findings.len() == 1 && findings[0].contains(&found), "{findings:?}");
    }
}

#[tokio::test]
async fn what_happened_to_both_files_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    record(&journal, ["a"]).await;
    fs::remove_file(folder.path().join("write-ahead")).unwrap();
    fs::remove_file(folder.path().join(FIRST)).unwrap();
    journal.record(event("refused")).await.unwrap_err();
    until("healthy again", || journal.health().is_ok()).await;
    record(&journal, ["b"]).await;
    let incident = &header(folder.path(), 2)["after"];
    assert_eq!(incident["found"], "it was removed; its write-ahead file was tampered with: it was removed");
    assert_eq!(request_ids(folder.path()), ["b"]);
}

/// Opening a pipe waits for somebody at its other end.
#[tokio::test]
async fn a_pipe_in_the_place_of_a_file_holds_nobody_up() {
    for name in [FIRST, "write-ahead"] {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(folder.path());
        record(&journal, ["a"]).await;
        let path = folder.path().join(name);
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        journal.record(event("refused")).await.unwrap_err();
        until("healthy again", || journal.health().is_ok()).await;
        record(&journal, ["b"]).await;
    }
}

#[tokio::test]
async fn a_folder_that_was_swapped_is_not_written_into() {
    let place = tempfile::tempdir().unwrap();
    let (path, aside) = (place.path().join("journal"), place.path().join("aside"));
    fs::create_dir(&path).unwrap();
    let journal = open(&path);
    record(&journal, ["a"]).await;
    fs::rename(&path, &aside).unwrap();
    fs::create_dir(&path).unwrap();
    journal.record(event("refused")).await.unwrap_err();
    until("tried to recover", || journal.health().unwrap_err().reason.contains("another folder")).await;
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    fs::remove_dir(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    until("healthy again", || journal.health().is_ok()).await;
    record(&journal, ["b"]).await;
    assert_eq!(request_ids(&path), ["a", "b"]);
}
