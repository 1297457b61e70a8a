//! Three times as much as the server can do: what it still does, and how soon.
//!
//! The server and the load have cores of their own here: what the load takes would else count as the server's.
//! Pages of a hundred secrets are asked for, since an answer of those costs the server much more than the load.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::endpoint::Endpoint;
use super::findings::Findings;
use super::load::{Load, Until};
use super::offered::{Offer, Offered};
use super::stage::{Stage, runtime};
use super::workload;

const PROJECT: &str = "x-project-id: bench-overload";
/// Secrets on the page.
const PAGE: usize = 100;
/// Connections at which the peak is looked for.
const PEAK: [usize; 3] = [16, 64, 128];
/// Connections beyond capacity: many more than requests that wait for their answer.
const BEYOND: usize = 1_000;

/// Measures the peak, then half of it and three times of it.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let whole = sched_getaffinity(None)?;
    let cores: Vec<_> = (0..CpuSet::MAX_CPU).filter(|core| whole.is_set(*core)).collect();
    let (ours, theirs) = cores.split_at(cores.len() / 2);
    ensure!(!ours.is_empty(), "overload needs two cores, one of which makes the load");
    // A process is born where its parent is.
    stay_on(theirs)?;
    let server = stage.server("overload").start();
    stay_on(ours)?;
    let found = server.and_then(|server| under_load(stage, &server.endpoint));
    sched_setaffinity(None, &whole)?;
    found
}

fn under_load(stage: &Stage, endpoint: &Endpoint) -> Result<Findings> {
    let exchanges: Arc<[_]> = Arc::new([runtime()?.block_on(workload::full_page(endpoint, PROJECT, PAGE))?]);
    let span = stage.plan.slice * stage.plan.rounds * 2;
    let load =
        |connections| Load { endpoint: endpoint.clone(), exchanges: Arc::clone(&exchanges), connections };
    let mut peak = 0.0_f64;
    for connections in PEAK {
        peak = peak.max(load(connections).run(Until::Elapsed(span / 3))?.figures().per_second);
    }
    ensure!(peak > 0.0, "no answer at all");
    let offer = |times: f64, connections: usize| -> Result<Offered> {
        Offer::new(load(connections), peak * times).run(span)
    };
    let half = offer(0.5, 128)?;
    let triple = offer(3.0, BEYOND)?;
    for offered in [&half, &triple] {
        ensure!(offered.failed == 0, "{} failed: {:?}", offered.failed, offered.complaint);
    }
    let seconds = triple.accepted.elapsed.as_secs_f64();
    let offered = triple.total() / seconds / peak;
    let refused = f64::from(triple.refused) / triple.total();
    let (half, triple) = (half.accepted.figures(), triple.accepted.figures());
    let mut findings = Findings::default();
    findings.number("overload: peak goodput, pages a second", peak);
    findings.number("overload: offered, of the peak", offered);
    findings.number("overload: share that was turned away", refused);
    findings.at_least("goodput at 3 times capacity, of the peak", triple.per_second / peak, 0.9);
    findings.at_most("p99 of what is accepted then, of that at half load", triple.p99_ms / half.p99_ms, 5.0);
    findings.figures("pages at half load", half);
    findings.figures("pages at 3 times capacity, those accepted", triple);
    Ok(findings)
}

fn stay_on(cores: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set).context("can't choose cores")
}
