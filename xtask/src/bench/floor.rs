//! The floor: a bare hyper server that reads the request, answers with one recorded answer and does nothing
//! else. It runs in a process of its own, as the server does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::connection::Answer;
use super::process::Running;

/// Headers that hyper writes by itself.
const WRITTEN_BY_HYPER: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];

/// An answer of the server under test, to be given again and again.
#[derive(Debug, Serialize, Deserialize)]
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

/// A floor server in a process of its own, ended when dropped.
pub(super) struct Floor {
    /// Where it answers.
    pub(super) address: SocketAddr,
    _process: Running,
}

impl Floor {
    /// Starts one that gives this answer.
    pub(super) fn start(answer: &Recorded) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("floor-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start the floor server")?;
        let input = child.stdin.take().context("the floor server has no input")?;
        let output = child.stdout.take().context("the floor server has no output")?;
        let process = Running(child);
        serde_json::to_writer(input, answer)?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        Ok(Self {
            address: address.trim().parse().context("the floor server did not start")?,
            _process: process,
        })
    }
}

/// Reads the answer from standard input, prints the address and serves for ever.
pub(crate) fn serve() -> Result<()> {
    let answer: Recorded = serde_json::from_reader(std::io::stdin()).context("no answer to give")?;
    let response = answer.response()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        answer_all(&listener, &response).await
    })
}

/// Gives this answer to every request, once it is read whole.
pub(super) async fn answer_all(listener: &TcpListener, response: &Response<Full<Bytes>>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let response = response.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
                let response = response.clone();
                async move { request.into_body().collect().await.map(|_| response) }
            });
            // A client that hangs up ends its connection and concerns nobody else.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hyper_writes_itself_is_not_recorded() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx-id: a\r\ndate: today\r\nx-id: b\r\n\r\n";
        let recorded = Recorded::new(&Answer { status: 200, head, body: b"abc" }).unwrap();
        let response = recorded.response().unwrap();
        assert_eq!(response.headers().get_all("x-id").iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(response.headers().len(), 2);
    }
}
