//! When secrets end, and who is to be told before.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;
use crate::id::{ProjectId, SecretId, UserId};
use crate::secret::Secret;
use crate::time::Timestamp;

pub use crate::service::acknowledge;

const DAY: i64 = 86_400;

/// How long after a secret's end it is still told that it has ended, in seconds. Servers that were all down for
/// longer don't bring up what is long past.
const LATE: i64 = 30 * DAY;

/// A span before a secret's end, in whole days, at whose beginning people are told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Window(u16);

impl Window {
    /// Longest window, in days.
    pub const LONGEST: u16 = 3650;

    /// A window of 1 to [`Self::LONGEST`] days.
    pub fn new(days: u16) -> Option<Self> {
        (1..=Self::LONGEST).contains(&days).then_some(Self(days))
    }

    /// How many days.
    pub fn days(self) -> u16 {
        self.0
    }

    /// When the window of that end opens.
    pub fn opens(self, ends: Timestamp) -> Timestamp {
        ends.plus_seconds(-i64::from(self.0) * DAY)
    }

    /// The latest end whose window is open at `now`.
    pub fn reaches(self, now: Timestamp) -> Timestamp {
        now.plus_seconds(i64::from(self.0) * DAY)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The windows of each project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {
    /// Those of projects that have none of their own.
    pub default: Vec<Window>,
    /// Those of single projects; none at all for a project that is not to be told.
    pub projects: BTreeMap<ProjectId, Vec<Window>>,
}

/// What there is to do about an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// People are to be told now.
    Tell(Window),
    /// Nothing before then.
    Wait(Timestamp),
    /// Nothing any more.
    Never,
}

impl Windows {
    /// What there is to do at `now` about an end of which people were last told in the window `told`. Of several
    /// windows that have opened since, only the narrowest counts.
    pub fn judge(
        &self,
        project: &ProjectId,
        ends: Timestamp,
        told: Option<Window>,
        now: Timestamp,
    ) -> Judged {
        if now >= ends.plus_seconds(LATE) {
            return Judged::Never;
        }
        let windows = self.projects.get(project).unwrap_or(&self.default);
        let left = || windows.iter().copied().filter(|window| told.is_none_or(|told| *window < told));
        match left().filter(|window| window.opens(ends) <= now).min() {
            Some(window) => Judged::Tell(window),
            None => left().max().map_or(Judged::Never, |next| Judged::Wait(next.opens(ends))),
        }
    }

    /// When an end is next to be looked at; `None` when it is not.
    pub(crate) fn due(
        &self,
        project: &ProjectId,
        ends: Timestamp,
        told: Option<Window>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        match self.judge(project, ends, told, now) {
            Judged::Tell(_) => Some(now),
            Judged::Wait(until) => Some(until),
            Judged::Never => None,
        }
    }
}

/// When a secret ends, and who knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The secret.
    pub secret: SecretId,
    /// Its expiration or the end of a certificate in it, whichever comes first.
    pub ends: Timestamp,
    /// The certificate in its payload, of several the one that ends first.
    pub certificate: Option<Certificate>,
    /// In which window people were last told of this end.
    pub told: Option<Window>,
    /// When to look at it next; `None` when there is nothing more to tell.
    pub due: Option<Timestamp>,
    /// Who knows, and will see to it.
    pub acknowledgement: Option<Acknowledgement>,
}

/// That somebody knows of an end. Nobody is told of that end any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// When it was given.
    pub at: Timestamp,
    /// Who gave it, by the name of the system's user.
    pub by: UserId,
    /// What they said; may be empty.
    pub note: String,
    /// Whether it is on record in the journal; only then does it hold.
    pub on_record: bool,
}

impl Ending {
    /// When that secret ends, with what its payload holds; nothing when it does not end.
    pub(crate) fn of(
        secret: &Secret,
        certificate: Option<Certificate>,
        windows: &Windows,
        now: Timestamp,
    ) -> Option<Self> {
        let read = certificate.as_ref().map(|certificate| certificate.ends);
        let ends = secret.expiration.into_iter().chain(read).min()?;
        let due = windows.due(&secret.project, ends, None, now);
        Some(Self { secret: secret.id, ends, certificate, told: None, due, acknowledgement: None })
    }

