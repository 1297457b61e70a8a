//! What the edge asks of each request before the service sees it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{CONNECTION, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower::{Service, ServiceExt as _};

use crate::connection::Shared;
use crate::forwarded::{is_forwarded, scheme};
use crate::peer::Peer;
use crate::progress::Progress;
use crate::refusals::Refusal;
use crate::source::source;

/// The way in for the requests of one connection.
pub(crate) struct Gate<S, B> {
    shared: Arc<Shared<S, B>>,
    /// Whom the connection is from.
    peer: Peer,
    /// Requests that have come.
    number: AtomicU64,
    progress: Arc<Progress>,
}

/// A request that is turned away.
struct TurnedAway {
    peer: Peer,
    refusal: Refusal,
    /// Whole seconds to wait before another attempt.
    wait: Option<u64>,
}

impl<S, B> Gate<S, B> {
    pub(crate) fn new(shared: Arc<Shared<S, B>>, peer: Peer, progress: Arc<Progress>) -> Self {
        Self { shared, peer, number: AtomicU64::new(0), progress }
    }

    /// Hands a request on, with its [`Peer`], or answers it.
    pub(crate) fn pass<A>(
        &self,
        mut request: Request<A>,
    ) -> impl Future<Output = Result<Response<B>, Infallible>> + use<S, A, B>
    where
        S: Service<Request<A>, Response = Response<B>, Error = Infallible> + Clone,
    {
        self.progress.request();
        let Shared { service, refuse, refusals, .. } = &*self.shared;
        let judged = self.judge(&request);
        // What comes after such a body is not believed: it is the shape of a request that is hidden in another.
        let last = request.headers().contains_key(TRANSFER_ENCODING);
        let passed = match judged {
            Ok(peer) => {
                request.extensions_mut().insert(peer);
                Ok(service.clone().oneshot(request))
            }
            Err(away) => {
                refusals.note(away.peer.address, away.refusal);
                Err(answer(&away, *refuse))
            }
        };
        async move {
            let mut response = match passed {
                Ok(response) => response.await?,
                Err(response) => response,
            };
            if last {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        }
    }

    fn judge<A>(&self, request: &Request<A>) -> Result<Peer, TurnedAway> {
        let headers = request.headers();
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let away = |peer: Peer, refusal| TurnedAway { peer, refusal, wait: None };
        let peer = self.client(headers).map_err(|refusal| away(self.peer.clone(), refusal))?;
        if !self.shared.rules.admits(peer.address) {
            return Err(away(peer, Refusal::Source));
        }
        if let Some(wait) = self.shared.rules.lock_outs.source(peer.address) {
            return Err(TurnedAway { peer, refusal: Refusal::LockedOut, wait: Some(wait.as_secs() + 1) });
        }
        if self.progress.is_doubtful(number) || !is_plainly_chunked(headers) {
            return Err(away(peer, Refusal::Framing));
        }
        if let Some(limiter) = &self.shared.rules.source_rate
            && let Err(wait) = limiter.take(&source(peer.address))
        {
            return Err(TurnedAway { peer, refusal: Refusal::SourceRate, wait: Some(wait.as_secs() + 1) });
        }
        Ok(peer)
    }

    /// Whom the request is from.
    fn client(&self, headers: &HeaderMap) -> Result<Peer, Refusal> {
        let mut peer = self.peer.clone();
        let proxies = &self.shared.rules.proxies;
        if !is_forwarded(headers) {
            return Ok(peer);
        }
        if self.peer.by_proxy {
            let told = proxies.headers.read(headers, &proxies.networks).map_err(|_| Refusal::Forwarded)?;
            // A PROXY header tells the address of whoever holds the connection; headers add the rest.
            if let Some(address) = told.address.filter(|_| !proxies.proxy_protocol) {
                peer.address = address;
            }
            peer.scheme = told.scheme.unwrap_or(peer.scheme);
            peer.host = told.host;
        } else if proxies.networks.is_empty() && peer.address.is_loopback() {
            // As the reference has it, and it changes nothing but the scheme of references in the answer.
            peer.scheme = scheme(headers).unwrap_or(peer.scheme);
        } else {
            return Err(Refusal::Forwarded);
        }
        Ok(peer)
    }
}

/// Whether the body is sent as it is, or in chunks and in no other way besides.
fn is_plainly_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    codings.next().is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        && codings.next().is_none()
}

fn answer<B>(away: &TurnedAway, refuse: fn(StatusCode, &'static str) -> Response<B>) -> Response<B> {
    let (status, message) = match away.refusal {
        Refusal::Source => (StatusCode::FORBIDDEN, "Requests from this network are not allowed."),
        Refusal::LockedOut => (
            StatusCode::FORBIDDEN,
            "Requests from this address are refused for a while, after what it has done.",
        ),
        Refusal::SourceRate => (StatusCode::TOO_MANY_REQUESTS, "Too many requests from this address."),
        Refusal::Framing => (
            StatusCode::BAD_REQUEST,
            "A request tells its length by Content-Length or is sent in chunks, not both and nothing else.",
        ),
        _ => (
            StatusCode::BAD_REQUEST,
            "Forwarding headers are taken from the proxies that this service knows, and from nobody else.",
        ),
    };
    let mut response = refuse(status, message);
    match away.wait {
        Some(wait) => response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait)),
        // Whoever goes on after such a request is to begin anew.
        None => response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close")),
    };
    response
}
