//! The floor: a bare hyper server that reads the request, answers with one recorded answer and does nothing
//! else. It runs in a process of its own, as the server does, and speaks TLS where that is compared.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::connection::Answer;
use super::endpoint::{Endpoint, Stream};
use super::process::Running;

/// Headers that hyper writes by itself.
const WRITTEN_BY_HYPER: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];

/// An answer of the server under test, to be given again and again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Recorded {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Recorded {
    /// Records an answer, so that the floor sends as many bytes as the server does.
    pub(super) fn new(answer: &Answer<'_>) -> Result<Self> {
        let text = std::str::from_utf8(answer.head)?;
        let headers = text
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| !WRITTEN_BY_HYPER.contains(&name.to_ascii_lowercase().as_str()))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self { status: answer.status, headers, body: String::from_utf8(answer.body.to_vec())? })
    }

    /// The answer as hyper sends it.
    pub(super) fn response(self) -> Result<Response<Full<Bytes>>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = StatusCode::from_u16(self.status)?;
        for (name, value) in self.headers {
            response.headers_mut().append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        Ok(response)
    }

    /// A plain answer with that body.
    #[cfg(test)]
    pub(super) fn for_test(body: &str) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.to_owned() }
    }
}

/// A certificate and its key, in PEM files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

impl Pair {
    /// Those that a first run of the server made in its data folder.
    pub(super) fn of(data: &Path) -> Self {
        Self { certificate: data.join("tls/certificate.pem"), key: data.join("tls/key.pem") }
    }
}

/// What a floor server is told.
#[derive(Serialize, Deserialize)]
struct Orders {
    answer: Recorded,
    pair: Option<Pair>,
}

/// A floor server in a process of its own, ended when dropped.
pub(super) struct Floor {
    /// Where it answers.
    pub(super) endpoint: Endpoint,
    process: Running,
}

impl Floor {
    /// Starts one that gives this answer, over TLS when there is a certificate for it.
    pub(super) fn start(answer: &Recorded, pair: Option<&Pair>) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("floor-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start the floor server")?;
        let input = child.stdin.take().context("the floor server has no input")?;
        let output = child.stdout.take().context("the floor server has no output")?;
        let process = Running(child);
        serde_json::to_writer(input, &Orders { answer: answer.clone(), pair: pair.cloned() })?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let address: SocketAddr = address.trim().parse().context("the floor server did not start")?;
        let endpoint = match pair {
            Some(pair) => Endpoint::https(address, &pair.certificate)?,
            None => Endpoint::http(address),
        };
        Ok(Self { endpoint, process })
    }

    /// Its resident memory, in MiB.
    pub(super) fn resident_mib(&self) -> Result<f64> {
        self.process.resident_mib()
    }
}

/// Reads the answer from standard input, prints the address and serves for ever.
pub(crate) fn serve() -> Result<()> {
    let orders: Orders = serde_json::from_reader(std::io::stdin()).context("no answer to give")?;
    let response = orders.answer.response()?;
    let tls = orders.pair.as_ref().map(acceptor).transpose()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        answer_all(&listener, &response, tls.as_ref()).await
    })
}

fn acceptor(pair: &Pair) -> Result<TlsAcceptor> {
    let chain = vec![CertificateDer::from_pem_file(&pair.certificate)?];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(&pair.key)?)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Gives this answer to every request, once it is read whole.
pub(super) async fn answer_all(
    listener: &TcpListener,
    response: &Response<Full<Bytes>>,
    tls: Option<&TlsAcceptor>,
) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (response, tls) = (response.clone(), tls.cloned());
        // A client that hangs up ends its connection and concerns nobody else.
        tokio::spawn(async move {
            match tls {
                None => answer_one(stream, response).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        answer_one(stream, response).await;
                    }
                }
            }
        });
    }
}

async fn answer_one(stream: impl Stream + 'static, response: Response<Full<Bytes>>) {
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let response = response.clone();
        async move { request.into_body().collect().await.map(|_| response) }
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hyper_writes_itself_is_not_recorded() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx-id: a\r\ndate: today\r\nx-id: b\r\n\r\n";
        let recorded = Recorded::new(&Answer { status: 200, head, body: b"abc", is_last: false }).unwrap();
        let response = recorded.response().unwrap();
        assert_eq!(response.headers().get_all("x-id").iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(response.headers().len(), 2);
    }
}
