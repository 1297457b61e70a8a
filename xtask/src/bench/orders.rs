//! Orders: how soon a key is there, and what making key pairs costs everybody else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::figures::Slice;
use super::findings::Findings;
use super::load::{Load, Until};
use super::stage::{Stage, runtime};
use super::workload::{self, READER};

/// AES orders, one after another.
const ORDERS: usize = 50;
/// Reads beside the orders for key pairs: enough to keep a core busy, and not both.
const CONNECTIONS: usize = 4;

/// Measures on a server that has nothing else to do.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let server = stage.server("orders").start()?;
    let mut findings = Findings::default();
    let runtime = runtime()?;
    let endpoint = &server.endpoint;
    let began = Instant::now();
    let aes = json!({"type": "key", "meta": {"algorithm": "aes", "bit_length": 256, "mode": "cbc"}});
    let latencies = (0..ORDERS).map(|_| carried_out(&runtime, endpoint, &aes)).collect::<Result<_>>()?;
    let aes = Slice { elapsed: began.elapsed(), latencies }.figures();

    let exchanges = runtime.block_on(workload::payload_reads(endpoint, READER))?;
    let load = Load { endpoint: endpoint.clone(), exchanges, connections: CONNECTIONS };
    let slice = Until::Elapsed(stage.plan.slice * stage.plan.rounds);
    let at_rest = load.run(slice)?.figures();
    let stop = AtomicBool::new(false);
    let (beside, key_pairs) = thread::scope(|scope| {
        let maker = scope.spawn(|| make_pairs(endpoint, &stop));
        let reads = load.run(slice);
        stop.store(true, Ordering::Relaxed);
        let made = maker.join().map_err(|_| anyhow!("the thread that places orders panicked"))??;
        anyhow::Ok((reads?.figures(), made))
    })?;
    ensure!(key_pairs > 0, "not one key pair was made");
    findings.at_most("an order for an AES key until ACTIVE, median, ms", aes.p50_ms, 50.0);
    findings.at_most(
        "p99 of payload reads beside RSA orders, of that at rest",
        beside.p99_ms / at_rest.p99_ms,
        2.0,
    );
    findings.figures("an order for an AES key, until ACTIVE", aes);
    findings.figures("payload reads at rest", at_rest);
    findings.figures("payload reads beside RSA orders", beside);
    findings.number("RSA key pairs made meanwhile", f64::from(key_pairs));
    Ok(findings)
}

fn make_pairs(endpoint: &Endpoint, stop: &AtomicBool) -> Result<u32> {
    let runtime = runtime()?;
    let rsa = json!({"type": "asymmetric", "meta": {"algorithm": "rsa", "bit_length": 2048}});
    let mut made = 0;
    while !stop.load(Ordering::Relaxed) {
        carried_out(&runtime, endpoint, &rsa)?;
        made += 1;
    }
    Ok(made)
}

/// Places an order and asks until it is ACTIVE; tells how long that took.
fn carried_out(runtime: &Runtime, endpoint: &Endpoint, order: &Value) -> Result<Duration> {
    let body = order.to_string();
    let place = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: {endpoint}\r\n{READER}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len(),
    );
    runtime.block_on(async {
        let mut connection = Connection::open(endpoint).await?;
        let began = Instant::now();
        let placed = connection.ask(place.as_bytes()).await?;
        ensure!(placed.status == 202, "placing an order answered {}", placed.status);
        let placed: Value = serde_json::from_slice(placed.body)?;
        let id = placed.get("order_ref").and_then(Value::as_str).and_then(|text| text.rsplit('/').next());
        let id = id.context("no order_ref")?;
        let ask: Bytes = format!(
            "GET /v1/orders/{id} HTTP/1.1\r\nhost: {endpoint}\r\n{READER}\r\naccept: application/json\r\n\r\n"
        )
        .into();
        loop {
            let shown: Value = serde_json::from_slice(connection.ask(&ask).await?.body)?;
            match shown.get("status").and_then(Value::as_str) {
                Some("ACTIVE") => return Ok(began.elapsed()),
                Some("PENDING") => tokio::time::sleep(Duration::from_millis(1)).await,
                _ => return Err(anyhow!("an order ended so: {shown}")),
            }
        }
    })
}
