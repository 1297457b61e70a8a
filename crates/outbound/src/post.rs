use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::uri::Scheme;
use http::{HeaderName, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::error::{SendError, SetUpError};
use crate::tls::{Tls, TlsFiles};

/// Most bytes of an answer that are looked at.
const LONGEST_ANSWER: usize = 64 << 10;

/// Posts to one URL, each time on a connection of its own.
pub struct Post {
    address: String,
    authority: String,
    path: String,
    tls: Option<Tls>,
}

impl Post {
    /// To that URL. Without TLS only to this machine, for what is sent says who did what.
    pub fn new(url: &str, files: &TlsFiles) -> Result<Self, SetUpError> {
        let refused = |problem| SetUpError::Address { address: url.to_owned(), problem };
        let uri: Uri = url.parse().map_err(|_| refused("no URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(refused("no https URL"));
        };
        if authority.as_str().contains('@') {
            return Err(refused("a URL with a password, which does not belong into settings"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let local = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let (tls, port) = match scheme {
            scheme if *scheme == Scheme::HTTPS => (Some(Tls::new(files, host)?), 443),
            scheme if *scheme == Scheme::HTTP && local => (None, 80),
            _ => return Err(refused("neither an https URL nor an http one on this machine")),
        };
        Ok(Self {
            address: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(port)),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            tls,
        })
    }

    /// Sends a body; gives the answer's body when its status is a good one.
    pub async fn send(
        &self,
        content_type: &str,
        headers: &[(HeaderName, String)],
        body: Vec<u8>,
    ) -> Result<Bytes, SendError> {
        let mut request =
            Request::post(&self.path).header(HOST, &self.authority).header(CONTENT_TYPE, content_type);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (status, answer) = match &self.tls {
            Some(tls) => exchange(tls.connect(stream).await?, request).await?,
            None => exchange(stream, request).await?,
        };
        if status.is_success() { Ok(answer) } else { Err(SendError::Status(status)) }
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), SendError> {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let asking = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        // What is longer is no answer that says anything here.
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        Ok((status, body.map(http_body_util::Collected::to_bytes).unwrap_or_default()))
    };
    let mut asking = std::pin::pin!(asking);
    tokio::select! {
        answered = &mut asking => answered,
        ended = connection => {
            ended?;
            asking.await
        }
    }
}
