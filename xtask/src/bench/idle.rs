//! Idle TLS connections: the memory that they hold, against a bare hyper and rustls server, and whether anybody
//! else notices them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::findings::Findings;
use super::floor::{Floor, Pair};
use super::load::Load;
use super::offered::Offer;
use super::stage::{Stage, runtime};
use super::workload::{self, READER};

const CONNECTIONS: usize = 5_000;
/// Idle beside those who go on reading, and others that send a byte of a head now and then.
const CROWD: [usize; 2] = [10_000, 500];
/// Requests a second of those who go on.
const RATE: f64 = 500.0;
/// Handshakes at once.
const OPENING: usize = 16;

/// Each connection has had one answer, as those of a client's pool have.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let runtime = runtime()?;
    let server = stage.server("idle").https().start()?;
    let recorded = runtime.block_on(workload::recorded_payload_reads(&server.endpoint))?.recorded;
    let floor = Floor::start(&recorded, Some(&Pair::of(server.data())))?;
    let held = |endpoint: &Endpoint, memory: &dyn Fn() -> Result<f64>| -> Result<[f64; 2]> {
        let before = memory()?;
        let connections = runtime.block_on(open(endpoint, CONNECTIONS))?;
        let with = memory()?;
        drop(connections);
        Ok([before, with])
    };
    let bare = held(&floor.endpoint, &|| floor.resident_mib())?;
    let ours = held(&server.endpoint, &|| server.resident_mib())?;
    let mut findings = Findings::default();
    for (name, [before, with]) in [("Strongroom", ours), ("floor", bare)] {
        findings.number(format!("resident MiB without connections, {name}"), before);
        findings.number(format!("resident MiB with {CONNECTIONS} idle TLS connections, {name}"), with);
    }
    let [ours, bare] = [ours, bare].map(|[_, with]| with);
    findings.at_most(
        format!("memory of {CONNECTIONS} idle TLS connections, of the floor's"),
        ours / bare,
        1.3,
    );
    beside_a_crowd(stage, &mut findings)?;
    Ok(findings)
}

/// The same requests at the same rate, without and beside connections that do nothing or next to nothing.
fn beside_a_crowd(stage: &Stage, findings: &mut Findings) -> Result<()> {
    let [idle, slow] = CROWD;
    let runtime = runtime()?;
    let server = stage.server("crowd").https().set("API__MAX_CONNECTIONS", "20000").start()?;
    let load = Load {
        endpoint: server.endpoint.clone(),
        exchanges: runtime.block_on(workload::payload_reads(&server.endpoint, READER))?,
        connections: 16,
    };
    let offer = Offer::new(load, RATE);
    let span = stage.plan.slice * stage.plan.rounds;
    let without = offer.run(span)?;
    let held = runtime.block_on(open(&server.endpoint, idle))?;
    let (stop, endpoint) = (AtomicBool::new(false), &server.endpoint);
    let beside = thread::scope(|scope| {
        let drip = scope.spawn(|| drip(endpoint, slow, &stop));
        let beside = offer.run(span);
        stop.store(true, Ordering::Relaxed);
        drip.join().map_err(|_| anyhow!("the slow connections panicked"))??;
        beside
    })?;
    drop(held);
    if let Some(complaint) = &beside.complaint {
        println!("    the first failure: {complaint}");
    }
    findings.at_most(
        format!("failed requests beside {idle} idle and {slow} slow connections"),
        without.unanswered() + beside.unanswered(),
        0.0,
    );
    findings.figures("payload reads over TLS, alone", without.accepted.figures());
    findings.figures("the same beside a crowd", beside.accepted.figures());
    Ok(())
}

/// Connections that send a byte of a request's head each second; those that are cut off are made anew.
fn drip(endpoint: &Endpoint, count: usize, stop: &AtomicBool) -> Result<()> {
    runtime()?.block_on(async {
        let mut slow = Vec::new();
        for byte in b"GET / HTTP/1.1\r\nx: ".iter().chain(std::iter::repeat(&b'a')) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            while slow.len() < count {
                slow.push(endpoint.connect().await?);
            }
            let mut kept = Vec::with_capacity(count);
            for mut stream in slow {
                let sent = async {
                    stream.write_all(&[*byte]).await?;
                    stream.flush().await
                };
                if sent.await.is_ok() {
                    kept.push(stream);
                }
            }
            slow = kept;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    })
}

async fn open(endpoint: &Endpoint, count: usize) -> Result<Vec<Connection>> {
    let mut opening = JoinSet::new();
    for _ in 0..OPENING {
        let endpoint = endpoint.clone();
        opening.spawn(async move {
            let discovery = workload::discovery(&endpoint);
            let mut opened = Vec::new();
            for _ in 0..count.div_ceil(OPENING) {
                let mut connection = Connection::open(&endpoint).await?;
                let status = connection.ask(&discovery).await?.status;
                ensure!(status < 400, "GET / answered {status}");
                opened.push(connection);
            }
            anyhow::Ok(opened)
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(opened) = opening.join_next().await {
        all.append(&mut opened.context("opening connections failed")??);
    }
    Ok(all)
}
