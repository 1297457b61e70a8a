use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use strongroom_core::ChangeId;
use strongroom_core::audit::Outcome;
use strongroom_core::ports::AuditSink as _;

use crate::support::*;

/// Tells the copy of this program whose files are limited where to write.
const FOLDER: &str = "STRONGROOM_AUDIT_OUTAGE_FOLDER";

/// Makes the system refuse what lies behind that many bytes of any file, as a full disk would; `None` lifts it.
fn limit_files_to(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

/// A copy of this program runs the test, since limits hold for a whole process. Without the signal that comes
/// with the limit a write beyond it fails, after what still fits was written.
#[test]
fn a_disk_that_takes_no_more_refuses_all_and_loses_nothing() {
    if let Some(folder) = env::var_os(FOLDER) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        return runtime.block_on(run_out_of_room(Path::new(&folder)));
    }
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "outage::a_disk_that_takes_no_more_refuses_all_and_loses_nothing"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    intact(folder.path());
    assert_eq!(request_ids(folder.path()).last().unwrap(), "end");
}

async fn run_out_of_room(folder: &Path) {
    let journal = open(folder);
    let [done, told_twice] = [ChangeId::random(), ChangeId::random()];
    journal.record(intent(done)).await.unwrap();
    journal.record(intent(told_twice)).await.unwrap();
    let first = folder.join("0000000001.jsonl");
    let durable = fs::read(&first).unwrap();

    // Room for a part of the record: it reaches the disk, is cut off again, and the journal goes on.
    limit_files_to(Some(u64::try_from(durable.len()).unwrap() + 100));
    let refused = journal.record(event("half")).await.unwrap_err();
    assert!(refused.reason.contains("File too large"), "{refused}");
    assert_eq!(fs::metadata(&first).unwrap().len(), u64::try_from(durable.len()).unwrap() + 100);
    until("healthy again", || journal.health().is_ok()).await;
    assert_eq!(fs::read(&first).unwrap(), durable);
    assert_eq!(header(folder, 2)["after"]["cause"], "write-failed");
    assert_eq!(header(folder, 2)["open"].as_array().unwrap().len(), 2);

    // No room at all, for longer than a try to recover takes.
    limit_files_to(Some(0));
    journal.record(outcome(done, Outcome::Success)).await.unwrap_err();
    journal.record(outcome(told_twice, Outcome::Unknown)).await.unwrap_err();
    journal.record(outcome(told_twice, Outcome::SettledDone)).await.unwrap_err();
    journal.record(outcome(ChangeId::random(), Outcome::Success)).await.unwrap_err();
    journal.record(event("refused")).await.unwrap_err();
    journal.record(intent(ChangeId::random())).await.unwrap_err();
    until("tried to recover", || journal.health().is_err_and(|error| error.reason.contains("write-ahead")))
        .await;
    assert_eq!(journal.stats().owed, 2);
    assert_eq!(journal.stats().segment, 2);

    // Room again: what is owed comes first, and nothing but that.
    limit_files_to(None);
    until("healthy again", || journal.health().is_ok()).await;
    record(&journal, ["end"]).await;
    assert_eq!(journal.stats().owed, 0);
    let [done, told_twice] = [done, told_twice].map(|change| change.to_string());
    let expected = [&done, &told_twice, &done, &told_twice, "end"];
    assert_eq!(request_ids(folder), expected);
    drop(journal);
    assert_eq!(open(folder).open_changes().await.unwrap(), []);
}
