use std::sync::Arc;

use strongroom_audit::Journal;
use strongroom_core::ports::AuditSink as _;

use crate::support::*;

/// Records that many events from each of that many callers at once.
async fn load(journal: &Arc<Journal>, callers: usize, each: usize) {
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let journal = Arc::clone(journal);
            tokio::spawn(async move {
                for turn in 0..each {
                    journal.record(event(&format!("{caller}-{turn}"))).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

fn assert_all_in_each_callers_order(ids: &[String], callers: usize, each: usize) {
    for caller in 0..callers {
        let prefix = format!("{caller}-");
        let turns: Vec<_> = ids.iter().filter_map(|id| id.strip_prefix(&prefix)).collect();
        assert_eq!(turns, (0..each).map(|turn| turn.to_string()).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_waiting_records_share_one_sync() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(open(folder.path()));
    load(&journal, 64, 30).await;
    let stats = journal.stats();
    assert_eq!(stats.records, 64 * 30);
    assert!(stats.writes * 4 < stats.records, "{} writes for {} records", stats.writes, stats.records);
    assert_all_in_each_callers_order(&request_ids(folder.path()), 64, 30);
    intact(folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_holds_across_segments_while_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(open_with_segments_of(folder.path(), 10_000));
    let loading = tokio::spawn({
        let journal = Arc::clone(&journal);
        async move { load(&journal, 16, 60).await }
    });
    let mut seen = Some(0);
    while !loading.is_finished() {
        let report = intact(folder.path());
        assert!(report.last_seq >= seen);
        seen = report.last_seq;
        tokio::task::yield_now().await;
    }
    loading.await.unwrap();
    let report = intact(folder.path());
    assert!(report.segments > 10);
    assert_eq!(report.records, 16 * 60 + report.segments + report.checkpoints);
    assert_all_in_each_callers_order(&request_ids(folder.path()), 16, 60);
}
