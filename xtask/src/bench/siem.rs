//! What a best-effort receiver of audit records that is dead costs everybody else.

use std::fs;
use std::net::TcpListener;
use std::thread;

use anyhow::Result;

use super::compare::compare;
use super::findings::Findings;
use super::load::{Load, Until};
use super::stage::{Stage, runtime};
use super::workload::{self, READER};

const CONNECTIONS: usize = 64;

/// The receiver accepts connections and never reads: the worst way to be dead.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let receiver = TcpListener::bind("127.0.0.1:0")?;
    let address = receiver.local_addr()?;
    // It ends with the process.
    thread::spawn(move || receiver.incoming().collect::<Vec<_>>());
    let file = stage.folder.join("siem.toml");
    fs::write(
        &file,
        format!(
            "[[audit.forwarders]]\nname = 'siem'\nkind = 'syslog-tcp'\naddress = '{address}'\n\
             timeout_seconds = 1\n"
        ),
    )?;
    let (with, without) =
        (stage.server("with-siem").config(file).start()?, stage.server("without-siem").start()?);
    let runtime = runtime()?;
    let [with, without] = [&with, &without].map(|server| {
        let exchanges = runtime.block_on(workload::payload_reads(&server.endpoint, READER))?;
        anyhow::Ok(Load { endpoint: server.endpoint.clone(), exchanges, connections: CONNECTIONS })
    });
    let (with, without) = (with?, without?);
    // Until the buffers between the two are full.
    with.run(Until::Elapsed(stage.plan.slice * stage.plan.rounds))?;
    let until = Until::Elapsed(stage.plan.slice);
    let comparison = compare(stage.plan.rounds * 2 + 1, || with.run(until), || without.run(until))?;
    let mut findings = Findings::default();
    findings.at_least("payload read beside a dead SIEM, of that without one", comparison.ratio, 0.97);
    findings.compared(format!("payload read at {CONNECTIONS}, dead SIEM / none"), comparison);
    Ok(findings)
}
