//! A rotation of the master key over many projects: how fast their keys are rewrapped, against plain updates of
//! the same rows, and what requests notice of it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use chrono::NaiveDateTime;
use serde_json::{Value, json};

use super::figures::{Slice, typical_p99_ms};
use super::findings::Findings;
use super::load::{Load, Until};
use super::offered::Offer;
use super::process::Server;
use super::stage::{Stage, runtime, told};
use super::updates;
use super::workload::{self, READER};

/// Keep-alive connections of those who go on reading.
const CONNECTIONS: usize = 16;

/// First the pace with nobody else at work, then the requests beside a rotation at its usual pace.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let mut findings = Findings::default();
    let projects = stage.plan.many;
    let server = stage.server("rotation").start()?;
    println!("    storing a secret in each of {projects} projects");
    let exchanges = runtime()?.block_on(workload::stores_in_projects(&server.endpoint, projects))?;
    let seeding = Load { endpoint: server.endpoint.clone(), exchanges, connections: 64 };
    findings.figures("the first secret of a project, 64 connections", {
        seeding.run(Until::Count(usize::try_from(projects)?))?.figures()
    });
    let launch = server.stop()?;

    println!("    rewrapping their keys");
    let database = launch.data.join("strongroom.sqlite");
    let copy = stage.folder.join("copy.sqlite");
    // Nobody has it open: all of it is in the one file.
    fs::copy(&database, &copy).context("can't copy the database")?;
    let plain = updates::run(&copy)?;
    add_version(stage, &launch.data)?;
    let report = told(
        stage
            .admin(&launch.data)
            .args(["master-key", "rotate"])
            .env("STRONGROOM_ROTATION__SHARE_PERCENT", "100"),
    )?;
    ensure!(report.get("changed").and_then(Value::as_u64) >= Some(projects.into()), "{report}");
    let rewrapping = f64::from(projects) / rewrap_seconds(&launch.data)?;
    findings.number("plain updates of project keys a second", plain);
    findings.number("project keys rewrapped a second", rewrapping);
    findings.at_least(
        format!("rewrapping {projects} project keys, of plain updates of their rows"),
        rewrapping / plain,
        0.5,
    );

    println!("    reading beside a rotation");
    let server = launch.start()?;
    beside(stage, &server, &mut findings)?;
    Ok(findings)
}

/// The same requests at the same rate, at rest and while a rotation goes on.
fn beside(stage: &Stage, server: &Server, findings: &mut Findings) -> Result<()> {
    let exchanges = runtime()?.block_on(workload::payload_reads(&server.endpoint, READER))?;
    let load = Load { endpoint: server.endpoint.clone(), exchanges, connections: CONNECTIONS };
    let peak = load.run(Until::Elapsed(stage.plan.slice * 2))?.figures().per_second;
    let offer = Offer::new(load, peak / 4.0).steady();
    let slices =
        || (0..stage.plan.rounds).map(|_| offer.run_all(stage.plan.slice)).collect::<Result<Vec<_>>>();
    let rest = slices()?;
    add_version(stage, server.data())?;
    let mut rotate = stage.admin(server.data());
    rotate.args(["master-key", "rotate"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let (rotating, ended) = thread::scope(|scope| {
        let tool = scope.spawn(|| (told(&mut rotate), Instant::now()));
        wait_for_stage(stage, server.data(), "rewrapping")?;
        let rotating = slices()?;
        let measured = Instant::now();
        let (report, ended) = tool.join().map_err(|_| anyhow!("the rotation panicked"))?;
        ensure!(report?.get("stage") == Some(&json!("done")), "the rotation did not end well");
        anyhow::Ok((rotating, ended.saturating_duration_since(measured)))
    })?;
    findings.number("seconds that the rotation went on after what was measured", ended.as_secs_f64());
    findings.at_most(
        "p99 of payload reads beside a rotation, of that at rest",
        typical_p99_ms(&rotating) / typical_p99_ms(&rest),
        1.3,
    );
    let whole = |slices: Vec<Slice>| {
        let mut whole = Slice::default();
        for slice in slices {
            whole.append(slice);
        }
        whole.figures()
    };
    findings.figures("payload reads at a quarter of peak, at rest", whole(rest));
    findings.figures("payload reads at a quarter of peak, beside a rotation", whole(rotating));
    Ok(())
}

fn add_version(stage: &Stage, data: &Path) -> Result<()> {
    told(stage.admin(data).args(["master-key", "add"])).map(drop)
}

fn wait_for_stage(stage: &Stage, data: &Path, wanted: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        let status = told(stage.admin(data).args(["rotation", "status"]))?;
        let found = status.get("stage").and_then(Value::as_str).unwrap_or_default();
        if found == wanted {
            return Ok(());
        }
        let late = begun.elapsed() > Duration::from_secs(30);
        ensure!(!late, "the rotation is at {found} and never came to {wanted}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// How long the rewrapping took, as the journal tells: from what was intended to what came of it.
fn rewrap_seconds(data: &Path) -> Result<f64> {
    let mut times = Vec::new();
    for entry in fs::read_dir(data.join("journal"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in BufReader::new(File::open(path)?).lines() {
            let line = line?;
            if line.contains("\"master-key.rewrap\"") {
                let record: Value = serde_json::from_str(&line)?;
                let at = record.get("at").and_then(Value::as_str).context("a record without its time")?;
                times.push(at.parse::<NaiveDateTime>()?);
            }
        }
    }
    let (first, last) = (times.iter().min(), times.iter().max());
    let (first, last) = first.zip(last).context("the journal has no rewrapping")?;
    Ok((*last - *first).to_std()?.as_secs_f64())
}
