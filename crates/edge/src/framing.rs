//! Requests that tell twice where their body ends.
//!
//! With both a Content-Length and a Transfer-Encoding, whoever stands in front may have believed the other one,
//! and taken for a body what is a request here, or the other way round (RFC 9112, section 11.2). hyper takes
//! the Transfer-Encoding and drops the Content-Length unseen, so the heads are looked at before it has them, by
//! the parser that it uses itself.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::progress::Progress;

/// As many fields as hyper takes; it refuses a head with more.
const MOST_FIELDS: usize = 100;
/// More bytes than hyper takes for a head.
const LONGEST_HEAD: usize = 128 * 1024;

/// A connection whose requests' heads are looked at as they are read.
pub(crate) struct Watched<I> {
    inner: I,
    heads: Heads,
    progress: Arc<Progress>,
}

impl<I> Watched<I> {
    pub(crate) fn new(inner: I, progress: Arc<Progress>) -> Self {
        Self { inner, heads: Heads::default(), progress }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        let heads = this.heads.number;
        if let Some(number) = this.heads.read(buf.filled().get(before..).unwrap_or_default()) {
            this.progress.doubt(number);
        }
        // Part of a head is none: it could be sent for ever.
        if this.heads.number != heads || !matches!(this.heads.state, State::Head) {
            this.progress.made();
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// Where in its requests a connection is.
#[derive(Debug, Default)]
struct Heads {
    state: State,
    /// The begin of a head whose end has not come yet. Mostly a head comes whole and is not copied.
    begun: Vec<u8>,
    /// Heads that came whole.
    number: u64,
}

#[derive(Debug, Default)]
enum State {
    /// A head comes next.
    #[default]
    Head,
    /// So many bytes of a body come next.
    Body(u64),
    /// Nothing is looked at any more: it is no HTTP/1, or this was its last request.
    Over,
}

/// Where a head ends, and what it says about its body.
struct Head {
    length: usize,
    body: u64,
    is_chunked: bool,
    has_length: bool,
}

impl Heads {
    /// Takes what was read; gives the number of a request that tells its length twice.
    fn read(&mut self, mut bytes: &[u8]) -> Option<u64> {
        while !bytes.is_empty() {
            match self.state {
                State::Over => return None,
                State::Body(left) => {
                    let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    bytes = bytes.get(here..)?;
                    let left = left - u64::try_from(here).ok()?;
                    self.state = if left == 0 { State::Head } else { State::Body(left) };
                }
                State::Head => {
                    let head = self.head(bytes)?;
                    bytes = bytes.get(head.length..)?;
                    self.number += 1;
                    if head.is_chunked {
                        // It is the last one that is answered on this connection.
                        self.state = State::Over;
                        return head.has_length.then_some(self.number);
                    }
                    self.state = if head.body == 0 { State::Head } else { State::Body(head.body) };
                }
            }
        }
        None
    }

    /// The head that ends within these bytes, with its length counted from where they begin.
    fn head(&mut self, bytes: &[u8]) -> Option<Head> {
        let before = self.begun.len();
        if before > 0 {
            self.begun.extend_from_slice(bytes);
            // A head ends with a line; a client that sends single bytes does not have each one parsed again.
            if !bytes.contains(&b'\n') {
                return self.wait();
            }
        }
        match parse(if before > 0 { &self.begun } else { bytes }) {
            Ok(Some(head)) => {
                // Not cleared: a connection that is idle is to hold no memory for it.
                self.begun = Vec::new();
                Some(Head { length: head.length.checked_sub(before)?, ..head })
            }
            Ok(None) => {
                if before == 0 {
                    self.begun.extend_from_slice(bytes);
                }
                self.wait()
            }
            // Nor will hyper take it.
            Err(NotHttp) => self.give_up(),
        }
    }

    fn wait(&mut self) -> Option<Head> {
        if self.begun.len() > LONGEST_HEAD { self.give_up() } else { None }
    }

    fn give_up(&mut self) -> Option<Head> {
        self.begun = Vec::new();
        self.state = State::Over;
        None
    }
}

struct NotHttp;

/// The head that these bytes begin with; `None` while it is not whole.
fn parse(bytes: &[u8]) -> Result<Option<Head>, NotHttp> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(length) = request.parse(bytes).map_err(|_| NotHttp)? else {
        return Ok(None);
    };
    let mut head = Head { length, body: 0, is_chunked: false, has_length: false };
    for field in request.headers {
        if field.name.eq_ignore_ascii_case("transfer-encoding") {
            head.is_chunked = true;
        } else if field.name.eq_ignore_ascii_case("content-length") {
            head.has_length = true;
            head.body = digits(field.value).unwrap_or(head.body);
        }
    }
    Ok(Some(head))
}

/// A Content-Length. With one that is none, or several that differ, hyper does not serve the request.
fn digits(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: &str = "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
    const BOTH_OTHERWISE: &str = "POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\nCONTENT-LENGTH:3\n\n";
    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const POST: &str = "\r\nPOST / HTTP/1.1\r\nContent-Length: 7\r\n\r\nGET / \r\n";
    const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// What is found when the text is read in pieces of these lengths, again and again.
    fn found(text: &str, lengths: &[usize]) -> Option<u64> {
        let mut heads = Heads::default();
        let mut rest = text.as_bytes();
        let mut lengths = lengths.iter().cycle();
        let mut found = None;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*lengths.next().unwrap()).min(rest.len()));
            found = found.or(heads.read(piece));
            rest = after;
        }
        found
    }

    #[test]
    fn the_first_request_with_both_lengths_is_found() {
        for (text, expected) in [
            (BOTH.to_owned(), Some(1)),
            (BOTH_OTHERWISE.to_owned(), Some(1)),
            (GET.to_owned(), None),
            (POST.to_owned(), None),
            (CHUNKED.to_owned(), None),
            ([GET, POST, POST, BOTH].concat(), Some(4)),
            // What a body holds is no request, and what follows a chunked one is not served.
            (
                [&format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", BOTH.len()), BOTH, GET].concat(),
                None,
            ),
            ([CHUNKED, "0\r\n\r\n", BOTH].concat(), None),
            (["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BOTH].concat(), None),
            (["nonsense\r\n\r\n", BOTH].concat(), None),
        ] {
            for lengths in [&[usize::MAX][..], &[1], &[7, 50]] {
                assert_eq!(found(&text, lengths), expected, "{text:?} by {lengths:?}");
            }
        }
    }

    #[test]
    fn a_head_without_end_is_not_kept() {
        let mut heads = Heads::default();
        for _ in 0..LONGEST_HEAD {
            assert_eq!(heads.read(b"GET "), None);
        }
        assert_eq!(heads.begun.capacity(), 0);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_come(
            requests in proptest::collection::vec(proptest::sample::select(vec![GET, POST, BOTH, CHUNKED]), 1..6),
            lengths in proptest::collection::vec(1..60_usize, 1..5),
        ) {
            let text = requests.concat();
            prop_assert_eq!(found(&text, &lengths), found(&text, &[usize::MAX]));
            // As far as requests are served, it is the first with both.
            let served = requests.iter().position(|one| [BOTH, CHUNKED].contains(one));
            let expected = served.filter(|at| requests[*at] == BOTH).map(|at| u64::try_from(at).unwrap() + 1);
            prop_assert_eq!(found(&text, &lengths), expected);
        }

        #[test]
        fn any_bytes_will_do(pieces: Vec<Vec<u8>>) {
            let mut heads = Heads::default();
            for piece in pieces {
                heads.read(&piece);
            }
        }
    }
}
