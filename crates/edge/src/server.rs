//! Connections: accepted up to a limit, finished before the server stops.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

use crate::connection::Shared;
use crate::connections::Connections;
use crate::limits::Limits;
use crate::refusals::Refusals;
use crate::rules::Rules;
use crate::source::Seats;
use crate::versions::Versions;

/// How a server stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// Every request was finished.
    Drained,
    /// Some were still unfinished when the time was up.
    TimedOut,
}

/// Serves a tower service on a listener. Each request carries a [`Peer`](crate::Peer) as an extension.
pub struct Server<S, B> {
    listener: TcpListener,
    service: S,
    refuse: fn(StatusCode, &'static str) -> Response<B>,
    rules: Rules,
    limits: Limits,
    refusals: Refusals,
    connections: Connections,
}

impl<S, B> Server<S, B>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    /// A server on an open listener. Nothing is accepted until [`Self::run`]. `refuse` makes the answer to
    /// whom the edge turns away, in the words of the service's own protocol.
    pub fn new(
        listener: TcpListener,
        service: S,
        refuse: fn(StatusCode, &'static str) -> Response<B>,
        rules: Rules,
        limits: Limits,
        refusals: Refusals,
    ) -> Self {
        let connections = Connections::default();
        Self { listener, service, refuse, rules, limits, refusals, connections }
    }

    /// The same server, counting its connections there.
    #[must_use]
    pub fn counting(self, connections: Connections) -> Self {
        Self { connections, ..self }
    }

    /// Serves until `stop` completes, then takes no new connection, lets requests finish, and returns. `idle`
    /// completes once the service works on none.
    pub async fn run(self, stop: impl Future<Output = ()>, idle: impl Future<Output = ()>) -> Stopping {
        let Self { listener, service, refuse, rules, limits, refusals, connections } = self;
        let tls = rules.tls.clone();
        let follow = async move {
            match tls {
                Some(tls) => tls.follow().await,
                None => std::future::pending().await,
            }
        };
        let following = tokio::spawn(follow);
        let slots = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        let drain_timeout = limits.drain_timeout;
        let shared = Arc::new(Shared {
            versions: Versions::new(&limits),
            service,
            refuse,
            rules,
            seats: Seats::new(limits.source_connections),
            limits,
            refusals,
        });
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accept(&listener, &slots) => accepted,
            };
            let Ok((stream, address, slot)) = accepted else {
                // Out of descriptors, most likely: give the connections at hand time to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let open = connections.begin();
            let address = address.ip().to_canonical();
            if let Err(refusal) = shared.judge(address) {
                shared.refusals.note(address, refusal);
                continue;
            }
            let (shared, watcher) = (Arc::clone(&shared), graceful.watcher());
            tokio::spawn(async move {
                shared.serve(stream, address, watcher).await;
                drop((slot, open));
            });
        }
        drop(listener);
        following.abort();
        let finish = async {
            graceful.shutdown().await;
            idle.await;
        };
        match tokio::time::timeout(drain_timeout, finish).await {
            Ok(()) => Stopping::Drained,
            Err(_) => Stopping::TimedOut,
        }
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, slot))
}
