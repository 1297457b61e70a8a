use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;
use std::{iter, mem};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

use crate::turns::{Entry, FRESH, Turns};

/// Requests at work for each processor, unless told otherwise.
const AT_WORK: usize = 128;

/// How much is worked on at once, so that a service that is asked for more than it can do goes on doing as much
/// as it can, and as fast.
///
/// Whoever is let in has a turn at the processors; who waits for a disk or a device has given it up meanwhile. Beyond a
/// number at work newcomers are refused. From then on it is a flood, until nobody has been refused for a while: only as
/// many have a turn then as there are processors, and twice as many newcomers may wait for one; and whoever was let in
/// before and has not begun soon is refused after all. So whoever is served is served soon and everybody else knows at once.
///
/// Without a flood nobody waits for a turn, unless turns are long: who waits has to be woken, which costs as much as a small
/// request.
#[derive(Debug, Clone)]
pub struct Capacity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    patience: Duration,
    turns: Mutex<Turns<oneshot::Sender<Place>>>,
}

/// A request that is let in, but has perhaps to wait for its turn.
#[derive(Debug)]
#[must_use]
pub struct Entering {
    /// When it came in.
    since: Instant,
    turn: Turn,
}

#[derive(Debug)]
enum Turn {
    Given(Place),
    Awaited(Capacity, oneshot::Receiver<Place>),
}

/// One request's place among those at work, free again when dropped.
#[derive(Debug)]
#[must_use]
pub struct Place(Arc<Held>);

#[derive(Debug)]
struct Held {
    capacity: Capacity,
    /// Whether what is waited for is somebody who may be slow for reasons of its own.
    is_away: AtomicBool,
}

/// A turn that others have while its owner waits; its owner goes on when this is dropped.
struct Lent<'a>(&'a Held);

tokio::task_local! {
    static PLACE: Place;
}

impl Capacity {
    /// So many at work at once, or for each processor as many as it can use; whoever has not had its first turn after
    /// `patience` is refused.
    pub fn new(at_work: Option<usize>, patience: Duration) -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        let turns = Turns::new(processors, at_work.unwrap_or(processors * AT_WORK));
        Self::with_turns(turns, patience)
    }

    fn with_turns(turns: Turns<oneshot::Sender<Place>>, patience: Duration) -> Self {
        Self(Arc::new(Inner { patience, turns: Mutex::new(turns) }))
    }

    /// Lets somebody in; `None` when there is too much to do. Costs next to nothing either way.
    pub fn enter(&self) -> Option<Entering> {
        let since = Instant::now();
        let mut turns = self.turns();
        turns.forget(oneshot::Sender::is_closed);
        let mut given = None;
        let entry = turns.enter(since, || {
            let (give, receiver) = oneshot::channel();
            given = Some(receiver);
            give
        });
        let turn = match (entry, given) {
            (Entry::Turn, _) => Turn::Given(Place::new(self)),
            (Entry::Waits, Some(given)) => Turn::Awaited(self.clone(), given),
            _ => return None,
        };
        Some(Entering { since, turn })
    }

    /// Whether there is too much to do: somebody was refused just now.
    pub fn is_exceeded(&self) -> bool {
        self.turns().is_flood(Instant::now())
    }

    fn turns(&self) -> MutexGuard<'_, Turns<oneshot::Sender<Place>>> {
        self.0.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn: as long as it takes, or in a flood not beyond patience.
    async fn wait(&self, mut given: oneshot::Receiver<Place>) -> Option<Place> {
        loop {
            match timeout(self.0.patience, &mut given).await {
                Ok(place) => return place.ok(),
                Err(_) if self.is_exceeded() => return None,
                Err(_) => {}
            }
        }
    }

    /// Somebody's turn ends; gives it to the next.
    fn end_turn(&self, is_leaving: bool) {
        let next: Vec<_> = {
            let mut turns = self.turns();
            turns.end_turn();
            if is_leaving {
                turns.leave();
            }
            turns.forget(oneshot::Sender::is_closed);
            let now = Instant::now();
            iter::from_fn(|| turns.next(now)).collect()
        };
        for next in next {
            // One that has given up just now hands its turn on by dropping it.
            drop(next.send(Place::new(self)));
        }
    }

    fn go_on(&self, was_away: bool) {
        let mut turns = self.turns();
        turns.go_on();
        if was_away {
            turns.come_back();
        }
    }
}

impl Entering {
    /// The place, once it is its turn; `None` when that did not come in time.
    pub async fn place(self) -> Option<Place> {
        let (place, looks_first) = match self.turn {
            Turn::Given(place) => {
                let is_busy = place.0.capacity.turns().is_busy(self.since);
                if !is_busy {
                    return Some(place);
                }
                (place, true)
            }
            Turn::Awaited(capacity, given) => {
                let place = capacity.wait(given).await?;
                let looks_first = capacity.turns().looks_first(Instant::now());
                (place, looks_first)
            }
        };
        // Work that never waits holds its thread, and would have ended its turn before the thread gets to those who come in
        // meanwhile: each would find a turn free, and all would be let in.
        if looks_first {
            yield_now().await;
        }
        let now = Instant::now();
        let is_flood = place.0.capacity.turns().is_flood(now);
        (!is_flood || now <= self.since + FRESH).then_some(place)
    }
}

