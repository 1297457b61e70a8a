//! How fast a journal is verified, against a bare SHA-256 over the same bytes.

use std::fs;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::compare::compare;
use super::figures::Slice;
use super::findings::Findings;
use super::load::{Load, Until};
use super::stage::{Stage, runtime, told};
use super::workload::{self, READER};

/// About as many bytes as a record has.
const RECORD: usize = 460;

/// The command as it is released, its start and its reading of the files included; the digest has the bytes in
/// memory already.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let server = stage.server("verify").start()?;
    let exchanges = runtime()?.block_on(workload::payload_reads(&server.endpoint, READER))?;
    let load = Load { endpoint: server.endpoint.clone(), exchanges, connections: 64 };
    let reads = usize::try_from(stage.plan.many.max(50_000))? * 2;
    println!("    making a journal of about {} MiB", (reads * RECORD) >> 20);
    load.run(Until::Count(reads))?;
    let data = server.stop()?.data;
    let mut segments = Vec::new();
    for entry in fs::read_dir(data.join("journal"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            segments.push(fs::read(&path).with_context(|| format!("can't read {}", path.display()))?);
        }
    }
    let bytes: usize = segments.iter().map(Vec::len).sum();
    let verify = || {
        let begun = Instant::now();
        let report = told(stage.admin(&data).args(["audit", "verify"]))?;
        let elapsed = begun.elapsed();
        ensure!(report.get("intact") == Some(&json!(true)), "the journal is not intact: {report}");
        ensure!(report.get("bytes").and_then(Value::as_u64) == u64::try_from(bytes).ok(), "{report}");
        Ok(Slice { elapsed, latencies: vec![elapsed] })
    };
    let hash = || {
        let begun = Instant::now();
        let sums: Vec<_> = segments.iter().map(|segment| digest(&SHA256, segment)).collect();
        let elapsed = begun.elapsed();
        ensure!(!sums.is_empty(), "there is no journal");
        Ok(Slice { elapsed, latencies: vec![elapsed] })
    };
    let comparison = compare(stage.plan.rounds, verify, hash)?;
    let mut findings = Findings::default();
    findings.number("journal verified, MiB", f64::from(u32::try_from(bytes >> 10)?) / 1024.0);
    findings.at_least("audit verify, of a bare SHA-256 over the same bytes", comparison.ratio, 0.5);
    findings.compared("audit verify / SHA-256, whole passes", comparison);
    Ok(findings)
}
