//! Whether a connection gets on: when it last did, and until when it has to do so next.
//!
//! One alarm is all that a connection has. It is set when the connection begins and looks when it goes off: a timer for
//! each read and each request would have to be set and taken back each time.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

use crate::limits::Limits;

/// Instead of a time: never.
const NEVER: u64 = u64::MAX;

/// How a connection gets on. Times are in milliseconds since it began.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    has_request: AtomicBool,
    last: AtomicU64,
    /// Since when the client takes nothing of what is sent.
    stuck: AtomicU64,
    doubtful: AtomicU64,
}

/// Why a connection is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// The head of its first request has not come in time.
    Head,
    /// Nothing has come for too long, or is taken.
    Silence,
}

impl Progress {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            has_request: AtomicBool::new(false),
            last: AtomicU64::new(0),
            stuck: AtomicU64::new(NEVER),
            doubtful: AtomicU64::new(NEVER),
        })
    }

    /// A request has come.
    pub(crate) fn request(&self) {
        self.has_request.store(true, Ordering::Relaxed);
    }

    /// Something has come, or is taken, that brings a request or its answer nearer to its end.
    pub(crate) fn made(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// This request of the connection, counted from 1, tells its length twice. No request that follows is looked at,
    /// since none is to be served.
    pub(crate) fn doubt(&self, number: u64) {
        self.doubtful.store(number, Ordering::Relaxed);
    }

    /// Whether it is that one.
    pub(crate) fn is_doubtful(&self, number: u64) -> bool {
        self.doubtful.load(Ordering::Relaxed) == number
    }

    /// Completes once the connection is overdue, whose first request is awaited from now on. Has to be asked again
    /// whenever something may have happened on it.
    pub(crate) async fn overdue(&self, limits: &Limits) -> Overdue {
        let first = Instant::now() + limits.header_timeout;
        let mut alarm = pin!(sleep_until(first));
        poll_fn(|context| {
            loop {
                let (due, overdue) = self.due(first, limits);
                // What is due later is looked at when the alarm goes off.
                if due < alarm.deadline() {
                    alarm.as_mut().reset(due);
                }
                ready!(alarm.as_mut().poll(context));
                if due <= Instant::now() {
                    return Poll::Ready(overdue);
                }
                alarm.as_mut().reset(due);
            }
        })
        .await
    }

    fn due(&self, first: Instant, limits: &Limits) -> (Instant, Overdue) {
        let at = |since: u64, patience: Duration| self.begun + Duration::from_millis(since) + patience;
        if !self.has_request.load(Ordering::Relaxed) {
            return (first, Overdue::Head);
        }
        let silent = at(self.last.load(Ordering::Relaxed), limits.idle_timeout);
        let due = match self.stuck.load(Ordering::Relaxed) {
            NEVER => silent,
            since => silent.min(at(since, limits.write_timeout)),
        };
        (due, Overdue::Silence)
    }

    fn sent<T>(&self, result: Poll<T>) -> Poll<T> {
        if result.is_ready() {
            self.stuck.store(NEVER, Ordering::Relaxed);
            self.made();
        } else if self.stuck.load(Ordering::Relaxed) == NEVER {
            self.stuck.store(self.now(), Ordering::Relaxed);
        }
        result
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }
}

/// A socket on which it is noticed whether the client takes what is sent.
pub(crate) struct Noticed<S> {
    inner: S,
    progress: Arc<Progress>,
}

impl<S> Noticed<S> {
    pub(crate) fn new(inner: S, progress: Arc<Progress>) -> Self {
        Self { inner, progress }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noticed<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noticed<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.progress.sent(Pin::new(&mut this.inner).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.progress.sent(Pin::new(&mut this.inner).poll_write_vectored(cx, bytes))
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits() -> Limits {
        Limits {
            header_timeout: SECOND * 10,
            idle_timeout: SECOND * 60,
            write_timeout: SECOND * 20,
            ..Limits::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_head_that_does_not_come_and_silence_afterwards() {
        let (progress, limits) = (Progress::new(), limits());
        progress.made();
        assert_eq!(progress.overdue(&limits).await, Overdue::Head);
        assert_eq!(progress.begun.elapsed(), SECOND * 10, "bytes of a head do not count");

        let progress = Progress::new();
        let overdue = async {
            let overdue = progress.overdue(&limits).await;
            (overdue, progress.begun.elapsed())
        };
        let talk = async {
            progress.request();
            for _ in 0..5 {
                advance(SECOND * 50).await;
                progress.made();
            }
        };
        let (told, ()) = tokio::join!(overdue, talk);
        assert_eq!(told, (Overdue::Silence, SECOND * (250 + 60)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_take_its_answer_has_less_time() {
        let (near, mut far) = tokio::io::duplex(8);
        let (progress, limits) = (Progress::new(), limits());
        progress.request();
        let mut near = Noticed::new(near, Arc::clone(&progress));
        let mut overdue = Box::pin(progress.overdue(&limits));
        assert!(overdue.as_mut().now_or_never().is_none());
        let mut sending = Box::pin(near.write_all(&[0; 30]));
        assert!(sending.as_mut().now_or_never().is_none());
        for _ in 0..2 {
            advance(SECOND * 19).await;
            assert!(overdue.as_mut().now_or_never().is_none());
            tokio::io::AsyncReadExt::read_exact(&mut far, &mut [0; 8]).await.unwrap();
            assert!(sending.as_mut().now_or_never().is_none(), "it goes on, and is stuck again");
        }
        let since = Instant::now();
        assert!(overdue.as_mut().now_or_never().is_none());
        assert_eq!(overdue.await, Overdue::Silence);
        assert_eq!(since.elapsed(), SECOND * 20);
    }
}
