//! Open-loop load: requests are due at a fixed rate, whether the last ones have been answered or not. What is
//! late because the server is counts as the server's latency.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use async_channel::{Receiver, Sender};
use tokio::task::{JoinSet, yield_now};

use super::connection::Connection;
use super::cores::Core;
use super::figures::Slice;
use super::load::Load;
use super::stage::runtime;

/// What the server says when it has no capacity left, or the caller sends too much.
const TURNED_AWAY: [u16; 2] = [429, 503];

/// What is offered.
#[derive(Clone)]
pub(super) struct Offer {
    /// Its connections bound the requests that are under way at once; those that break are opened anew.
    load: Load,
    /// Requests due in each second.
    per_second: f64,
    /// How long its begin is, which is not measured.
    begin: Duration,
    core: Core,
}

/// How long fresh connections and cold caches show.
const BEGIN: Duration = Duration::from_millis(100);

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct Offered {
    /// Right answers after the begin, with the time since each request was due.
    pub(super) accepted: Slice,
    /// Requests that were answered 503 or 429.
    pub(super) refused: u32,
    /// Requests that had another answer, or none.
    pub(super) failed: u32,
    /// What the first of those came to.
    pub(super) complaint: Option<String>,
}

/// A request that is due: which one, and since when.
struct Due {
    turn: usize,
    since: Instant,
}

impl Offer {
    /// That load, as many requests of it as are due in each second.
    pub(super) fn new(load: Load, per_second: f64) -> Self {
        Self { load, per_second, begin: Duration::ZERO, core: Core::Shared }
    }

    /// The same load from such a core.
    pub(super) fn on(self, core: Core) -> Self {
        Self { core, ..self }
    }

    /// The same load once it goes on steadily.
    pub(super) fn steady(self) -> Self {
        Self { begin: BEGIN, ..self }
    }

    /// Offers it for that long, all of which is to be answered.
    pub(super) fn run_all(&self, duration: Duration) -> Result<Slice> {
        let offered = self.run(duration)?;
        ensure!(offered.unanswered() == 0.0, "not answered: {:?}", offered.complaint);
        Ok(offered.accepted)
    }

    /// Offers it for that long after its begin, from a single thread, and one that keeps time where the core may rest.
    pub(super) fn run(&self, duration: Duration) -> Result<Offered> {
        let Load { endpoint, connections, .. } = &self.load;
        let whole = self.begin + duration;
        runtime()?.block_on(async {
            let mut opened = Vec::with_capacity(*connections);
            for _ in 0..*connections {
                opened.push(Connection::open(endpoint).await?);
            }
            let (due, taken) = async_channel::unbounded();
            let begun = Instant::now();
            let mut askers = JoinSet::new();
            for connection in opened {
                let measured = begun + self.begin..begun + whole;
                askers.spawn(ask(self.load.clone(), measured, taken.clone(), connection));
            }
            let interval = Duration::from_secs_f64(1.0 / self.per_second);
            let mut pace = Pace { due, begun, interval, whole, turn: 0, at: Duration::ZERO };
            let mut pacer = None;
            match self.core {
                Core::Shared => pacer = Some(thread::spawn(move || pace.keep())),
                Core::Own => {
                    askers.spawn(async move {
                        pace.keep_awake().await;
                        Ok(Offered::default())
                    });
                }
            }
            let mut offered = Offered::default();
            while let Some(asker) = askers.join_next().await {
                offered.merge(asker.context("a task of the load failed")??);
            }
            offered.accepted.elapsed = begun.elapsed().saturating_sub(self.begin);
            if let Some(pacer) = pacer {
                pacer.join().map_err(|_| anyhow::anyhow!("the thread that keeps time panicked"))?;
            }
            Ok(offered)
        })
    }
}

/// Says when each request is due.
struct Pace {
    due: Sender<Due>,
    begun: Instant,
    interval: Duration,
    whole: Duration,
    turn: usize,
    /// When the next is due, from the begin.
    at: Duration,
}

impl Pace {
    /// On a thread of its own: the runtime's timers tell whole milliseconds, and would make bursts of what is to come
    /// evenly.
    fn keep(&mut self) {
        while self.at < self.whole {
            thread::sleep((self.begun + self.at).saturating_duration_since(Instant::now()));
            if !self.tell() {
                return;
            }
        }
    }

    /// Where a thread of its own would have to wait for the one that never rests.
    async fn keep_awake(&mut self) {
        while self.at < self.whole {
            if Instant::now() < self.begun + self.at {
                yield_now().await;
            } else if !self.tell() {
                return;
            }
        }
    }

