//! The four kinds of request at each number of connections, against the floor; and stores against the disk.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::json;

use super::Plan;
use super::compare::{Comparison, compare};
use super::disk::Disk;
use super::figures::{Figures, Slice};
use super::floor::Floor;
use super::load::{Load, Until};
use super::process::Server;
use super::sqlite::Commits;
use super::workload::{self, STORER, Workload};

/// The numbers of connections that are measured.
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// All of it.
#[derive(Serialize)]
pub(super) struct Throughput {
    /// Each kind at each number of connections, against the floor.
    pub(super) cases: Vec<Case>,
    /// Stores at 64 connections against one-row commits of SQLite with the same durability.
    pub(super) against_sqlite: Comparison,
    /// Appends of 512 bytes, each made durable, in the same folder.
    pub(super) disk: Figures,
}

/// One kind at one number of connections, against the floor.
#[derive(Serialize)]
pub(super) struct Case {
    /// The kind of request.
    pub(super) workload: &'static str,
    /// Keep-alive connections at the same time.
    pub(super) connections: usize,
    /// The figures.
    #[serde(flatten)]
    pub(super) comparison: Comparison,
}

/// Measures on a fresh server.
pub(super) fn measure(plan: &Plan, server: &Server, folder: &Path) -> Result<Throughput> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let workloads = runtime.block_on(workload::prepare(server.address))?;
    // Two secrets: the one that showed what an answer looks like, and the one that was recorded.
    let mut acknowledged = 2;
    let mut cases = Vec::new();
    for kind in &workloads {
        let floor = Floor::start(&kind.recorded)?;
        for connections in CONNECTIONS {
            println!("measuring {} at {connections} connection(s)", kind.name);
            let [ours, bare] = loads(kind, server, &floor, connections);
            let comparison = compare(
                plan.rounds,
                || ours.run(Until::Elapsed(plan.slice)),
                || bare.run(Until::Elapsed(plan.slice)),
            )?;
            acknowledged += if kind.name == "store" { comparison.subject.answers } else { 0 };
            cases.push(Case { workload: kind.name, connections, comparison });
        }
    }

    println!("measuring stores beside SQLite and the disk");
    let stores = workloads.iter().find(|kind| kind.name == "store").context("no stores")?;
    let ours = Load { address: server.address, exchanges: stores.exchanges.clone(), connections: 64 };
    let mut commits = Commits::open(&folder.join("floor.db"))?;
    let mut disk = Disk::create(&folder.join("appends"))?;
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

    let total = runtime.block_on(workload::total(server.address, STORER))?;
    ensure!(total == json!(acknowledged), "{acknowledged} secrets were acknowledged, and {total} are there");
    Ok(Throughput { cases, against_sqlite, disk: appends.figures() })
}

fn loads(kind: &Workload, server: &Server, floor: &Floor, connections: usize) -> [Load; 2] {
    [(server.address, &kind.exchanges), (floor.address, &kind.floor_exchanges)]
        .map(|(address, exchanges)| Load { address, exchanges: exchanges.clone(), connections })
}
