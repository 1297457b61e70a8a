//! Whether a list's cost grows with what else is stored.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::json;

use super::compare::compare;
use super::endpoint::Endpoint;
use super::exchange::Exchange;
use super::figures::Figures;
use super::findings::Findings;
use super::load::{Load, Until};
use super::process::Server;
use super::stage::{Stage, runtime};
use super::workload;

const SMALL_PROJECT: &str = "x-project-id: bench-small";
const LARGE_PROJECT: &str = "x-project-id: bench-large";

/// How many secrets the small project holds.
const SMALL: usize = 1_000;

/// Enough to keep the server busy: over a single connection, the time that two processes take to wake each
/// other hides what a page costs.
const CONNECTIONS: usize = 16;

/// Fills a large and a small project of the server, and a small one of a server that has nothing else. Compares
/// pages of ten secrets, first the one whose cost is wanted, then the first page of the small project.
pub(super) fn measure(stage: &Stage, server: &Server, findings: &mut Findings) -> Result<()> {
    let alone = stage.server("alone").start()?;
    let plan = &stage.plan;
    let runtime = runtime()?;
    let large = usize::try_from(plan.many)?;
    println!("    storing {large} secrets");
    findings.figures(
        format!("storing {large} secrets, 64 connections"),
        seed(&runtime, server, LARGE_PROJECT, large)?,
    );
    for server in [server, &alone] {
        seed(&runtime, server, SMALL_PROJECT, SMALL)?;
    }

    println!("    list pages in small and large projects");
    let (here, there) = (&server.endpoint, &alone.endpoint);
    let small = runtime.block_on(workload::first_page(here, SMALL_PROJECT, SMALL))?;
    let small_alone = runtime.block_on(workload::first_page(there, SMALL_PROJECT, SMALL))?;
    let first = runtime.block_on(workload::first_page(here, LARGE_PROJECT, large))?;
    let deep = runtime.block_on(workload::page(here, LARGE_PROJECT, large / 10 * 9, large))?;
    let against = |subject: (&Endpoint, Exchange), reference: (&Endpoint, Exchange)| {
        let [subject, reference] = [subject, reference].map(|(endpoint, exchange)| Load {
            endpoint: endpoint.clone(),
            exchanges: Arc::new([exchange]),
            connections: CONNECTIONS,
        });
        let until = Until::Elapsed(plan.slice / 2);
        compare(plan.rounds * 2 + 1, || subject.run(until), || reference.run(until))
    };
    // Nothing is what the last should cost; the tenth is for what two processes differ by anyway.
    for (name, comparison, bound) in [
        ("the first page of many", against((here, first), (here, small.clone()))?, 1.3),
        ("a deep page of many", against((here, deep), (here, small.clone()))?, 2.0),
        ("a page beside other projects", against((here, small), (there, small_alone))?, 1.1),
    ] {
        findings.at_most(
            format!("cost of {name}, of the first of {SMALL} secrets"),
            comparison.cost(),
            bound,
        );
        findings.compared(format!("{name} / the first of {SMALL}"), comparison);
    }
    Ok(())
}

fn seed(runtime: &tokio::runtime::Runtime, server: &Server, project: &str, count: usize) -> Result<Figures> {
    // The first one is stored in finding out what the answer looks like.
    let exchange = runtime.block_on(workload::store(&server.endpoint, project))?;
    let load = Load { endpoint: server.endpoint.clone(), exchanges: Arc::new([exchange]), connections: 64 };
    let figures = load.run(Until::Count(count - 1))?.figures();
    let total = runtime.block_on(workload::total(&server.endpoint, project))?;
    ensure!(total == json!(count), "{count} secrets were acknowledged, and {total} are there");
    Ok(figures)
}
