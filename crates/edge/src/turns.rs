use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long after a refusal there still is too much to do. Shorter, and a flood would now and then be taken for over.
const CALM_AFTER: Duration = Duration::from_millis(100);

/// In a flood, how long after it came in a request may begin: there is more than enough that is fresh.
pub(crate) const FRESH: Duration = Duration::from_millis(5);

/// How long the newest may go first. It may be no flood after all, but as many who came at once or come again and again.
const NEWEST_FIRST: Duration = Duration::from_millis(100);

/// From so long on, by the thread's own time, a turn is a long one: to be woken costs little beside it, and those who wait
/// for it to end, all who come meanwhile among them, are to wait in order.
const LONG: Duration = Duration::from_micros(125);
/// How far it is counted that there were more long turns than others: from half of it on turns are taken to be long.
const SURE: u8 = 16;

/// How many in line have their turns in a flood before those who have come meanwhile are looked at, and so many may wait for
/// each turn. Most of them are refused, which costs several times as much when each time something else has been done before:
/// nothing of what it needs is in the processor's caches then.
pub(crate) const TOGETHER: usize = 2;

/// Who is at work, whose turn it is, and who is refused. Knows no clock, and nobody but by what it is given for them.
#[derive(Debug)]
pub(crate) struct Turns<W> {
    /// Most who have a turn at once while turns are long or there is too much to do.
    few: usize,
    /// Most at work: those who have a turn, who wait for one, or who stepped aside.
    most: usize,
    in_turn: usize,
    at_work: usize,
    /// For their first turn, each since when; the oldest first.
    waiting: VecDeque<(Instant, W)>,
    /// Since when the newest have gone first, while much is at work.
    jammed: Option<Instant>,
    refused: Option<Instant>,
    /// Up to [`SURE`], the more of the last turns were long.
    long: u8,
    /// Turns of the flood since others were looked at.
    unseen: usize,
}

/// What becomes of a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It is its turn.
    Turn,
    /// It waits.
    Waits,
    /// There is too much to do.
    Refused,
}

impl<W> Turns<W> {
    pub(crate) fn new(few: usize, most: usize) -> Self {
        Self {
            few,
            most,
            in_turn: 0,
            at_work: 0,
            waiting: VecDeque::new(),
            jammed: None,
            refused: None,
            long: 0,
            unseen: 0,
        }
    }

    /// Takes a newcomer, or refuses it.
    ///
    /// Nobody waits for a turn, unless turns are long: few have one then, and all others wait. While there is too much to
    /// do, only [some](TOGETHER) may wait, as long as their turns take.
    pub(crate) fn enter(&mut self, now: Instant, newcomer: impl FnOnce() -> W) -> Entry {
        if self.at_work >= self.most || (self.is_flood(now) && self.waiting.len() >= self.few * TOGETHER) {
            self.refused = Some(now);
            return Entry::Refused;
        }
        self.at_work += 1;
        if self.in_turn < self.limit(now) {
            self.in_turn += 1;
            return Entry::Turn;
        }
        self.waiting.push_back((now, newcomer()));
        Entry::Waits
    }

    /// Whether so much is at work that a flood may have begun.
    fn is_full(&self) -> bool {
        self.at_work > self.most / 4
    }

    /// Whether a flood may have begun, or one has; or turns are long.
    pub(crate) fn is_busy(&self, now: Instant) -> bool {
        self.is_full() || self.are_long() || self.is_flood(now)
    }

    fn are_long(&self) -> bool {
        self.long > SURE / 2
    }

    /// Counts the turn of somebody who has waited, and tells whether it lets others be looked at before it begins: always, but
    /// in a flood once for [several](TOGETHER).
    pub(crate) fn looks_first(&mut self, now: Instant) -> bool {
        self.unseen += 1;
        let looks = self.unseen >= TOGETHER || !self.is_flood(now);
        if looks {
            self.unseen = 0;
        }
        looks
    }

    /// Whether there is too much to do.
    pub(crate) fn is_flood(&self, now: Instant) -> bool {
        self.refused.is_some_and(|refused| now < refused + CALM_AFTER)
    }

    fn limit(&self, now: Instant) -> usize {
        if self.are_long() || self.is_flood(now) { self.few } else { self.most }
    }

    /// Learns how long somebody's first turn took.
    pub(crate) fn learn(&mut self, took: Duration) {
        self.long = if took >= LONG { SURE.min(self.long + 1) } else { self.long.saturating_sub(1) };
    }

    /// Somebody's turn ends: for good, or for as long as it waits for what takes no turn.
    pub(crate) fn end_turn(&mut self) {
        self.in_turn -= 1;
    }

    /// Somebody goes on who has waited, whoever else has a turn: what is begun is finished first.
    pub(crate) fn go_on(&mut self) {
        self.in_turn += 1;
    }

    /// Somebody is no longer at work.
    pub(crate) fn leave(&mut self) {
        self.at_work -= 1;
    }