impl Place {
    fn new(capacity: &Capacity) -> Self {
        Self(Arc::new(Held { capacity: capacity.clone(), is_away: AtomicBool::new(false) }))
    }

    /// Does the work that the place is for. Whenever that waits, for a disk, a device or anything else, others have its
    /// turn meanwhile; it goes on afterwards, whoever else has a turn then.
    pub fn hold<T>(self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        let held = Arc::clone(&self.0);
        PLACE.scope(self, async move {
            let mut work = pin!(work);
            let (mut is_first, mut lent) = (true, None);
            poll_fn(|context| {
                drop(lent.take());
                held.is_away.store(false, Ordering::Relaxed);
                let begun = mem::take(&mut is_first).then(computed);
                let polled = work.as_mut().poll(context);
                if let Some(begun) = begun {
                    held.capacity.turns().learn(computed().saturating_sub(begun));
                }
                lent = polled.is_pending().then(|| Lent::by(&held));
                polled
            })
            .await
        })
    }
}

impl<'a> Lent<'a> {
    fn by(held: &'a Held) -> Self {
        held.capacity.end_turn(held.is_away.load(Ordering::Relaxed));
        Self(held)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // As it was when the turn was lent: it is set while its owner is polled, and not meanwhile.
        self.0.capacity.go_on(self.0.is_away.load(Ordering::Relaxed));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.capacity.end_turn(true);
    }
}

