use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use strongroom_core::ports::AuditSink as _;

use crate::support::*;

/// Tells the copy of this program that is to be killed where to write.
const FOLDER: &str = "STRONGROOM_AUDIT_CRASH_FOLDER";
const CALLERS: usize = 16;

/// Writes without end and prints the id of each record that was acknowledged.
fn write_until_killed(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let journal = Arc::new(open_with_segments_of(folder, 30_000));
    let tasks: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let journal = Arc::clone(&journal);
            runtime.spawn(async move {
                for turn in 0.. {
                    let id = format!("{}-{caller}-{turn}", std::process::id());
                    journal.record(event(&id)).await.unwrap();
                    // Straight to the pipe: the test harness must not hold it back.
                    std::io::stdout().lock().write_all(format!("\nack {id}\n").as_bytes()).unwrap();
                    std::io::stdout().lock().flush().unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    if let Some(folder) = env::var_os(FOLDER) {
        return write_until_killed(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 1..=8 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crash::what_was_acknowledged_outlives_a_kill", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acks =
            output.by_ref().filter_map(|line| line.unwrap().strip_prefix("ack ").map(str::to_owned));
        acknowledged.extend(acks.by_ref().take(40 * round));
        child.kill().unwrap();
        acknowledged.extend(acks);
        assert!(!child.wait().unwrap().success());

        drop(open(folder.path()));
        intact(folder.path());
        let kept: std::collections::HashSet<String> = request_ids(folder.path()).into_iter().collect();
        let lost: Vec<_> = acknowledged.iter().filter(|id| !kept.contains(*id)).collect();
        assert!(lost.is_empty(), "lost in round {round}: {lost:?}");
    }
    assert!(acknowledged.len() >= 8 * 40);
}