    /// Somebody is at work again.
    pub(crate) fn come_back(&mut self) {
        self.at_work += 1;
    }

    /// Who has the next turn, if there is one to give.
    pub(crate) fn next(&mut self, now: Instant) -> Option<W> {
        if self.in_turn >= self.limit(now) {
            return None;
        }
        let is_newest = self.is_newest_next(now);
        let (_, next) = if is_newest { self.waiting.pop_back() } else { self.waiting.pop_front() }?;
        self.in_turn += 1;
        Some(next)
    }

    /// Whether the next is the newest in line: when a flood may have begun, all who are late by then are refused, and were served
    /// late before. [Not for long](NEWEST_FIRST), though.
    fn is_newest_next(&mut self, now: Instant) -> bool {
        if !self.is_full() {
            self.jammed = None;
            return false;
        }
        let is_late = self.waiting.front().is_some_and(|(since, _)| now > *since + FRESH);
        is_late && now < *self.jammed.get_or_insert(now) + NEWEST_FIRST
    }

    /// Forgets the oldest of those who wait as long as they have given up.
    pub(crate) fn forget(&mut self, has_given_up: impl Fn(&W) -> bool) {
        while self.waiting.front().is_some_and(|(_, waiting)| has_given_up(waiting)) {
            self.waiting.pop_front();
            self.at_work -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl<W> Turns<W> {
        pub(crate) fn counts(&self) -> [usize; 3] {
            [self.in_turn, self.at_work, self.waiting.len()]
        }
    }

    #[test]
    fn all_have_a_turn_until_somebody_is_refused() {
        let (mut turns, now) = (Turns::new(1, 3), Instant::now());
        let entered: Vec<_> = (0..4).map(|number| turns.enter(now, || number)).collect();
        assert_eq!(entered, [Entry::Turn, Entry::Turn, Entry::Turn, Entry::Refused]);
        assert_eq!(turns.counts(), [3, 3, 0]);
    }

    #[test]
    fn in_a_flood_few_have_a_turn_and_some_wait_in_order() {
        let (mut turns, now) = (Turns::new(1, 8), Instant::now());
        for number in 0..9 {
            turns.enter(now, || number);
        }
        for number in 9..12 {
            turns.end_turn();
            turns.leave();
            let entry = turns.enter(now, || number);
            assert_eq!(entry, if number < 11 { Entry::Waits } else { Entry::Refused }, "{number}");
        }
        assert_eq!(turns.counts(), [5, 7, TOGETHER], "though there is room at work");
        for next in [None, None, None, None, Some(9), Some(10)] {
            turns.end_turn();
            turns.leave();
            assert_eq!(turns.next(now), next);
        }
        turns.end_turn();
        turns.leave();
        let later = now + CALM_AFTER / 2;
        assert_eq!(turns.enter(later, || 14), Entry::Turn);
        let entries = [15, 16, 17].map(|number| turns.enter(later, || number));
        assert_eq!(entries, [Entry::Waits, Entry::Waits, Entry::Refused]);
        assert_eq!(turns.enter(now + CALM_AFTER, || 20), Entry::Refused, "counted from the last refusal");
        assert_eq!(turns.next(now + CALM_AFTER), None);
        let calm = now + CALM_AFTER * 2;
        let next = [turns.next(calm), turns.next(calm)];
        assert_eq!(next, [Some(16), Some(15)], "who still waits has its turn");
    }

    #[test]
    fn in_a_flood_others_are_looked_at_once_for_several_turns() {
        let (mut turns, now) = (Turns::new(1, 0), Instant::now());
        assert!([turns.looks_first(now), turns.looks_first(now)].iter().all(|due| *due));
        turns.enter(now, || 0);
        let looks = [(); TOGETHER * 2].map(|()| turns.looks_first(now));
        assert_eq!(looks.map(usize::from).iter().sum::<usize>(), 2);
        assert!(looks[TOGETHER - 1] && looks[TOGETHER * 2 - 1]);
    }

    #[test]
    fn who_steps_aside_gives_up_the_turn_and_stays_at_work() {
        let (mut turns, now) = (Turns::new(1, 3), Instant::now());
        for number in 0..3 {
            assert_eq!(turns.enter(now, || number), Entry::Turn);
        }
        turns.end_turn();
        assert_eq!(turns.enter(now, || 3), Entry::Refused, "three are at work");
        turns.end_turn();
        turns.leave();
        assert_eq!(turns.enter(now, || 4), Entry::Waits);
        turns.go_on();
        turns.end_turn();
        turns.leave();
        assert_eq!(turns.next(now), None, "one that came back has the turn");
    }

    #[test]
    fn long_turns_are_taken_in_order_by_few() {
        let (mut turns, now) = (Turns::new(1, 40), Instant::now());
        for number in 0..SURE {
            assert_eq!(turns.enter(now, || number), Entry::Turn, "one long turn says nothing");
        }
        for _ in 0..SURE {
            turns.learn(LONG);
            turns.end_turn();
            turns.leave();
        }
        assert_eq!(turns.enter(now, || 0), Entry::Turn);
        assert!((1..30).all(|number| turns.enter(now, || number) == Entry::Waits));
        assert_eq!(turns.next(now), None);
        turns.learn(LONG);
        turns.end_turn();
        assert_eq!((turns.next(now), turns.next(now)), (Some(1), None));
        for next in 2..=SURE / 2 {
            turns.learn(LONG / 2);
            turns.end_turn();
            assert_eq!((turns.next(now), turns.next(now)), (Some(next), None));
        }
        turns.learn(LONG / 2);
        turns.end_turn();
        assert_eq!(turns.counts(), [0, 30, 21]);
        assert!(
            (9..30).all(|number| turns.next(now) == Some(number)),
            "all have their turns, now that they are short"
        );
    }

    #[test]
    fn the_newest_go_first_for_a_while_when_a_flood_may_have_begun() {
        let (mut turns, now) = (Turns::new(1, 40), Instant::now());
        (0..SURE).for_each(|_| turns.learn(LONG));
        for number in 0..30 {
            turns.enter(now, || number);
        }
        let mut next = |at| {
            turns.end_turn();
            turns.leave();
            let next = turns.next(at);
            turns.enter(at, || 0);
            next
        };
        assert_eq!(next(now + FRESH), Some(1), "nobody is late yet");
        let late = now + FRESH * 2;
        assert_eq!([next(late), next(late)], [Some(0), Some(0)], "who has just come");
        assert_eq!(next(late + NEWEST_FIRST), Some(2), "the others have waited long enough");
        assert_eq!(next(late + NEWEST_FIRST * 2), Some(3));
        // Until the line has been short once more.
        while turns.counts()[1] > 10 {
            turns.end_turn();
            turns.leave();
            turns.next(late + NEWEST_FIRST);
        }
        for number in 30..50 {
            turns.enter(late + NEWEST_FIRST, || number);
        }
        turns.end_turn();
        turns.leave();
        assert_eq!(turns.next(late + NEWEST_FIRST * 2), Some(49));
    }

    /// What can happen to somebody.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Enter,
        /// Steps aside, or goes away altogether.
        Wait {
            away: bool,
        },
        Return,
        End {
            is_long: bool,
        },
        GiveUp,
        Pass(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Enter),
            2 => any::<bool>().prop_map(|away| Step::Wait { away }),
            2 => Just(Step::Return),
            3 => any::<bool>().prop_map(|is_long| Step::End { is_long }),
            1 => Just(Step::GiveUp),
            1 => (0..200_u64).prop_map(Step::Pass),
        ]
    }

