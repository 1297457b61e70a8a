use std::fmt;

use crate::secret::Secret;
use crate::time::Timestamp;

const MICROS_A_DAY: i64 = 86_400_000_000;

/// A day (UTC), as whole days since 1970-01-01. When a secret was last read is known no finer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// The day of that instant.
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_micros().div_euclid(MICROS_A_DAY))
    }

    /// Its end, as far as there is such an instant.
    pub fn end(self) -> Option<Timestamp> {
        Timestamp::from_micros(self.0.checked_add(1)?.checked_mul(MICROS_A_DAY)?)
    }
}

/// A secret, and what there is to know about its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The secret.
    pub secret: Secret,
    /// When its payload was last read, if ever since reads are noted.
    pub last_read: Option<Day>,
    /// Whether somebody has registered as its consumer.
    pub is_used: bool,
    /// Whether it is in a container.
    pub is_member: bool,
}

/// What makes a secret one to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criteria {
    /// The time of the review.
    pub now: Timestamp,
    /// For how many days nobody has read it.
    pub unread_days: u32,
    /// Since when reads are noted: before, every secret may have been read.
    pub noted_since: Timestamp,
}

/// Why a secret is to be looked at. There may be several reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It does not expire, is in no container, has no consumer, and was not read for long.
    Unused,
    /// It has expired, so that nobody can read it, and is not destroyed yet.
    Expired,
    /// Its project is gone from the identity service.
    ProjectGone,
    /// Its project is disabled there.
    ProjectDisabled,
    /// The user who created it is gone from there.
    CreatorGone,
    /// The user who created it is disabled there.
    CreatorDisabled,
    /// Another secret has the same payload.
    SameMaterial,
}

impl Reason {
    const ALL: [Self; 7] = [
        Self::Unused,
        Self::Expired,
        Self::ProjectGone,
        Self::ProjectDisabled,
        Self::CreatorGone,
        Self::CreatorDisabled,
        Self::SameMaterial,
    ];

    /// Its name in review files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Expired => "expired",
            Self::ProjectGone => "project-gone",
            Self::ProjectDisabled => "project-disabled",
            Self::CreatorGone => "creator-gone",
            Self::CreatorDisabled => "creator-disabled",
            Self::SameMaterial => "same-material",
        }
    }

    /// The name read back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Whether it is about the secret's project or creator.
    pub fn is_of_owner(self) -> bool {
        matches!(self, Self::ProjectGone | Self::ProjectDisabled | Self::CreatorGone | Self::CreatorDisabled)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Criteria {
    /// Why the secret is to be looked at by what is known here about it alone, if it is.
    pub fn judge(&self, candidate: &Candidate) -> Option<Reason> {
        let Candidate { secret, last_read, is_used, is_member } = candidate;
        if secret.is_expired(self.now) {
            return Some(Reason::Expired);
        }
        let read = last_read.and_then(Day::end);
        let known = [Some(secret.created), Some(self.noted_since), read].into_iter().flatten().max();
        let unread_since = self.now.plus_seconds(-i64::from(self.unread_days) * 86_400);
        let unread = known.is_some_and(|known| known <= unread_since);
        (secret.expiration.is_none() && !is_used && !is_member && unread).then_some(Reason::Unused)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{ProjectId, SecretId};
    use crate::secret::SecretType;

    pub(in crate::review) fn day(number: i64) -> Timestamp {
        Timestamp::from_micros(number * MICROS_A_DAY).unwrap()
    }

    pub(in crate::review) fn candidate(
        created: i64,
        expiration: Option<i64>,
        last_read: Option<i64>,
    ) -> Candidate {
        let secret = Secret {
            id: SecretId::random(),
            project: ProjectId::new("p").unwrap(),
            creator: None,
            name: None,
            secret_type: SecretType::Opaque,
            algorithm: None,
            mode: None,
            bit_length: None,
            expiration: expiration.map(day),
            created: day(created),
            updated: day(created),
            content_type: None,
        };
        Candidate { secret, last_read: last_read.map(Day), is_used: false, is_member: false }
    }

    fn judge(candidate: &Candidate) -> Option<Reason> {
        Criteria { now: day(1000), unread_days: 100, noted_since: day(500) }.judge(candidate)
    }

    #[test]
    fn only_what_nothing_speaks_for_is_unused() {
        assert_eq!(judge(&candidate(1, None, None)), Some(Reason::Unused));
        assert_eq!(judge(&candidate(1, None, Some(899))), Some(Reason::Unused));
        assert_eq!(judge(&candidate(1, None, Some(900))), None, "it may have been in the day's last second");
        assert_eq!(judge(&candidate(950, None, None)), None);
        assert_eq!(judge(&candidate(1, Some(2000), None)), None);
        assert_eq!(judge(&candidate(1, Some(1000), Some(999))), Some(Reason::Expired));
        assert_eq!(judge(&Candidate { is_used: true, ..candidate(1, None, None) }), None);
        assert_eq!(judge(&Candidate { is_member: true, ..candidate(1, None, None) }), None);
        let late = Criteria { now: day(1000), unread_days: 100, noted_since: day(901) };
        assert_eq!(late.judge(&candidate(1, None, None)), None, "nobody knows whether it was read before");
    }

    #[test]
    fn reasons_read_back() {
        assert!(Reason::ALL.into_iter().all(|reason| Reason::parse(reason.as_str()) == Some(reason)));
        assert_eq!(Reason::parse("old"), None);
    }

    proptest! {
        /// The later it was read, the less it is unused; and a day holds every instant of it.
        #[test]
        fn a_read_never_makes_a_secret_unused(created in 0..1000_i64, read in 0..1000_i64, more in 0..50_i64) {
            let (earlier, later) = (candidate(created, None, Some(read)), candidate(created, None, Some(read + more)));
            prop_assert!(judge(&earlier).is_some() || judge(&later).is_none());
            let instant = day(read).plus_seconds(more * 1700);
            prop_assert_eq!(Day::of(instant), Day(read));
            prop_assert!(Day(read).end().unwrap() > instant);
        }
    }
}
