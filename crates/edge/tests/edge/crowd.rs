//! Many who hold connections and do nothing with them, or as little as possible.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use strongroom_edge::{Limits, Refusal};
use tokio::task::JoinSet;

use crate::support::{Edge, GET};
use crate::tls::{Files, connect, no_clients};

/// TLS connections that have had one answer each.
const IDLE: usize = 500;
/// Connections that send a byte of a head now and then, and such that never end their handshake.
const SLOW: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_and_slow_connections_leave_the_others_alone() {
    // Both ends of each connection are in this process.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let files = Arc::new(Files::new());
    let limits = Limits { header_timeout: Duration::from_secs(5), ..Limits::default() };
    let edge = Arc::new(Edge::start_with(files.rules(no_clients), limits).await);

    let mut opening = JoinSet::new();
    for _ in 0..IDLE {
        let (edge, files) = (Arc::clone(&edge), Arc::clone(&files));
        opening.spawn(async move {
            let mut wire = connect(&edge, &files.authority, None).await.unwrap();
            assert_eq!(wire.ask(GET).await.0, 200);
            wire
        });
    }
    let mut idle = opening.join_all().await;
    let (mut dripping, mut shaking) = (Vec::new(), Vec::new());
    for _ in 0..SLOW {
        dripping.push(connect(&edge, &files.authority, None).await.unwrap());
        let mut wire = edge.connect().await;
        wire.send(b"\x16\x03\x01").await;
        shaking.push(wire);
    }
    // Longer than a head may take, a byte at a time.
    let drip = async {
        let endless = b"GET / HTTP/1.1\r\nX: ".iter().chain(std::iter::repeat(&b'a'));
        for byte in endless.take(60) {
            for wire in &mut dripping {
                wire.send([*byte]).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ask = async {
        let mut kept = connect(&edge, &files.authority, None).await.unwrap();
        for _ in 0..200 {
            assert_eq!(kept.ask(GET).await.0, 200);
        }
        assert_eq!(connect(&edge, &files.authority, None).await.unwrap().ask(GET).await.0, 200);
    };
    tokio::join!(drip, ask);
    for wire in &mut dripping {
        assert_eq!(wire.rest().await, b"");
    }
    let refused: u64 = edge
        .refusals
        .take()
        .iter()
        .filter(|counted| counted.refusal == Refusal::HeadTimeout)
        .map(|counted| counted.times)
        .sum();
    assert_eq!(usize::try_from(refused).unwrap(), SLOW);
    // Idle is no offence.
    for wire in &mut idle {
        assert_eq!(wire.ask(GET).await.0, 200);
    }
}
