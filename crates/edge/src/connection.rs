//! One connection: whom it is from, what is spoken on it, and each request on it.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Service;

use crate::framing::Watched;
use crate::limits::Limits;
use crate::peer::{Peer, Scheme};
use crate::progress::{Noticed, Overdue, Progress};
use crate::proxy_protocol::{ProxyHeaderError, introduced};
use crate::refusals::{Refusal, Refusals};
use crate::request::Gate;
use crate::rules::Rules;
use crate::source::{Seat, Seats};
use crate::versions::{Agreed, Versions};

/// What all connections of a server share.
pub(crate) struct Shared<S, B> {
    pub(crate) versions: Versions,
    pub(crate) service: S,
    pub(crate) refuse: fn(StatusCode, &'static str) -> Response<B>,
    pub(crate) rules: Rules,
    pub(crate) limits: Limits,
    pub(crate) seats: Seats,
    pub(crate) refusals: Refusals,
}

type Socket = Noticed<TcpStream>;

/// What a connection speaks below HTTP.
enum Spoken {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

/// Why a connection ends before its first request.
enum Ended {
    /// It was turned away.
    Refused(IpAddr, Refusal),
    /// The other side went away without having said anything wrong.
    Left,
}

impl<S, B> Shared<S, B>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    /// Whether a connection from that address may begin.
    pub(crate) fn judge(&self, address: IpAddr) -> Result<(), Refusal> {
        if self.rules.proxies.networks.contains(address) {
            Ok(())
        } else if self.rules.is_for_proxies_only() {
            Err(Refusal::NotAProxy)
        } else if self.rules.admits(address) {
            Ok(())
        } else {
            Err(Refusal::Source)
        }
    }

    /// Serves the connection to its end.
    pub(crate) async fn serve(self: Arc<Self>, stream: TcpStream, address: IpAddr, watcher: Watcher) {
        let progress = Progress::new();
        let mut stream = Noticed::new(stream, Arc::clone(&progress));
        let from_proxy = self.rules.proxies.networks.contains(address);
        let opening = async {
            let (peer, seat) = self.introduce(&mut stream, address, from_proxy).await?;
            let Some(tls) = &self.rules.tls else { return Ok((seat, peer, Spoken::Plain(stream))) };
            let accepted = TlsAcceptor::from(tls.current()).accept(stream).await;
            let stream = accepted.map_err(|error| handshake_failure(&error, peer.address))?;
            let chain = stream.get_ref().1.peer_certificates();
            let leaf = chain.and_then(<[_]>::first).map(|leaf| Arc::new(leaf.clone().into_owned()));
            let peer = Peer { scheme: Scheme::Https, certificate: leaf, ..peer };
            Ok((seat, peer, Spoken::Tls(Box::new(stream))))
        };
        // Boxed, and so is what follows: a connection that is idle holds what it needs then and nothing else.
        let opened = tokio::time::timeout(self.limits.handshake_timeout, Box::pin(opening)).await;
        match opened.unwrap_or(Err(Ended::Refused(address, Refusal::HandshakeTimeout))) {
            Ok((_seat, peer, Spoken::Plain(stream))) => {
                self.speak(Agreed::Either, stream, peer, progress, watcher).await;
            }
            Ok((_seat, peer, Spoken::Tls(stream))) => {
                let agreed = Agreed::over_tls(stream.get_ref().1.alpn_protocol());
                self.speak(agreed, stream, peer, progress, watcher).await;
            }
            Err(Ended::Refused(source, refusal)) => self.refusals.note(source, refusal),
            Err(Ended::Left) => {}
        }
    }

    /// Finds out whom the connection is from.
    async fn introduce(
        &self,
        stream: &mut Socket,
        address: IpAddr,
        from_proxy: bool,
    ) -> Result<(Peer, Option<Seat>), Ended> {
        let mut peer = Peer { by_proxy: from_proxy, ..Peer::new(address, Scheme::Http) };
        if from_proxy && self.rules.proxies.proxy_protocol {
            let told = introduced(stream).await.map_err(|error| match error {
                ProxyHeaderError::Io(_) => Ended::Left,
                ProxyHeaderError::Malformed => Ended::Refused(address, Refusal::ProxyHeader),
            })?;
            peer.scheme = told.scheme.unwrap_or(peer.scheme);
            if let Some(client) = told.address {
                peer.address = client;
                if !self.rules.admits(client) {
                    return Err(Ended::Refused(client, Refusal::Source));
                }
            }
        }
        if peer.address.is_loopback() || (from_proxy && peer.address == address) {
            return Ok((peer, None));
        }
        let seat = self.seats.take(peer.address);
        let seat = seat.ok_or(Ended::Refused(peer.address, Refusal::SourceConnections))?;
        Ok((peer, Some(seat)))
    }

    /// Takes requests until the connection ends.
    async fn speak<I>(
        self: &Arc<Self>,
        agreed: Agreed,
        io: I,
        peer: Peer,
        progress: Arc<Progress>,
        watcher: Watcher,
    ) where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let address = peer.address;
        let io = Watched::new(io, Arc::clone(&progress));
        let gate = Gate::new(Arc::clone(self), peer, Arc::clone(&progress));
        let service = service_fn(move |request: Request<Incoming>| gate.pass(request));
        let served = self.versions.serve(agreed, io, service, watcher);
        tokio::select! {
            // First, since it is what the other has to look at.
            biased;
            ended = served => if let Err(error) = ended {
                if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
                    self.refusals.note(address, Refusal::NotHttp);
                }
                tracing::debug!(%address, %error, "a connection ended early");
            },
            overdue = progress.overdue(&self.limits) => match overdue {
                Overdue::Head => self.refusals.note(address, Refusal::HeadTimeout),
                Overdue::Silence => tracing::debug!(%address, "a connection was silent for too long"),
            },
        }
    }
}

fn handshake_failure(error: &io::Error, source: IpAddr) -> Ended {
    match error.kind() {
        // A scan of open ports, or a health check that only connects.
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => Ended::Left,
        _ => Ended::Refused(source, Refusal::Handshake),
    }
}
