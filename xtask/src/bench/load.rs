//! Closed-loop load: each connection sends its next request when the answer to the last is read and checked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use tokio::runtime::{self, Runtime};
use tokio::task::JoinSet;

use super::connection::Connection;
use super::cores::Core;
use super::endpoint::Endpoint;
use super::exchange::Exchange;
use super::figures::Slice;

/// What to send, where and over how many connections.
#[derive(Clone)]
pub(super) struct Load {
    /// The server.
    pub(super) endpoint: Endpoint,
    /// Sent in turn, again and again.
    pub(super) exchanges: Arc<[Exchange]>,
    /// Keep-alive connections that send at the same time.
    pub(super) connections: usize,
}

/// When a slice of load ends.
#[derive(Clone, Copy)]
pub(super) enum Until {
    /// After this long.
    Elapsed(Duration),
    /// After that many exchanges.
    Count(usize),
}

impl Load {
    /// Sends until the end; fails on the first wrong answer. One thread a core, each with its own
    /// connections, as dedicated load generators do it.
    pub(super) fn run(&self, until: Until) -> Result<Slice> {
        self.run_on(Core::Shared, until)
    }

    /// The same, from cores that are such.
    pub(super) fn run_on(&self, core: Core, until: Until) -> Result<Slice> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(self.connections);
        let turn = Arc::new(AtomicUsize::new(0));
        let ready = Barrier::new(threads);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|thread| {
                    let connections = (thread..self.connections).step_by(threads).count();
                    let (turn, ready) = (Arc::clone(&turn), &ready);
                    scope.spawn(move || self.run_thread(core, connections, until, &turn, ready))
                })
                .collect();
            let mut total = Slice::default();
            for worker in workers {
                total.merge(worker.join().map_err(|_| anyhow!("a load thread panicked"))??);
            }
            Ok(total)
        })
    }

    fn run_thread(
        &self,
        core: Core,
        connections: usize,
        until: Until,
        turn: &Arc<AtomicUsize>,
        ready: &Barrier,
    ) -> Result<Slice> {
        let opened = self.open(connections);
        // Every thread passes here, those that failed as well: the others would wait for ever.
        ready.wait();
        let start = Instant::now();
        let limits = match until {
            Until::Elapsed(duration) => (start.checked_add(duration), usize::MAX),
            Until::Count(count) => (None, count),
        };
        let (runtime, opened) = opened?;
        let latencies = runtime.block_on(core.run(async {
            let mut workers = JoinSet::new();
            for connection in opened {
                let (exchanges, turn) = (Arc::clone(&self.exchanges), Arc::clone(turn));
                workers.spawn(converse(connection, exchanges, turn, limits));
            }
            let mut latencies = Vec::new();
            while let Some(worker) = workers.join_next().await {
                latencies.append(&mut worker.context("a connection's task failed")??);
            }
            anyhow::Ok(latencies)
        }))?;
        Ok(Slice { elapsed: start.elapsed(), latencies })
    }

    fn open(&self, connections: usize) -> Result<(Runtime, Vec<Connection>)> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let opened = runtime.block_on(async {
            let mut opened = Vec::with_capacity(connections);
            for _ in 0..connections {
                opened.push(Connection::open(&self.endpoint).await?);
            }
            anyhow::Ok(opened)
        })?;
        Ok((runtime, opened))
    }
}

async fn converse(
    mut connection: Connection,
    exchanges: Arc<[Exchange]>,
    turn: Arc<AtomicUsize>,
    (deadline, count): (Option<Instant>, usize),
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let mut now = Instant::now();
    while deadline.is_none_or(|deadline| now < deadline) {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        if turn >= count {
            break;
        }
        let exchange = exchanges.get(turn % exchanges.len()).context("nothing to send")?;
        let answer = connection.ask(&exchange.request).await?;
        let answered = Instant::now();
        exchange.expected.check(&answer)?;
        latencies.push(answered.duration_since(now));
        now = Instant::now();
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use super::*;
    use crate::bench::exchange::Expected;
    use crate::bench::floor::{self, Recorded};

    fn load(address: SocketAddr, expected: &'static str) -> Load {
        let request = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc".into();
        let exchange = Exchange { request, expected: Expected::Body(expected.into()) };
        Load { endpoint: Endpoint::http(address), exchanges: Arc::new([exchange]), connections: 5 }
    }

    #[test]
    fn right_answers_are_counted_and_one_wrong_answer_fails() {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Recorded::for_test("right").response().unwrap();
        runtime.spawn(async move { floor::answer_all(&listener, &answer, None).await.ok() });

        assert_eq!(load(address, "right").run(Until::Count(101)).unwrap().latencies.len(), 101);
        let slice = load(address, "right").run(Until::Elapsed(Duration::from_millis(50))).unwrap();
        assert!(slice.latencies.len() > 5, "{}", slice.latencies.len());
        assert!(slice.elapsed >= Duration::from_millis(50));
        let error = load(address, "wrong").run(Until::Count(101)).unwrap_err().to_string();
        assert_eq!(error, "wrong answer: status 200 where 200 is right, body: right");
    }

    #[test]
    fn a_server_that_is_not_there_fails_a_slice_rather_than_hang_it() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(load(closed, "right").run(Until::Count(8)).is_err());
    }
}
