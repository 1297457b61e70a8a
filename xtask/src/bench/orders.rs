//! Orders: how soon a key is there, and what making key pairs costs everybody else.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::Plan;
use super::connection::Connection;
use super::figures::{Figures, Slice};
use super::load::{Load, Until};
use super::process::Server;
use super::workload::{self, READER};

/// AES orders, one after another.
const ORDERS: usize = 50;
/// Reads beside the orders for key pairs: enough to keep a core busy, and not both.
const CONNECTIONS: usize = 4;

/// What was measured.
#[derive(Serialize)]
pub(super) struct Orders {
    /// From placing an order for an AES key until a client sees that it is ACTIVE.
    pub(super) aes: Figures,
    /// Payload reads while nothing else is done.
    pub(super) reads_at_rest: Figures,
    /// Payload reads while one RSA-2048 key pair after another is made.
    pub(super) reads_beside_rsa: Figures,
    /// How many key pairs were made meanwhile.
    pub(super) key_pairs: usize,
}

/// Measures on a server that has nothing else to do.
pub(super) fn measure(plan: &Plan, server: &Server) -> Result<Orders> {
    println!("measuring orders");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let address = server.address;
    let began = Instant::now();
    let aes = json!({"type": "key", "meta": {"algorithm": "aes", "bit_length": 256, "mode": "cbc"}});
    let latencies = (0..ORDERS).map(|_| carried_out(&runtime, address, &aes)).collect::<Result<_>>()?;
    let aes = Slice { elapsed: began.elapsed(), latencies }.figures();

    let exchanges = runtime.block_on(workload::payload_reads(address, READER))?;
    let load = Load { address, exchanges, connections: CONNECTIONS };
    let slice = Until::Elapsed(plan.slice * plan.rounds);
    let reads_at_rest = load.run(slice)?.figures();
    let stop = AtomicBool::new(false);
    let (reads, key_pairs) = thread::scope(|scope| {
        let maker = scope.spawn(|| make_pairs(address, &stop));
        let reads = load.run(slice);
        stop.store(true, Ordering::Relaxed);
        let made = maker.join().map_err(|_| anyhow!("the thread that places orders panicked"))??;
        anyhow::Ok((reads?, made))
    })?;
    ensure!(key_pairs > 0, "not one key pair was made");
    Ok(Orders { aes, reads_at_rest, reads_beside_rsa: reads.figures(), key_pairs })
}

fn make_pairs(address: SocketAddr, stop: &AtomicBool) -> Result<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rsa = json!({"type": "asymmetric", "meta": {"algorithm": "rsa", "bit_length": 2048}});
    let mut made = 0;
    while !stop.load(Ordering::Relaxed) {
        carried_out(&runtime, address, &rsa)?;
        made += 1;
    }
    Ok(made)
}

/// Places an order and asks until it is ACTIVE; tells how long that took.
fn carried_out(runtime: &Runtime, address: SocketAddr, order: &Value) -> Result<Duration> {
    let body = order.to_string();
    let place = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: {address}\r\n{READER}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len(),
    );
    runtime.block_on(async {
        let mut connection = Connection::open(address).await?;
        let began = Instant::now();
        let placed = connection.ask(place.as_bytes()).await?;
        ensure!(placed.status == 202, "placing an order answered {}", placed.status);
        let placed: Value = serde_json::from_slice(placed.body)?;
        let id = placed.get("order_ref").and_then(Value::as_str).and_then(|text| text.rsplit('/').next());
        let id = id.context("no order_ref")?;
        let ask: Bytes = format!(
            "GET /v1/orders/{id} HTTP/1.1\r\nhost: {address}\r\n{READER}\r\naccept: application/json\r\n\r\n"
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
