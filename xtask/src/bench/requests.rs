//! One server through all it has to do: each kind of request, a large project, what memory that leaves in use,
//! and how soon it is back after a restart.

use std::time::Duration;

use anyhow::Result;

use super::figures::median;
use super::findings::Findings;
use super::stage::Stage;
use super::{scale, throughput};

/// Measures on a fresh server.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut server = stage.server("crowded").start()?;
    throughput::measure(stage, &server, &mut findings)?;
    scale::measure(stage, &server, &mut findings)?;
    findings.at_most("resident memory after all load, MiB", server.resident_mib()?, 64.0);
    println!("    restarts");
    let starts = (0..stage.plan.rounds).map(|_| server.restart()).collect::<Result<Vec<_>>>()?;
    let start = median(starts.iter().map(Duration::as_secs_f64));
    findings.at_most(format!("start to first answer with {} secrets, s", stage.plan.many), start, 0.5);
    Ok(findings)
}
