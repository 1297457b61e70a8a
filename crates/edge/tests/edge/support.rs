//! A running edge, and clients of it.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use strongroom_edge::{Limits, Peer, Refusal, Refusals, Rules, Server, Stopping};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::service_fn;

/// Longer than anything takes, on a busy machine as well.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A request that is as short as it can be.
pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: kms\r\n\r\n";

/// An edge on loopback.
pub(crate) struct Edge {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it has refused.
    pub(crate) refusals: Refusals,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Stopping>,
}

impl Edge {
    /// One with these rules.
    pub(crate) async fn start(rules: Rules) -> Self {
        Self::start_with(rules, Limits::default()).await
    }

    /// One with these rules and limits.
    pub(crate) async fn start_with(rules: Rules, limits: Limits) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let refusals = Refusals::new(Duration::from_hours(1));
        let server = Server::new(listener, service_fn(tell), refuse, rules, limits, refusals.clone());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async { stopped.await.unwrap_or(()) }, async {}));
        Self { address, refusals, stop, running }
    }

    /// A connection from loopback.
    pub(crate) async fn connect(&self) -> Wire<TcpStream> {
        self.connect_from(1).await
    }

    /// A connection from 127.0.0.`last`.
    pub(crate) async fn connect_from(&self, last: u8) -> Wire<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
        Wire(socket.connect(self.address).await.unwrap())
    }

    /// The one refusal so far, waiting for it if need be: what source, why, and how often.
    pub(crate) async fn refused(&self) -> (String, Refusal, u64) {
        let counted = loop {
            let counted = self.refusals.take();
            if !counted.is_empty() {
                break counted;
            }
            tokio::task::yield_now().await;
        };
        let [one] = counted[..] else { panic!("{counted:?}") };
        (one.source.unwrap().to_string(), one.refusal, one.times)
    }

    /// Tells it to stop, and how it did.
    pub(crate) async fn stop(self) -> Stopping {
        self.stop.send(()).unwrap();
        self.running.await.unwrap()
    }
}

/// Tells whom the request is from and what it carries.
async fn tell(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().unwrap();
    let certificate = peer.client_certificate().map(<[u8]>::len);
    let host = peer.host.as_ref().map(|host| host.as_str().to_owned());
    let told = format!("{} {} {host:?} {certificate:?}", peer.address, peer.scheme.as_str());
    let told = match body.collect().await {
        Ok(body) => format!("{told} {}", body.to_bytes().len()),
        Err(_) => "a broken body".to_owned(),
    };
    Ok(Response::new(Full::new(Bytes::from(told))))
}

fn refuse(status: StatusCode, why: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(why.as_bytes())));
    *response.status_mut() = status;
    response
}

/// A connection on which bytes are sent as they are.
pub(crate) struct Wire<S>(pub(crate) S);

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Sends bytes; the other side may have closed the connection.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.ok();
        self.0.flush().await.ok();
    }

    /// Sends a request; its answer's status and body.
    pub(crate) async fn ask(&mut self, request: impl AsRef<[u8]>) -> (u16, String) {
        self.send(request).await;
        let (status, _, body) = self.answer().await.expect("an answer");
        (status, body)
    }

    /// The next answer: status, head and body; `None` when the connection was closed instead.
    pub(crate) async fn answer(&mut self) -> Option<(u16, String, String)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = tokio::time::timeout(SOON, self.0.read_u8()).await.expect("it is silent");
            head.push(byte.ok()?);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        Some((status, head, String::from_utf8(body).unwrap()))
    }

    /// Waits until the other side has closed the connection, and gives what came before that.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset closes it as well.
        let closed = tokio::time::timeout(SOON, self.0.read_to_end(&mut rest)).await;
        closed.expect("it stays open").ok();
        rest
    }
}
