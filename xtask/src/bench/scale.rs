//! Whether a list's cost grows with what else is stored.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::json;

use super::Plan;
use super::compare::{Comparison, compare};
use super::exchange::Exchange;
use super::figures::Figures;
use super::load::{Load, Until};
use super::process::Server;
use super::workload;

const SMALL_PROJECT: &str = "x-project-id: bench-small";
const LARGE_PROJECT: &str = "x-project-id: bench-large";

/// How many secrets the small project holds.
const SMALL: usize = 1_000;

/// Enough to keep the server busy: over a single connection, the time that two processes take to wake each
/// other hides what a page costs.
const CONNECTIONS: usize = 16;

/// Pages of ten secrets, first the one whose cost is wanted, then the one that it is compared with: the first
/// page of the small project.
#[derive(Serialize)]
pub(super) struct Scale {
    /// How many secrets the large project holds.
    pub(super) secrets: usize,
    /// Storing them over 64 connections.
    pub(super) seeding: Figures,
    /// The first page of the large project.
    pub(super) first_page: Comparison,
    /// A page at nine tenths of the large project.
    pub(super) deep_page: Comparison,
    /// The small project's first page beside all the others, against a server that holds nothing else.
    pub(super) beside_others: Comparison,
}

/// Fills a large and a small project of the server, and a small one of a server that has nothing else.
pub(super) fn measure(plan: &Plan, server: &Server, alone: &Server) -> Result<Scale> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let large = usize::try_from(plan.secrets)?;
    println!("storing {large} secrets");
    let seeding = seed(&runtime, server, LARGE_PROJECT, large)?;
    for server in [server, alone] {
        seed(&runtime, server, SMALL_PROJECT, SMALL)?;
    }

    println!("measuring list pages in small and large projects");
    let (here, there) = (server.address, alone.address);
    let small = runtime.block_on(workload::first_page(here, SMALL_PROJECT, SMALL))?;
    let small_alone = runtime.block_on(workload::first_page(there, SMALL_PROJECT, SMALL))?;
    let first = runtime.block_on(workload::first_page(here, LARGE_PROJECT, large))?;
    let deep = runtime.block_on(workload::page(here, LARGE_PROJECT, large / 10 * 9, large))?;
    let against = |subject: (SocketAddr, Exchange), reference: (SocketAddr, Exchange)| {
        let [subject, reference] = [subject, reference].map(|(address, exchange)| Load {
            address,
            exchanges: Arc::new([exchange]),
            connections: CONNECTIONS,
        });
        let until = Until::Elapsed(plan.slice / 2);
        compare(plan.rounds * 2 + 1, || subject.run(until), || reference.run(until))
    };
    Ok(Scale {
        secrets: large,
        seeding,
        first_page: against((here, first), (here, small.clone()))?,
        deep_page: against((here, deep), (here, small.clone()))?,
        beside_others: against((here, small), (there, small_alone))?,
    })
}

fn seed(runtime: &tokio::runtime::Runtime, server: &Server, project: &str, count: usize) -> Result<Figures> {
    // The first one is stored in finding out what the answer looks like.
    let exchange = runtime.block_on(workload::store(server.address, project))?;
    let load = Load { address: server.address, exchanges: Arc::new([exchange]), connections: 64 };
    let figures = load.run(Until::Count(count - 1))?.figures();
    let total = runtime.block_on(workload::total(server.address, project))?;
    ensure!(total == json!(count), "{count} secrets were acknowledged, and {total} are there");
    Ok(figures)
}
