//! The four kinds of request at each number of connections, against the floor; and stores against the disk.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::compare::compare;
use super::disk::Disk;
use super::figures::Slice;
use super::findings::Findings;
use super::floor::Floor;
use super::load::{Load, Until};
use super::process::Server;
use super::sqlite::Commits;
use super::stage::{Stage, runtime};
use super::workload::{self, STORER, Workload};

/// The numbers of connections that are measured.
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// The targets of single cases: what, at how many connections, and how much of the floor is wanted.
const WANTED: [(&str, usize, f64); 3] =
    [("payload read", 16, 0.35), ("payload read", 64, 0.45), ("store", 64, 0.15)];

/// Measures on a fresh server.
pub(super) fn measure(stage: &Stage, server: &Server, findings: &mut Findings) -> Result<()> {
    let plan = &stage.plan;
    let runtime = runtime()?;
    let workloads = runtime.block_on(workload::prepare(&server.endpoint))?;
    // Two secrets: the one that showed what an answer looks like, and the one that was recorded.
    let mut acknowledged = 2;
    for kind in &workloads {
        let floor = Floor::start(&kind.recorded, None)?;
        for connections in CONNECTIONS {
            println!("    {} at {connections} connection(s)", kind.name);
            let [ours, bare] = loads(kind, server, &floor, connections);
            let comparison = compare(
                plan.rounds,
                || ours.run(Until::Elapsed(plan.slice)),
                || bare.run(Until::Elapsed(plan.slice)),
            )?;
            acknowledged += if kind.name == "store" { comparison.subject.answers } else { 0 };
            let wanted = WANTED.iter().find(|(name, at, _)| (*name, *at) == (kind.name, connections));
            if let Some((name, at, bound)) = wanted {
                findings.at_least(
                    format!("{name} at {at} connections, of the floor"),
                    comparison.ratio,
                    *bound,
                );
            }
            findings.compared(format!("{} at {connections} / floor", kind.name), comparison);
        }
    }

    println!("    stores beside SQLite and the disk");
    let stores = workloads.iter().find(|kind| kind.name == "store").context("no stores")?;
    let ours =
        Load { endpoint: server.endpoint.clone(), exchanges: stores.exchanges.clone(), connections: 64 };
    let mut commits = Commits::open(&stage.folder.join("floor.db"))?;
    let mut disk = Disk::create(&stage.folder.join("appends"))?;
    let mut appends = Slice::default();
    let against_sqlite = compare(
        plan.rounds,
        || ours.run(Until::Elapsed(plan.slice)),
        || {
            appends.append(disk.run(plan.slice / 2)?);
            commits.run(plan.slice)
        },
    )?;
    acknowledged += against_sqlite.subject.answers;
    let ratio = against_sqlite.ratio;
    findings.at_least("store at 64 connections, of SQLite's one-row commits", ratio, 1.5);
    findings.compared("store at 64 / SQLite, one row a commit", against_sqlite);
    findings.figures("append of 512 bytes and fdatasync", appends.figures());

    let total = runtime.block_on(workload::total(&server.endpoint, STORER))?;
    ensure!(total == json!(acknowledged), "{acknowledged} secrets were acknowledged, and {total} are there");
    Ok(())
}

fn loads(kind: &Workload, server: &Server, floor: &Floor, connections: usize) -> [Load; 2] {
    [(&server.endpoint, &kind.exchanges), (&floor.endpoint, &kind.floor_exchanges)].map(
        |(endpoint, exchanges)| Load {
            endpoint: endpoint.clone(),
            exchanges: exchanges.clone(),
            connections,
        },
    )
}
