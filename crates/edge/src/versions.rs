//! The versions of HTTP that a connection can speak.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::limits::Limits;

/// Most bytes of a request's head.
const MOST_HEAD: u32 = 64 * 1024;
/// Most requests under way at once on a connection of HTTP/2.
const MOST_STREAMS: u32 = 128;

/// Why a connection was served no longer.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
/// A connection that is being served, to its end.
pub(crate) type Served = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// What both sides of a connection have agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreed {
    /// HTTP/1 alone.
    Http1,
    /// Whatever the client begins with.
    Either,
}

impl Agreed {
    /// Over TLS, by the name of the protocol that was settled there, if any was: HTTP/2 is to be settled so (RFC 9113,
    /// section 3.2), and without it a client speaks HTTP/1.
    pub(crate) fn over_tls(alpn: Option<&[u8]>) -> Self {
        if alpn == Some(b"h2") { Self::Either } else { Self::Http1 }
    }
}

/// Serves connections.
pub(crate) struct Versions {
    /// For HTTP/1 alone, which is most of them: what the other sets aside for HTTP/2 is more than this takes in all.
    http1: http1::Builder,
    either: auto::Builder<TokioExecutor>,
}

impl Versions {
    pub(crate) fn new(limits: &Limits) -> Self {
        let longest = usize::try_from(MOST_HEAD).unwrap_or(usize::MAX);
        let mut http1 = http1::Builder::new();
        // What takes too long is found elsewhere, with one timer for a connection rather than one for a request.
        http1.header_read_timeout(None).max_buf_size(longest);
        let mut either = auto::Builder::new(TokioExecutor::new());
        either
            .http1()
            .header_read_timeout(None)
            .max_buf_size(longest)
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MOST_STREAMS)
            .max_header_list_size(MOST_HEAD)
            .keep_alive_interval(limits.idle_timeout / 2)
            .keep_alive_timeout(limits.write_timeout);
        Self { http1, either }
    }

    /// Serves a connection until it ends, or the watcher tells it to.
    pub(crate) fn serve<I, S, B>(&self, agreed: Agreed, io: I, service: S, watcher: Watcher) -> Served
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>
            + Send
            + 'static,
        B: Body<Data: Send, Error: Error + Send + Sync> + Send + 'static,
    {
        let io = TokioIo::new(io);
        match agreed {
            Agreed::Http1 => {
                let served = watcher.watch(self.http1.serve_connection(io, service));
                Box::pin(async { served.await.map_err(BoxError::from) })
            }
            Agreed::Either => Box::pin(watcher.watch(self.either.serve_connection(io, service).into_owned())),
        }
    }
}
