//! Payload reads over TLS on connections that are kept, against a bare hyper and rustls server.

use anyhow::Result;

use super::compare::compare;
use super::findings::Findings;
use super::floor::{Floor, Pair};
use super::load::{Load, Until};
use super::stage::{Stage, runtime};
use super::workload;

const CONNECTIONS: usize = 16;

/// The server's first-run certificate is shown by both.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let server = stage.server("tls").https().start()?;
    let workload = runtime()?.block_on(workload::recorded_payload_reads(&server.endpoint))?;
    let floor = Floor::start(&workload.recorded, Some(&Pair::of(server.data())))?;
    let load = |endpoint, exchanges| Load { endpoint, exchanges, connections: CONNECTIONS };
    let ours = load(server.endpoint.clone(), workload.exchanges);
    let bare = load(floor.endpoint.clone(), workload.floor_exchanges);
    let until = Until::Elapsed(stage.plan.slice);
    let comparison = compare(stage.plan.rounds, || ours.run(until), || bare.run(until))?;
    let mut findings = Findings::default();
    findings.at_least(
        format!("payload read over TLS at {CONNECTIONS} connections, of the floor"),
        comparison.ratio,
        0.35,
    );
    findings.compared(format!("payload read over TLS at {CONNECTIONS} / floor"), comparison);
    Ok(findings)
}
