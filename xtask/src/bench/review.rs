//! A review of many secrets: how long it takes and how much memory; and what it costs reads that they are noted for it.

use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::audit::{own_sink, reads};
use super::compare::compare;
use super::findings::Findings;
use super::load::Until;
use super::process::Running;
use super::stage::{Stage, runtime};
use super::workload;

/// How many times as many secrets there are as elsewhere: a million, unless it is to go quickly.
const TIMES: u32 = 10;

/// First the reads, then the review.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let mut findings = Findings::default();
    {
        let [(noting, _one), (not, _other)] =
            [own_sink(stage, "journal", &["noting"])?, own_sink(stage, "journal", &[])?];
        let (noting, not) = (reads(&noting)?, reads(&not)?);
        let until = Until::Elapsed(stage.plan.slice);
        // A few percent are told from chance by more pairs than a factor is.
        let comparison = compare(stage.plan.rounds * 3, || noting.run(until), || not.run(until))?;
        findings.at_least("payload reads that are noted, of those that are not", comparison.ratio, 0.97);
        findings.compared("payload read, noted / not", comparison);
    }
    let secrets = stage.plan.many * TIMES;
    let server = stage.server("review").start()?;
    runtime()?.block_on(workload::payload_reads(&server.endpoint, workload::READER))?;
    let launch = server.stop()?;
    println!("    multiplying secrets to {secrets}");
    multiply(&launch.data.join("strongroom.sqlite"), secrets)?;
    println!("    reviewing them");
    let file = stage.folder.join("review.csv");
    let mut review = stage.admin(&launch.data);
    review.args(["review", "start", "--unread-days", "0", "--operator", "bench", "--to"]).arg(&file);
    let begun = Instant::now();
    let mut tool = Running(review.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
    let mut peak = 0.0_f64;
    let status = loop {
        if let Some(status) = tool.0.try_wait()? {
            break status;
        }
        // One that has just ended has no memory to tell of.
        peak = tool.peak_mib().unwrap_or(0.0).max(peak);
        thread::sleep(Duration::from_millis(20));
    };
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(status.success(), "the review ended with {status}");
    let lines = std::fs::read_to_string(&file)?.lines().count();
    ensure!(lines > usize::try_from(secrets)?, "the review lists {lines} lines only");
    findings.number("secrets reviewed", f64::from(secrets));
    findings.number("seconds that the review took", seconds);
    findings.at_most(
        "seconds for a review, by the million secrets",
        seconds / f64::from(secrets) * 1e6,
        60.0,
    );
    findings.at_most("MiB that the review has had at most", peak, 128.0);
    Ok(findings)
}

/// Makes that many secrets of one of those in the database, all under one project key and with payloads that differ, as
/// far as anybody can tell who does not open them.
fn multiply(database: &Path, secrets: u32) -> Result<()> {
    let mut connection = SqliteConnection::establish(database.to_str().context("the path is not UTF-8")?)?;
    connection.batch_execute(&format!(
        "PRAGMA synchronous = OFF;
         CREATE TEMP TABLE made AS
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {secrets})
             SELECT i, unhex(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || '8'
                 || substr(hex(randomblob(2)), 2) || hex(randomblob(6))) AS id FROM n;
         CREATE TEMP TABLE template AS SELECT * FROM secrets LIMIT 1;
         CREATE TEMP TABLE sealed AS SELECT * FROM payloads WHERE secret = (SELECT id FROM template);
         BEGIN;
         INSERT INTO secrets (id, project, position, live, name, secret_type, creator, created, updated, content_type)
             SELECT made.id, project, 1000000 + i, live, 'secret ' || i, secret_type, creator, created, updated, content_type
             FROM made, template;
         INSERT INTO payloads (secret, project_key, backend, content_type, sealed, fingerprint)
             SELECT made.id, project_key, backend, content_type, sealed, randomblob(16) FROM made, sealed;
         COMMIT;"
    ))?;
    Ok(())
}