    /// Says that one is due; `false` when nobody asks any more.
    fn tell(&mut self) -> bool {
        // Its own lateness is nobody's.
        let told = self.due.try_send(Due { turn: self.turn, since: Instant::now() });
        self.turn += 1;
        self.at += self.interval;
        told.is_ok()
    }
}

impl Offered {
    /// Every request that was sent.
    pub(super) fn total(&self) -> f64 {
        let accepted = u32::try_from(self.accepted.latencies.len()).map_or(f64::NAN, f64::from);
        accepted + f64::from(self.refused) + f64::from(self.failed)
    }

    /// The requests that had no right answer.
    pub(super) fn unanswered(&self) -> f64 {
        f64::from(self.refused) + f64::from(self.failed)
    }

    /// Adds what was offered in another time.
    pub(super) fn append(&mut self, mut other: Self) {
        self.accepted.append(std::mem::take(&mut other.accepted));
        self.count(other);
    }

    /// Adds what another connection had in the same time.
    fn merge(&mut self, mut other: Self) {
        self.accepted.merge(std::mem::take(&mut other.accepted));
        self.count(other);
    }

    fn count(&mut self, other: Self) {
        self.refused += other.refused;
        self.failed += other.failed;
        self.complaint = self.complaint.take().or(other.complaint);
    }

    fn fail(&mut self, error: &anyhow::Error) {
        self.failed += 1;
        self.complaint.get_or_insert_with(|| format!("{error:#}"));
    }
}

async fn ask(
    load: Load,
    measured: Range<Instant>,
    due: Receiver<Due>,
    connection: Connection,
) -> Result<Offered> {
    let mut offered = Offered::default();
    let mut kept = Some(connection);
    while let Ok(Due { turn, since }) = due.recv().await {
        if Instant::now() >= measured.end {
            break;
        }
        let exchange = load.exchanges.get(turn % load.exchanges.len()).context("nothing to send")?;
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => match Connection::open(&load.endpoint).await {
                Ok(connection) => connection,
                Err(error) => {
                    offered.fail(&error);
                    continue;
                }
            },
        };
        match connection.ask(&exchange.request).await {
            Ok(answer) => {
                let is_last = answer.is_last;
                if TURNED_AWAY.contains(&answer.status) {
                    offered.refused += 1;
                } else {
                    match exchange.expected.check(&answer) {
                        Ok(()) if since < measured.start => {}
                        Ok(()) => offered.accepted.latencies.push(since.elapsed()),
                        Err(error) => offered.fail(&error),
                    }
                }
                kept = (!is_last).then_some(connection);
            }
            Err(error) => offered.fail(&error),
        }
    }
    Ok(offered)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;

    use super::*;
    use crate::bench::endpoint::Endpoint;
    use crate::bench::exchange::{Exchange, Expected};
    use crate::bench::floor::{self, Recorded};

    fn offer(endpoint: Endpoint) -> Offer {
        let request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n".into();
        let exchanges = Arc::new([Exchange { request, expected: Expected::Body("right".into()) }]);
        Offer::new(Load { endpoint, exchanges, connections: 4 }, 200.0)
    }

    #[test]
    fn what_is_due_is_sent_and_each_request_is_one_of_three_kinds() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        for (status, body, expected) in [
            (200, "right", [true, false, false]),
            (503, "right", [false, true, false]),
            (200, "wrong", [false, false, true]),
        ] {
            let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
            let endpoint = Endpoint::http(listener.local_addr().unwrap());
            let mut answer = Recorded::for_test(body).response().unwrap();
            *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
            runtime.spawn(async move { floor::answer_all(&listener, &answer, None).await.ok() });
            let steady = offer(endpoint.clone()).steady().run(Duration::ZERO).unwrap();
            assert!(steady.accepted.latencies.is_empty(), "what comes first is not measured");
            let offered = offer(endpoint).run(Duration::from_millis(250)).unwrap();
            let found = [!offered.accepted.latencies.is_empty(), offered.refused > 0, offered.failed > 0];
            assert_eq!(found, expected, "{:?}", offered.complaint);
            // A busy machine may have sent fewer in the time, but never more than were due.
            assert!(offered.total() <= 50.0, "{}", offered.total());
        }
    }

    #[test]
    fn a_server_that_is_not_there_fails_an_offer() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(offer(Endpoint::http(closed)).run(Duration::from_millis(10)).is_err());
    }
}
