//! A keep-alive HTTP/1.1 connection of the load generator: as lean as correctness allows, so that what is
//! measured is the server.

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::endpoint::{Endpoint, Stream};

/// Enough for any answer of either server.
const MAX_HEADERS: usize = 32;

/// One connection, used for one exchange at a time.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// An answer, read whole.
pub(super) struct Answer<'a> {
    /// The status code.
    pub(super) status: u16,
    /// Status line and headers, with the empty line that ends them.
    pub(super) head: &'a [u8],
    /// The body.
    pub(super) body: &'a [u8],
    /// Whether the server takes no other request on this connection.
    pub(super) is_last: bool,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self> {
        Ok(Self { stream: endpoint.connect().await?, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and waits for the whole answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let extent = loop {
            let count = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(count > 0, "the server closed the connection before its answer was whole");
            if let Some(extent) = Extent::of(&self.buffer)?
                && self.buffer.len() >= extent.head + extent.body
            {
                break extent;
            }
        };
        let (head, body) = self.buffer.split_at(extent.head);
        ensure!(body.len() == extent.body, "{} bytes too many in an answer", body.len() - extent.body);
        Ok(Answer { status: extent.status, head, body, is_last: extent.is_last })
    }
}

/// Where an answer's parts end.
#[derive(Debug, PartialEq, Eq)]
struct Extent {
    status: u16,
    head: usize,
    body: usize,
    is_last: bool,
}

impl Extent {
    /// `None` while the head is not whole.
    fn of(bytes: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head) = response.parse(bytes).context("the answer is not HTTP/1.1")?
        else {
            return Ok(None);
        };
        let status = response.code.context("the answer has no status")?;
        let header =
            |name: &str| response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        let length = header("content-length");
        let is_last = header("connection").is_some_and(|header| header.value.eq_ignore_ascii_case(b"close"));
        let body = match length {
            Some(length) => std::str::from_utf8(length.value)?.parse().context("a strange content-length")?,
            None if status == 204 => 0,
            None => bail!("an answer without content-length, which the load generator does not read"),
        };
        Ok(Some(Self { status, head, body, is_last }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx: y\r\n\r\nabc";
        assert_eq!(
            Extent::of(answer).unwrap(),
            Some(Extent { status: 200, head: 44, body: 3, is_last: false })
        );
        assert_eq!(Extent::of(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().body, 0);
        let last = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
        assert!(Extent::of(last).unwrap().unwrap().is_last);
        assert_eq!(Extent::of(b"HTTP/1.1 200 OK\r\nContent-Le").unwrap(), None);
        assert!(Extent::of(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(Extent::of(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            Extent::of(&bytes).ok();
        }
    }
}
