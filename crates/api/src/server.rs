//! Connections: accepted up to a limit, dropped when too slow, finished before the server stops.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower::service_fn;
use tower::{Service, ServiceExt as _};

use crate::answer::Reply;
use crate::pipeline::Api;

/// How patient the server is, and how much it takes on.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// Connections served at once; more wait in the system's queue.
    pub connections: usize,
    /// How long a new connection may take until the head of its first request has arrived.
    pub header_timeout: Duration,
    /// How long a connection may take from the end of one request until the head of the next has arrived, or
    /// stay silent within one.
    pub idle_timeout: Duration,
    /// How long a client may refuse to take its answer.
    pub write_timeout: Duration,
    /// How long requests may take to finish once the server is told to stop.
    pub drain_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

/// How a server stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// Every request was finished.
    Drained,
    /// Some were still unfinished when the time was up.
    TimedOut,
}

/// Serves an [`Api`] on a listener.
pub struct Server {
    listener: TcpListener,
    api: Api,
    limits: ServerLimits,
}

impl Server {
    /// A server on an open listener. Nothing is accepted until [`Self::run`].
    pub fn new(listener: TcpListener, api: Api, limits: ServerLimits) -> Self {
        Self { listener, api, limits }
    }

    /// Serves until `stop` completes, then takes no new connection, lets requests finish, and returns.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Stopping {
        let Self { listener, api, limits } = self;
        let idle = api.idle();
        let service = api.into_service::<Incoming>();
        let slots = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            // hyper counts the silence between requests in.
            .header_read_timeout(limits.idle_timeout)
            .max_buf_size(64 * 1024)
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .keep_alive_interval(limits.idle_timeout / 2)
            .keep_alive_timeout(limits.write_timeout);
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accept(&listener, &slots) => accepted,
            };
            let Ok((stream, peer, slot)) = accepted else {
                // Out of descriptors, most likely: give the connections at hand time to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let begun = Arc::new(AtomicBool::new(false));
            let hyper_service =
                TowerToHyperService::new(for_connection(service.clone(), peer, Arc::clone(&begun)));
            let io = TokioIo::new(patient(stream, &limits));
            let connection = builder.serve_connection(io, hyper_service).into_owned();
            let watched = graceful.watch(connection);
            tokio::spawn(async move {
                tokio::select! {
                    ended = watched => if let Err(error) = ended {
                        tracing::debug!(%peer, %error, "a connection ended early");
                    },
                    () = overdue(&begun, limits.header_timeout) => {
                        tracing::debug!(%peer, "a connection sent no request in time");
                    }
                }
                drop(slot);
            });
        }
        drop(listener);
        let finish = async {
            graceful.shutdown().await;
            idle.await;
        };
        match tokio::time::timeout(limits.drain_timeout, finish).await {
            Ok(()) => Stopping::Drained,
            Err(_) => Stopping::TimedOut,
        }
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, slot))
}

fn patient(stream: TcpStream, limits: &ServerLimits) -> std::pin::Pin<Box<TimeoutStream<TcpStream>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_read_timeout(Some(limits.idle_timeout));
    stream.set_write_timeout(Some(limits.write_timeout));
    Box::pin(stream)
}

/// Completes when a connection has not begun with a request in time. hyper's own limit does not cover the
/// bytes by which it tells the protocol's version.
async fn overdue(begun: &AtomicBool, patience: Duration) {
    tokio::time::sleep(patience).await;
    if begun.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

/// Tells each request which connection it came by, and notes that the connection has begun with one.
fn for_connection<S, B>(
    service: S,
    peer: SocketAddr,
    begun: Arc<AtomicBool>,
) -> impl Service<http::Request<B>, Response = Reply, Error = S::Error, Future: Send> + Clone + Send
where
    S: Service<http::Request<B>, Response = Reply, Future: Send> + Clone + Send,
    B: Send,
{
    service_fn(move |mut request: http::Request<B>| {
        begun.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer);
        service.clone().oneshot(request)
    })
}