    /// What it is when it is newly found out, after what was known before. Whoever knows of the same end knows.
    pub(crate) fn after(self, before: Self) -> Self {
        if before.ends == self.ends { Self { certificate: self.certificate, ..before } } else { self }
    }

    /// Whether somebody knows, on record.
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledgement.as_ref().is_some_and(|given| given.on_record)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::EPOCH.plus_seconds(seconds)
    }

    fn windows(days: &[u16]) -> Windows {
        let default = days.iter().filter_map(|days| Window::new(*days)).collect();
        Windows { default, projects: BTreeMap::new() }
    }

    fn project() -> ProjectId {
        ProjectId::new("p").unwrap()
    }

    fn judged(windows: &Windows, told: Option<u16>, days_left: i64) -> Judged {
        let ends = at(1000 * DAY);
        windows.judge(&project(), ends, told.and_then(Window::new), ends.plus_seconds(-days_left * DAY))
    }

    #[test]
    fn only_the_narrowest_open_window_counts() {
        let usual = windows(&[90, 30, 7, 1]);
        let tell = |days| Judged::Tell(Window::new(days).unwrap());
        let wait = |days_left: i64| Judged::Wait(at((1000 - days_left) * DAY));
        for (told, days_left, expected) in [
            (None, 91, wait(90)),
            (None, 90, tell(90)),
            (None, 20, tell(30)),
            (Some(30), 20, wait(7)),
            (Some(90), 20, tell(30)),
            (Some(30), 7, tell(7)),
            (Some(90), 1, tell(1)),
            (Some(1), 0, Judged::Never),
            (Some(7), -29, tell(1)),
            (Some(7), -30, Judged::Never),
            (None, -31, Judged::Never),
        ] {
            assert_eq!(judged(&usual, told, days_left), expected, "{told:?}, {days_left} days left");
        }
        assert_eq!(judged(&windows(&[]), None, 1), Judged::Never);
    }

    #[test]
    fn a_project_has_its_own_windows_or_none() {
        let mut usual = windows(&[30]);
        usual.projects.insert(project(), Vec::new());
        assert_eq!(judged(&usual, None, 1), Judged::Never);
        usual.projects.insert(project(), vec![Window(5)]);
        assert_eq!(judged(&usual, None, 1), Judged::Tell(Window(5)));
    }

    proptest! {
        /// Looked at whenever it is due, and late at random, an end is told at most once in each window, in falling
        /// order, and in the narrowest one whatever happens before.
        #[test]
        fn each_window_is_told_once_and_the_last_never_missed(
            days in vec(1_u16..200, 1..6),
            entered in -250_i64..0,
            late in vec(0_i64..40 * DAY, 12),
        ) {
            let usual = windows(&days);
            let ends = at(0);
            let mut now = at(entered * DAY);
            let mut told = Vec::new();
            let mut late = late.into_iter();
            loop {
                match usual.judge(&project(), ends, told.last().copied(), now) {
                    Judged::Tell(window) => {
                        prop_assert!(window.opens(ends) <= now);
                        prop_assert!(told.last().is_none_or(|last| window < *last), "{window} after {told:?}");
                        told.push(window);
                    }
                    Judged::Wait(until) => {
                        prop_assert!(until > now);
                        now = until.plus_seconds(late.next().unwrap_or(0));
                    }
                    Judged::Never => break,
                }
            }
            let narrowest = usual.default.iter().copied().min();
            prop_assert!(told.last().copied() == narrowest || now >= at(LATE), "{told:?} at {now}");
        }

        /// Whatever window was told last, what is due next agrees with what is to be told then.
        #[test]
        fn what_is_due_is_told_when_it_is_due(
            days in vec(1_u16..200, 0..6),
            told in proptest::option::of(1_u16..200),
            now in -250 * DAY..40 * DAY,
        ) {
            let (usual, told) = (windows(&days), told.map(Window));
            match usual.due(&project(), at(0), told, at(now)) {
                None => prop_assert_eq!(usual.judge(&project(), at(0), told, at(now)), Judged::Never),
                Some(due) => {
                    let judged = usual.judge(&project(), at(0), told, due);
                    prop_assert!(matches!(judged, Judged::Tell(_)), "{judged:?}");
                    if due > at(now) {
                        let before = due.plus_seconds(-1);
                        prop_assert!(!matches!(usual.judge(&project(), at(0), told, before), Judged::Tell(_)));
                    }
                }
            }
        }
    }
}
