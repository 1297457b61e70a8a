//! What it costs that callers bring tokens of a real Keystone, once it has been asked about them.

use anyhow::Result;
use strongroom_tests::Keystone;

use super::compare::compare;
use super::findings::Findings;
use super::load::{Load, Until};
use super::process::Server;
use super::stage::{Stage, runtime};
use super::workload::{self, READER};

const CONNECTIONS: usize = 16;

/// Reads of payloads by a caller with a token, against the same of a caller who is believed.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let keystone = Keystone::start(3600);
    let project = keystone.project();
    let token = keystone.token(&keystone.user(&project, &["member"]), &project);
    let settings = keystone.settings_at(&keystone.url());
    let with_tokens = settings.iter().fold(stage.server("tokens"), |it, (name, value)| it.set(name, value));
    let (with_tokens, believing) = (with_tokens.start()?, stage.server("believing").start()?);

    let runtime = runtime()?;
    let load = |server: &Server, who: &str| -> Result<Load> {
        let exchanges = runtime.block_on(workload::payload_reads(&server.endpoint, who))?;
        Ok(Load { endpoint: server.endpoint.clone(), exchanges, connections: CONNECTIONS })
    };
    let subject = load(&with_tokens, &format!("x-auth-token: {token}"))?;
    let reference = load(&believing, READER)?;
    let until = Until::Elapsed(stage.plan.slice);
    let comparison = compare(stage.plan.rounds, || subject.run(until), || reference.run(until))?;
    let mut findings = Findings::default();
    findings.at_least("payload read with a cached token, of that without", comparison.ratio, 0.9);
    findings.compared("payload reads with tokens / without", comparison);
    Ok(findings)
}
