//! One connection. It is used for one question at a time, and never again after anything went wrong on it:
//! an answer that came late would be taken for the next one's.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::CertificateError;
use strongroom_core::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use crate::endpoint::Endpoint;
use crate::error::KmipError;
use crate::protocol::{BatchId, Fault, Reply, Request};
use crate::tls::{self, TlsFiles};
use crate::ttlv::message_length;

/// A connection to a server that was found good.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    endpoint: String,
    made: Instant,
    used: Instant,
    next: u64,
}

impl Connection {
    /// Connects and shakes hands, all within `limit`.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        files: &TlsFiles,
        limit: Duration,
    ) -> Result<Self, KmipError> {
        let deadline = Instant::now() + limit;
        let shown = endpoint.to_string();
        let late = |what| KmipError::TimedOut { endpoint: shown.clone(), what, limit };
        let config = files.config()?;
        let connected = timeout_at(deadline, TcpStream::connect(endpoint.target())).await;
        let unreachable = |source| KmipError::Unreachable { endpoint: shown.clone(), source };
        let stream = connected.map_err(|_| late("take the connection"))?.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let shaking = TlsConnector::from(Arc::new(config)).connect(endpoint.name(), stream);
        let shaken = timeout_at(deadline, shaking).await;
        let stream = shaken
            .map_err(|_| late("shake hands"))?
            .map_err(|error| handshake_error(&shown, files, error))?;
        let now = Instant::now();
        Ok(Self { stream, endpoint: shown, made: now, used: now, next: 0 })
    }

    /// Asks and gives the message that came back, judged by `read`. The connection is only given back when
    /// the answer was to this very question; a refusal is one.
    pub(crate) async fn ask<T>(
        mut self,
        request: &Request<'_>,
        limit: Duration,
        read: impl FnOnce(&Reply<'_>) -> Result<T, Fault>,
    ) -> (Result<T, KmipError>, Option<Self>) {
        let id = BatchId(self.next.to_be_bytes());
        self.next = self.next.wrapping_add(1);
        let message = match timeout(limit, self.exchange(request, id)).await {
            Ok(Ok(message)) => message,
            Ok(Err(error)) => return (Err(error), None),
            Err(_) => {
                let endpoint = self.endpoint;
                return (Err(KmipError::TimedOut { endpoint, what: "answer", limit }), None);
            }
        };
        let judged = Reply::judge(&message, request, id).and_then(|reply| read(&reply));
        match judged {
            Ok(told) => {
                self.used = Instant::now();
                (Ok(told), Some(self))
            }
            Err(fault) => {
                let endpoint = self.endpoint.clone();
                let kept = matches!(fault, Fault::Refused { .. }).then_some(self);
                (Err(KmipError::Answer { endpoint, fault }), kept)
            }
        }
    }

    /// Sends a request and receives a whole message, which is wiped when dropped.
    async fn exchange(
        &mut self,
        request: &Request<'_>,
        id: BatchId,
    ) -> Result<Zeroizing<Vec<u8>>, KmipError> {
        let broken = |source: io::Error| KmipError::Broken { endpoint: self.endpoint.clone(), source };
        let question = request.encode(id);
        self.stream.write_all(&question).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)?;
        let mut header = [0; 8];
        // That nothing came at all is told apart from an answer that was cut short.
        let first = self.stream.read(&mut header).await.map_err(broken)?;
        if first == 0 {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        let cut = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => KmipError::Truncated { endpoint: self.endpoint.clone() },
            _ => KmipError::Broken { endpoint: self.endpoint.clone(), source: error },
        };
        self.stream.read_exact(header.get_mut(first..).unwrap_or_default()).await.map_err(cut)?;
        let length = message_length(header).map_err(|error| KmipError::Answer {
            endpoint: self.endpoint.clone(),
            fault: Fault::Malformed(error),
        })?;
        let mut message = Zeroizing::new(vec![0; length]);
        let (front, rest) = message.split_at_mut(header.len());
        front.copy_from_slice(&header);
        self.stream.read_exact(rest).await.map_err(cut)?;
        Ok(message)
    }

    /// Whether it may be used again: young enough, and silent. A server says nothing unasked, so whatever
    /// there is to read is an end, or an answer to something that was given up.
    pub(crate) fn is_fit(&self, longest_idle: Duration, longest_life: Duration) -> bool {
        let (tcp, tls) = self.stream.get_ref();
        let mut byte = [0];
        let silent =
            matches!(tcp.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        silent
            && !tls.wants_write()
            && self.used.elapsed() < longest_idle
            && self.made.elapsed() < longest_life
    }

    /// The server it leads to.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Until when the server's certificate is good.
    pub(crate) fn server_certificate_ends(&self) -> Option<Timestamp> {
        self.stream.get_ref().1.peer_certificates()?.first().and_then(tls::ends)
    }
}

fn handshake_error(endpoint: &str, files: &TlsFiles, error: io::Error) -> KmipError {
    let told = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match told {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => KmipError::ServerCertificateExpired { endpoint: endpoint.to_owned() },
        Some(rustls::Error::AlertReceived(rustls::AlertDescription::CertificateExpired)) => {
            KmipError::OwnCertificateExpired { path: files.certificate.clone() }
        }
        _ => KmipError::Handshake { endpoint: endpoint.to_owned(), source: error },
    }
}
