//! Reading request bodies: bounded in size and time, wiped when done with.

use std::pin::Pin;
use std::time::Duration;

use bytes::Buf as _;
use http_body::Body;
use http_body_util::BodyExt as _;
use thiserror::Error;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Most bytes beyond the limit that are still read.
const HEARD_OUT: u64 = 2 << 20;
/// After so long without any of them, the client waits for its answer.
const SILENCE: Duration = Duration::from_millis(250);

/// A request body, perhaps only the beginning of one.
pub(crate) struct Collected {
    /// At most `limit` bytes.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// Whether there was more.
    pub(crate) cut: bool,
}

/// Why a body could not be read.
#[derive(Debug, Error)]
pub(crate) enum BodyError {
    /// The client was too slow.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The connection broke, or the body's framing is wrong.
    #[error("the body could not be read")]
    Broken,
}

/// Reads at most `limit` bytes within `time`; some of what is beyond is read and thrown away.
pub(crate) async fn collect<B>(body: B, limit: usize, time: Duration) -> Result<Collected, BodyError>
where
    B: Body + Send,
{
    let mut body = std::pin::pin!(body);
    // Reserved whole: a vector that grows leaves copies of what it held behind.
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(limit).min(limit);
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected));
    let mut cut = false;
    let read = async {
        while let Some(frame) = body.frame().await {
            let Ok(mut data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            if bytes.capacity() < limit && bytes.len() + data.remaining() > bytes.capacity() {
                let mut grown = Zeroizing::new(Vec::with_capacity(limit));
                grown.extend_from_slice(&bytes);
                bytes = grown;
            }
            while data.has_remaining() && bytes.len() < limit {
                let room = limit - bytes.len();
                let chunk = data.chunk();
                let taken = chunk.get(..room.min(chunk.len())).unwrap_or(chunk);
                bytes.extend_from_slice(taken);
                let count = taken.len();
                data.advance(count);
            }
            if data.has_remaining() {
                cut = true;
                break;
            }
        }
        Ok(())
    };
    timeout(time, read).await.map_err(|_| BodyError::TooSlow)??;
    if cut && body.size_hint().lower() <= HEARD_OUT {
        // Whatever comes of it, the body is too large.
        timeout(time, hear_out(body)).await.ok();
    }
    Ok(Collected { bytes, cut })
}

/// Throws away what a client still sends: one that is cut off meanwhile gets a broken connection, and never hears why.
async fn hear_out<B: Body>(mut body: Pin<&mut B>) {
    let mut beyond = 0;
    while beyond <= HEARD_OUT
        && let Ok(Some(Ok(frame))) = timeout(SILENCE, body.frame()).await
    {
        beyond += frame.data_ref().map_or(0, |data| u64::try_from(data.remaining()).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::StreamExt as _;
    use http_body_util::{Full, StreamBody};

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn reads_up_to_the_limit_and_says_when_there_is_more() {
        let read = |limit| collect(Full::new(Bytes::from_static(b"12345")), limit, SOON);
        let whole = read(5).await.unwrap();
        assert_eq!((whole.bytes.as_slice(), whole.cut), (b"12345".as_slice(), false));
        let part = read(4).await.unwrap();
        assert_eq!((part.bytes.as_slice(), part.cut), (b"1234".as_slice(), true));
    }

    #[tokio::test]
    async fn a_client_is_heard_out_but_not_for_ever() {
        const CHUNK: usize = 16 << 10;
        let most = usize::try_from(HEARD_OUT).unwrap() / CHUNK;
        for (chunks, left) in [(3, false), (most + 10, true)] {
            let mut unread = chunks;
            let sent = futures_util::stream::iter(0..chunks).map(|_| {
                unread -= 1;
                Ok::<_, std::convert::Infallible>(http_body::Frame::data(Bytes::from_static(&[0; CHUNK])))
            });
            let collected = collect(StreamBody::new(sent), 5, SOON * 100).await.unwrap();
            assert_eq!((collected.bytes.len(), collected.cut), (5, true));
            assert_eq!(unread > 0, left, "{unread}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_said_too_much_and_waits_is_answered() {
        let first = Ok::<_, std::convert::Infallible>(http_body::Frame::data(Bytes::from_static(b"123456")));
        let stuck = futures_util::stream::iter([first]).chain(futures_util::stream::pending());
        let begun = tokio::time::Instant::now();
        let collected = collect(StreamBody::new(stuck), 5, SILENCE * 10).await.unwrap();
        assert!(collected.cut);
        assert_eq!(begun.elapsed(), SILENCE);
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let never = StreamBody::new(futures_util::stream::pending::<
            Result<http_body::Frame<Bytes>, std::convert::Infallible>,
        >());
        assert!(matches!(collect(never, 5, SOON).await, Err(BodyError::TooSlow)));
    }
}
