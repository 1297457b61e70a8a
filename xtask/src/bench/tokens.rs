//! What it costs that callers bring tokens of a real Keystone, once it has been asked about them.

use std::path::Path;

use anyhow::Result;
use strongroom_tests::Keystone;

use super::Plan;
use super::compare::{Comparison, compare};
use super::load::{Load, Until};
use super::process::Server;
use super::workload::{self, READER};

const CONNECTIONS: usize = 16;

/// Reads of payloads by a caller with a token, against the same of a caller who is believed.
pub(super) fn measure(plan: &Plan, binary: &Path, folder: &Path) -> Result<Comparison> {
    println!("measuring payload reads with tokens of Keystone");
    let keystone = Keystone::start(3600);
    let project = keystone.project();
    let token = keystone.token(&keystone.user(&project, &["member"]), &project);
    let settings = keystone.settings_at(&keystone.url());
    let with_tokens = Server::start_with(binary, &folder.join("tokens"), settings)?;
    let believing = Server::start(binary, &folder.join("believing"))?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let load = |server: &Server, who: &str| -> Result<Load> {
        let exchanges = runtime.block_on(workload::payload_reads(server.address, who))?;
        Ok(Load { address: server.address, exchanges, connections: CONNECTIONS })
    };
    let subject = load(&with_tokens, &format!("x-auth-token: {token}"))?;
    let reference = load(&believing, READER)?;
    let until = Until::Elapsed(plan.slice);
    compare(plan.rounds, || subject.run(until), || reference.run(until))
}
