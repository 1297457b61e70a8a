//! A rotation of the master key over many projects: how fast their keys are rewrapped, against plain updates of
//! the same rows, and what requests notice of it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::Value;

use super::figures::{Slice, median};
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

/// The same requests at the same rate while a rotation goes on and while it is halted, in turn.
fn beside(stage: &Stage, server: &Server, findings: &mut Findings) -> Result<()> {
    let exchanges = runtime()?.block_on(workload::payload_reads(&server.endpoint, READER))?;
    let load = Load { endpoint: server.endpoint.clone(), exchanges, connections: CONNECTIONS };
    let peak = load.run(Until::Elapsed(stage.plan.slice * 2))?.figures().per_second;
    let offer = Offer::new(load, peak / 4.0).steady();
    let rotation = Rotation { stage, data: server.data() };
    add_version(stage, server.data())?;
    let (mut beside, mut at_rest, mut ratios) = (Slice::default(), Slice::default(), Vec::new());
    let carried = thread::scope(|scope| {
        // It ends as soon as it sees that the rotation is halted, and the rotation goes on without it.
        let tool = scope.spawn(|| rotation.admin(&["master-key", "rotate"]).output());
        rotation.wait_until(|told| told.stage == "rewrapping" && told.done > 0)?;
        let mut carried = 0;
        for _ in 0..=stage.plan.rounds * 2 {
            let before = rotation.told("status")?;
            if before.stage != "rewrapping" {
                break;
            }
            let rotating = offer.run_all(stage.plan.slice)?;
            carried += rotation.told("pause")?.done.saturating_sub(before.done);
            let resting = offer.run_all(stage.plan.slice)?;
            ratios.push(rotating.figures().p99_ms / resting.figures().p99_ms);
            beside.append(rotating);
            at_rest.append(resting);
            let halted_at = rotation.told("resume")?.done;
            rotation.wait_until(|told| told.done > halted_at || told.stage != "rewrapping")?;
        }
        tool.join().map_err(|_| anyhow!("the tool's thread panicked"))??;
        anyhow::Ok(carried)
    })?;
    ensure!(ratios.len() >= 3, "the rotation was over too soon");
    let rotation = rotation.wait_until(|told| told.stage != "rewrapping")?;
    ensure!(
        ["verifying", "retiring", "done"].contains(&rotation.stage.as_str()),
        "it ended {}",
        rotation.stage
    );
    findings.number("project keys rewrapped while that was measured", f64::from(carried));
    findings.at_most(
        "p99 of payload reads beside a rotation, of that while it is halted",
        median(ratios),
        1.3,
    );
    findings.figures("payload reads at a quarter of peak, the rotation halted", at_rest.figures());
    findings.figures("payload reads at a quarter of peak, beside the rotation", beside.figures());
    Ok(())
}

/// The rotation of a server's master key.
struct Rotation<'a> {
    stage: &'a Stage,
    data: &'a Path,
}

/// How far it has come.
#[derive(Deserialize)]
struct Told {
    stage: String,
    done: u32,
}

impl Rotation<'_> {
    fn admin(&self, arguments: &[&str]) -> Command {
        let mut command = self.stage.admin(self.data);
        command.args(arguments);
        command
    }

    fn told(&self, command: &str) -> Result<Told> {
        Ok(serde_json::from_value(told(&mut self.admin(&["rotation", command]))?)?)
    }

    fn wait_until(&self, is_there: impl Fn(&Told) -> bool) -> Result<Told> {
        let begun = Instant::now();
        loop {
            let told = self.told("status")?;
            if is_there(&told) {
                return Ok(told);
            }
            let late = begun.elapsed() > Duration::from_mins(1);
            ensure!(!late, "the rotation is at {} of {} and stays there", told.done, told.stage);
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn add_version(stage: &Stage, data: &Path) -> Result<()> {
    told(stage.admin(data).args(["master-key", "add"])).map(drop)
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
