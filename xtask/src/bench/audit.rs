//! What it costs that records are durable before anything is answered: against the same server with records in
//! memory, and against the disk itself.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use anyhow::{Context as _, Result};

use super::compare::compare;
use super::cores::Apart;
use super::disk::Disk;
use super::endpoint::Endpoint;
use super::figures::{Slice, median};
use super::findings::Findings;
use super::load::{Load, Until};
use super::offered::Offer;
use super::process::Running;
use super::stage::{Stage, runtime};
use super::workload::{self, READER};
use crate::step;

const CONNECTIONS: usize = 64;

/// The two differ in their audit sink only, so they are wired by an example; the disk is held against the
/// server as it is released.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let mut findings = Findings::default();
    let until = Until::Elapsed(stage.plan.slice);
    let rounds = stage.plan.rounds;
    {
        let [(durable, _one), (memory, _other)] =
            [own_sink(stage, "journal", &[])?, own_sink(stage, "memory", &[])?];
        let (durable, memory) = (reads(&durable)?, reads(&memory)?);
        let comparison = compare(rounds, || durable.run(until), || memory.run(until))?;
        findings.at_least(
            format!("payload read at {CONNECTIONS} with durable audit, of that in memory"),
            comparison.ratio,
            0.8,
        );
        findings.compared(format!("payload read at {CONNECTIONS}, durable audit / in memory"), comparison);
    }
    beside_the_disk(stage, &mut findings)?;
    Ok(findings)
}

/// The server has cores of its own here, and the disk is held against it from the same ones.
fn beside_the_disk(stage: &Stage, findings: &mut Findings) -> Result<()> {
    let rounds = stage.plan.rounds;
    let apart = Apart::begin()?;
    let server = apart.run(|| stage.server("audit").start())?;
    let load = reads(&server.endpoint)?;
    let peak = load.run(Until::Elapsed(stage.plan.slice * rounds))?.figures().per_second;
    let offer = Offer::new(load, peak / 2.0).steady();
    let mut disk = Disk::create(&stage.folder.join("appends"))?;
    let (mut answers, mut appends, mut ratios) = (Slice::default(), Slice::default(), Vec::new());
    for _ in 0..rounds {
        let appended = apart.run(|| disk.run(stage.plan.slice))?;
        let answered = offer.run_all(stage.plan.slice)?;
        ratios.push(answered.figures().p99_ms / appended.figures().p99_ms);
        appends.append(appended);
        answers.append(answered);
    }
    findings.at_most("p99 of payload reads at half of peak, of append and fdatasync", median(ratios), 4.0);
    findings.figures("payload reads at half of peak", answers.figures());
    findings.figures("append of 512 bytes and fdatasync, beside them", appends.figures());
    Ok(())
}

pub(super) fn reads(endpoint: &Endpoint) -> Result<Load> {
    let exchanges = runtime()?.block_on(workload::payload_reads(endpoint, READER))?;
    Ok(Load { endpoint: endpoint.clone(), exchanges, connections: CONNECTIONS })
}

/// The example that serves with an audit sink of its own.
pub(super) fn own_sink(stage: &Stage, sink: &str, more: &[&str]) -> Result<(Endpoint, Running)> {
    let binary = stage.binaries.join("examples/own_audit_sink");
    let mut command = step::ours(&binary);
    let folder = stage.folder.join([&[sink], more].concat().join("-"));
    command.arg(sink).arg(folder).args(more).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("can't start {}", binary.display()))?;
    let output = child.stdout.take().context("the example has no output")?;
    let process = Running(child);
    let mut address = String::new();
    BufReader::new(output).read_line(&mut address)?;
    Ok((Endpoint::http(address.trim().parse().context("the example did not start")?), process))
}