    proptest! {
        #[test]
        fn counts_are_right_and_no_turn_is_wasted(
            steps in prop::collection::vec(step(), 0..400),
            few in 1..4_usize,
            room in 0..8_usize,
        ) {
            let most = few + room;
            let mut turns = Turns::new(few, most);
            let mut now = Instant::now();
            // Those who have a turn, those aside, those away; and up to whom the oldest have given up.
            let (mut busy, mut aside, mut away, mut given_up) = (0_usize, 0_usize, 0_usize, 0_usize);
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Enter => {
                        turns.forget(|waiting| *waiting < given_up);
                        let before = turns.counts();
                        let limit = turns.limit(now);
                        match turns.enter(now, || number) {
                            Entry::Turn => {
                                prop_assert!(busy < limit && before[1] < most);
                                busy += 1;
                            }
                            Entry::Waits => prop_assert!(busy >= limit && before[1] < most),
                            Entry::Refused => {
                                prop_assert!(before[1] >= most || before[2] >= few * TOGETHER);
                                prop_assert_eq!(turns.counts(), before, "nobody waits who was refused");
                            }
                        }
                    }
                    Step::Wait { away: leaves } if busy > 0 => {
                        turns.end_turn();
                        busy -= 1;
                        if leaves {
                            turns.leave();
                            away += 1;
                        } else {
                            aside += 1;
                        }
                    }
                    Step::Return if aside > 0 => {
                        turns.go_on();
                        (aside, busy) = (aside - 1, busy + 1);
                    }
                    Step::Return if away > 0 => {
                        turns.go_on();
                        turns.come_back();
                        (away, busy) = (away - 1, busy + 1);
                    }
                    Step::End { is_long } if busy > 0 => {
                        turns.learn(if is_long { LONG } else { LONG / 2 });
                        turns.end_turn();
                        turns.leave();
                        busy -= 1;
                    }
                    Step::GiveUp => given_up = number,
                    Step::Pass(millis) => now += Duration::from_millis(millis),
                    _ => {}
                }
                while turns.next(now).is_some() {
                    busy += 1;
                }
                let [in_turn, at_work, waiting] = turns.counts();
                prop_assert_eq!((in_turn, at_work), (busy, busy + aside + waiting));
                let limit = turns.limit(now);
                prop_assert!(waiting == 0 || busy >= limit, "somebody waits although there is a turn to give");
            }
        }
    }
}
