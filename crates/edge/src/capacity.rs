use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// How much is worked on at once, so that a service that is asked for more than it can do goes on doing as much
/// as it can: beyond that requests wait, and what has waited too long is refused.
///
/// While the wait is short it is first come, first served. Once the oldest has waited for a tenth of what it
/// may, the newest go first: at that point somebody will be refused, and it is better to serve most at once and
/// refuse few than to serve everybody late.
#[derive(Debug, Clone)]
pub struct Capacity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    at_work: usize,
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    working: usize,
    /// Oldest first.
    waiting: VecDeque<(Instant, oneshot::Sender<Place>)>,
}

/// One request's place among those worked on; the next takes it when it is dropped. Empty once it was passed on.
#[derive(Debug)]
#[must_use]
pub struct Place(Option<Capacity>);

impl Capacity {
    /// So many at once; others wait for at most `patience`.
    pub fn new(at_work: usize, patience: Duration) -> Self {
        Self(Arc::new(Inner { at_work, patience, state: Mutex::default() }))
    }

    /// A place, once there is one; `None` when there was none in time.
    pub async fn enter(&self) -> Option<Place> {
        let given = {
            let mut state = self.state();
            if state.working < self.0.at_work {
                state.working += 1;
                return Some(Place(Some(self.clone())));
            }
            state.forget_those_who_left();
            let (give, given) = oneshot::channel();
            state.waiting.push_back((Instant::now(), give));
            given
        };
        timeout(self.0.patience, given).await.ok()?.ok()
    }

    /// Hands the place of one that ends to one that waits.
    fn leave(&self) {
        loop {
            let next = {
                let mut state = self.state();
                state.forget_those_who_left();
                // Those who were away are back beyond the limit: fewer are let in until that is made up for.
                let next =
                    if state.working > self.0.at_work { None } else { state.next(self.0.patience / 10) };
                if next.is_none() {
                    state.working -= 1;
                }
                next
            };
            let Some(next) = next else { return };
            match next.send(Place(Some(self.clone()))) {
                Ok(()) => return,
                // It has just left. The place goes on to the next without being given back in between.
                Err(mut place) => drop(place.0.take()),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_those_who_left(&mut self) {
        while self.waiting.front().is_some_and(|(_, give)| give.is_closed()) {
            self.waiting.pop_front();
        }
    }

    fn next(&mut self, short: Duration) -> Option<oneshot::Sender<Place>> {
        let (since, _) = self.waiting.front()?;
        let next = if since.elapsed() < short { self.waiting.pop_front() } else { self.waiting.pop_back() };
        next.map(|(_, give)| give)
    }
}

impl Place {
    /// Leaves the place to others while waiting for something that takes no work here, such as a slow client
    /// or another service; and goes on afterwards, whoever else works then. What is ready at once is not waited
    /// for.
    pub async fn away<T>(&self, waiting: impl Future<Output = T>) -> T {
        struct Back<'a>(&'a Capacity);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.state().working += 1;
            }
        }
        let mut waiting = pin!(waiting);
        let at_once = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
        if let Poll::Ready(done) = at_once {
            return done;
        }
        let Some(capacity) = &self.0 else { return waiting.await };
        capacity.leave();
        let _back = Back(capacity);
        waiting.await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(capacity) = &self.0 {
            capacity.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    fn working(capacity: &Capacity) -> usize {
        capacity.state().working
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_at_once_and_the_next_when_one_ends() {
        let capacity = Capacity::new(2, PATIENCE);
        let first = capacity.enter().await.unwrap();
        let _second = capacity.enter().await.unwrap();
        let mut third = Box::pin(capacity.enter());
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        assert!(third.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_refused_and_forgotten() {
        let capacity = Capacity::new(1, PATIENCE);
        let place = capacity.enter().await.unwrap();
        assert!(join_all((0..100).map(|_| capacity.enter())).await.iter().all(Option::is_none));
        drop(place);
        assert_eq!((working(&capacity), capacity.state().waiting.len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn in_order_while_the_wait_is_short_and_the_newest_first_afterwards() {
        for (waited, first) in [(1, 0), (50, 2)] {
            let capacity = Capacity::new(1, PATIENCE);
            let place = capacity.enter().await.unwrap();
            let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(capacity.enter())).collect();
            for one in &mut waiting {
                assert!(one.as_mut().now_or_never().is_none());
            }
            advance(Duration::from_millis(waited)).await;
            drop(place);
            let served: Vec<_> =
                waiting.iter_mut().map(|one| one.as_mut().now_or_never().flatten().is_some()).collect();
            assert_eq!(served.iter().position(|served| *served), Some(first), "{waited}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_away_takes_no_place() {
        let capacity = Capacity::new(1, PATIENCE);
        let place = capacity.enter().await.unwrap();
        let other = place.away(async { capacity.enter().await.unwrap() }).await;
        assert_eq!(working(&capacity), 2, "back, beyond the limit");
        drop(place);
        assert!(capacity.enter().await.is_none());
        let mut waiting = Box::pin(capacity.enter());
        assert!(waiting.as_mut().now_or_never().is_none());
        other.away(async {}).await;
        assert!(waiting.as_mut().now_or_never().is_none(), "what is ready at once gives no place away");
        drop(waiting);
        drop(other);
        assert_eq!(working(&capacity), 0);
        // One that gives up while away.
        let place = capacity.enter().await.unwrap();
        assert!(timeout(PATIENCE, place.away(sleep(PATIENCE * 2))).await.is_err());
        drop(place);
        assert_eq!(working(&capacity), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_is_given_to_one_who_stops_waiting_is_not_lost() {
        let capacity = Capacity::new(1, PATIENCE);
        let place = capacity.enter().await.unwrap();
        let mut waiting = Box::pin(capacity.enter());
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(place);
        drop(waiting);
        assert!(capacity.enter().await.is_some());
    }
}
