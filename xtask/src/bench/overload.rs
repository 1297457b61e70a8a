//! Three times as much as the server can do: what it still does, and how soon.
//!
//! The server and the load have cores of their own here.
//! Pages of a hundred secrets are asked for, since an answer of those costs the server much more than the load.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::cores::{Apart, Core};
use super::endpoint::Endpoint;
use super::figures::{Slice, median};
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
/// How often peak, half and triple are measured.
const ROUNDS: u32 = 3;
/// Long enough for a flood to be over.
const CALM: Duration = Duration::from_millis(500);
/// Connections beyond capacity: many more than requests that wait for their answer.
const BEYOND: usize = 1_000;

/// Measures the peak, then half of it and three times of it.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let apart = Apart::begin()?;
    let server = apart.run(|| stage.server("overload").start())?;
    under_load(stage, &server.endpoint)
}

/// Peak, half and triple in turn, so that each is held against its neighbours.
fn under_load(stage: &Stage, endpoint: &Endpoint) -> Result<Findings> {
    let exchanges: Arc<[_]> = Arc::new([runtime()?.block_on(workload::full_page(endpoint, PROJECT, PAGE))?]);
    let span = stage.plan.slice * stage.plan.rounds * 2 / ROUNDS;
    let load =
        |connections| Load { endpoint: endpoint.clone(), exchanges: Arc::clone(&exchanges), connections };
    let mut best = (0.0_f64, 0);
    for connections in PEAK {
        let found =
            load(connections).run_on(Core::Own, Until::Elapsed(stage.plan.slice))?.figures().per_second;
        if found > best.0 {
            best = (found, connections);
        }
    }
    let (mut peaks, mut halves, mut triples) = (Slice::default(), Offered::default(), Offered::default());
    let (mut goodput, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let peak = load(best.1).run_on(Core::Own, Until::Elapsed(span))?;
        let most = peak.figures().per_second;
        let half = Offer::new(load(128), most / 2.0).on(Core::Own).run(span)?;
        let triple = Offer::new(load(BEYOND), most * 3.0).on(Core::Own).run(span)?;
        for offered in [&half, &triple] {
            ensure!(offered.failed == 0, "{} failed: {:?}", offered.failed, offered.complaint);
        }
        let (accepted, at_half) = (triple.accepted.figures(), half.accepted.figures());
        goodput.push(accepted.per_second / most);
        p99.push(accepted.p99_ms / at_half.p99_ms);
        thread::sleep(CALM);
        peaks.append(peak);
        halves.append(half);
        triples.append(triple);
    }
    let peak = peaks.figures();
    let offered = triples.total() / triples.accepted.elapsed.as_secs_f64() / peak.per_second;
    let mut findings = Findings::default();
    findings.number("overload: offered, of the peak", offered);
    findings.number("overload: share that was turned away", f64::from(triples.refused) / triples.total());
    findings.at_least("goodput at 3 times capacity, of the peak", median(goodput), 0.9);
    findings.at_most("p99 of what is accepted then, of that at half load", median(p99), 5.0);
    findings.figures("pages at the peak", peak);
    findings.figures("pages at half load", halves.accepted.figures());
    findings.figures("pages at 3 times capacity, those accepted", triples.accepted.figures());
    Ok(findings)
}