/// How long this thread has computed. By the clock a turn would seem long whenever others keep the processors busy.
fn computed() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// Waits for somebody else, such as the client or another service, and is not at work meanwhile: however long that
/// takes, and however many do so, it keeps nobody out.
pub async fn away<T>(waiting: impl Future<Output = T>) -> T {
    let mut waiting = pin!(waiting);
    poll_fn(|context| {
        let polled = waiting.as_mut().poll(context);
        if polled.is_pending() {
            // Who has no place has none to give.
            PLACE.try_with(|place| place.0.is_away.store(true, Ordering::Relaxed)).ok();
        }
        polled
    })
    .await
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;
    use crate::turns::TOGETHER;

    const PATIENCE: Duration = Duration::from_millis(50);

    fn one_turn(at_work: usize) -> Capacity {
        Capacity::with_turns(Turns::new(1, at_work), PATIENCE)
    }

    /// A flood has begun, and just as many are left at work as have a turn then.
    async fn flood(turns: usize, at_work: usize) -> (Capacity, Vec<Place>) {
        let capacity = Capacity::with_turns(Turns::new(turns, at_work), PATIENCE);
        let mut places = Vec::new();
        for _ in 0..at_work {
            places.push(enter(&capacity).await.unwrap());
        }
        assert!(!capacity.is_exceeded());
        assert!(capacity.enter().is_none());
        assert!(capacity.is_exceeded());
        places.truncate(turns);
        assert_eq!(counts(&capacity), [turns, turns, 0]);
        (capacity, places)
    }

    async fn enter(capacity: &Capacity) -> Option<Place> {
        capacity.enter()?.place().await
    }

    /// Who has a turn, who is at work, and who waits.
    fn counts(capacity: &Capacity) -> [usize; 3] {
        capacity.turns().counts()
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_turn_without_a_flood() {
        let capacity = one_turn(10);
        let entered = join_all((0..10).map(|_| enter(&capacity))).await;
        assert!(entered.iter().all(Option::is_some));
        assert_eq!(counts(&capacity), [10, 10, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn when_much_is_at_work_others_are_looked_at_before_work_begins() {
        let capacity = one_turn(8);
        let few: Vec<_> = (0..2).map(|_| enter(&capacity).now_or_never().flatten()).collect();
        assert!(few.iter().all(Option::is_some));
        let mut third = Box::pin(enter(&capacity));
        assert!(third.as_mut().now_or_never().is_none());
        assert_eq!(counts(&capacity), [3, 3, 0], "it has its turn");
        assert!(third.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn once_a_flood_is_noticed_what_has_not_begun_soon_is_refused() {
        for (late, is_let_in) in [(Duration::ZERO, true), (Duration::from_micros(1), false)] {
            let capacity = one_turn(2);
            let begun = enter(&capacity).await;
            let mut other = Box::pin(enter(&capacity));
            assert!(other.as_mut().now_or_never().is_none());
            advance(FRESH + late).await;
            assert!(capacity.enter().is_none());
            assert_eq!(other.await.is_some(), is_let_in);
            drop(begun);
            assert_eq!(counts(&capacity), [0; 3]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_turns_are_long_waits_in_line_for_as_long_as_it_takes() {
        let capacity = one_turn(100);
        for _ in 0..16 {
            let waits = sleep(Duration::from_millis(1));
            enter(&capacity).await.unwrap().hold(waits).await;
        }
        assert!(!capacity.turns().is_busy(Instant::now()), "waiting is no computing");
        for _ in 0..16 {
            let end = computed() + Duration::from_millis(1);
            let computes = async { while computed() < end {} };
            enter(&capacity).await.unwrap().hold(computes).await;
        }
        let first = enter(&capacity).await.unwrap();
        let mut line: Vec<_> = (0..2).map(|_| Box::pin(enter(&capacity))).collect();
        for _ in 0..3 {
            assert!(line.iter_mut().all(|one| one.now_or_never().is_none()));
            advance(PATIENCE).await;
        }
        assert_eq!(counts(&capacity), [1, 3, 2]);
        drop(first);
        let mut line = line.into_iter();
        let second = line.next().unwrap().await.unwrap();
        let mut last = line.next().unwrap();
        assert!(last.as_mut().now_or_never().is_none());
        drop(second);
        drop(last.await.unwrap());
        assert_eq!(counts(&capacity), [0; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_has_its_turn_when_one_ends() {
        let (capacity, mut places) = flood(2, 10).await;
        let mut third = Box::pin(enter(&capacity));
        assert!(third.as_mut().now_or_never().is_none());
        places.pop();
        assert!(third.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_refused_and_forgotten() {
        let (capacity, places) = flood(100, 200).await;
        assert!(join_all((0..100).map(|_| enter(&capacity))).await.iter().all(Option::is_none));
        drop(places);
        assert_eq!(counts(&capacity), [0; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_flood_newcomers_know_at_once_and_some_have_their_turns_together() {
        let (capacity, places) = flood(1, 10).await;
        let mut line: Vec<_> = (0..TOGETHER).map(|_| Box::pin(enter(&capacity))).collect();
        assert!(line.iter_mut().all(|one| one.now_or_never().is_none()));
        advance(FRESH).await;
        assert!(capacity.enter().is_none());
        assert_eq!(counts(&capacity), [1, 1 + TOGETHER, TOGETHER]);
        drop(places);
        let mut last = line.pop().unwrap();
        assert!(
            line.into_iter().all(|one| one.now_or_never().flatten().is_some()),
            "nobody else comes first"
        );
        assert!(last.as_mut().now_or_never().is_none(), "others are looked at");
        assert!(last.await.is_some());
        assert_eq!(counts(&capacity), [0; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_flood_whoever_has_come_meanwhile_is_looked_at_before_work_begins() {
        let capacity = one_turn(1);
        let place = enter(&capacity).await.unwrap();
        assert!(capacity.enter().is_none());
        drop(place);
        let mut next = Box::pin(enter(&capacity));
        assert!(next.as_mut().now_or_never().is_none(), "it has the turn, and lets others go first");
        assert!(capacity.enter().is_none());
        assert!(next.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_disk_gives_its_turn_away_and_stays_at_work() {
        let capacity = one_turn(2);
        let mut work = Box::pin(enter(&capacity).await.unwrap().hold(async {
            assert_eq!(counts(&capacity)[..2], [1, 1]);
            sleep(Duration::from_millis(1)).await;
            assert_eq!(counts(&capacity)[..2], [2, 2], "back, beyond the limit");
        }));
        assert!(work.as_mut().now_or_never().is_none());
        assert_eq!(counts(&capacity)[..2], [0, 1]);
        let other = enter(&capacity).await.unwrap();
        assert!(capacity.enter().is_none(), "two are at work");
        work.await;
        drop(other);
        assert_eq!(counts(&capacity), [0; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_somebody_else_keeps_nobody_out() {
        let capacity = one_turn(1);
        let mut work = Box::pin(enter(&capacity).await.unwrap().hold(async {
            away(sleep(Duration::from_millis(1))).await;
            assert_eq!(counts(&capacity)[..2], [2, 2], "back, beyond the limits");
            sleep(Duration::from_millis(1)).await;
        }));
        assert!(work.as_mut().now_or_never().is_none());
        assert_eq!(counts(&capacity), [0; 3]);
        let other = enter(&capacity).await.unwrap();
        advance(Duration::from_millis(1)).await;
        assert!(work.as_mut().now_or_never().is_none());
        assert_eq!(counts(&capacity)[..2], [1, 2], "it is at work while it waits for something else");
        work.await;
        drop(other);
        // One that gives up while it is away, and one that has no place.
        let work = away(sleep(PATIENCE * 2));
        assert!(timeout(PATIENCE, enter(&capacity).await.unwrap().hold(work)).await.is_err());
        away(sleep(PATIENCE)).await;
        assert_eq!(counts(&capacity), [0; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_given_to_one_who_stops_waiting_is_not_lost() {
        let (capacity, mut places) = flood(2, 10).await;
        let mut waiting = Box::pin(enter(&capacity));
        let mut next = Box::pin(enter(&capacity));
        assert!(waiting.as_mut().now_or_never().is_none() && next.as_mut().now_or_never().is_none());
        places.pop();
        drop(waiting);
        assert!(next.await.is_some());
    }
}
