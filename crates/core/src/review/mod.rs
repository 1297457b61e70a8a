//! Secrets that nobody seems to need: which they are, and what somebody has decided about them.

mod candidate;
mod twins;

pub use self::candidate::{Candidate, Criteria, Day, Reason};
pub use self::twins::Twins;

use crate::id::{ReviewId, SecretId, UserId};
use crate::ports::Milestone;
use crate::time::Timestamp;

/// The name under which the end of a review is noted.
pub const MILESTONE: &str = "orphan-review";
/// The name under which it is noted since when reads are.
pub const READS_NOTED: &str = "reads-noted";

/// One review, from its beginning to its sign-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// Who began it, and later who decided.
    pub operator: UserId,
    /// When it was begun.
    pub started: Timestamp,
    /// For how many days nobody has read what it lists.
    pub unread_days: u32,
    /// How many secrets were looked at.
    pub looked: u64,
    /// How many of them it lists.
    pub listed: u64,
    /// How far it has come.
    pub stage: ReviewStage,
    /// SHA-256 of the file with the decisions, in hexadecimal digits.
    pub file: Option<String>,
    /// How many secrets were to be deleted.
    pub condemned: u64,
    /// How many of those were.
    pub deleted: u64,
    /// How many of those were not, since something about them had changed.
    pub spared: u64,
    /// When it was signed off.
    pub ended: Option<Timestamp>,
    /// How many projects and users could not be looked up; nothing where there is nobody to ask.
    pub owners_unknown: Option<u64>,
    /// Of how many payloads it is not known which others have the same bytes; nothing where nobody looked.
    pub materials_unknown: Option<u64>,
}

impl Review {
    /// What makes a secret one that this review lists at that time.
    pub fn criteria(&self, milestones: &[Milestone], now: Timestamp) -> Criteria {
        let noted = milestones.iter().find(|milestone| milestone.name == READS_NOTED);
        Criteria { now, unread_days: self.unread_days, noted_since: noted.map_or(now, |noted| noted.at) }
    }
}

/// How far a review has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewStage {
    /// Its file is out for decisions.
    Open,
    /// The decisions are in.
    Decided,
    /// They are being carried out.
    Applying,
    /// It is signed off.
    Done,
}

impl ReviewStage {
    const ALL: [Self; 4] = [Self::Open, Self::Decided, Self::Applying, Self::Done];

    /// Its name in the database and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Decided => "decided",
            Self::Applying => "applying",
            Self::Done => "done",
        }
    }

    /// The stored name read back.
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }
}

/// A secret that is to be deleted, unless it has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condemned {
    /// The secret.
    pub secret: SecretId,
    /// When it had last changed when that was decided.
    pub updated: Timestamp,
    /// Whether its project or its creator was gone or disabled then.
    pub orphaned: bool,
    /// A secret with the same payload.
    pub twin: Option<SecretId>,
}

impl Condemned {
    /// Whether it may be deleted still: it is as it was when that was decided, and would be listed again by what is
    /// known here. What was listed for its owner or its twin must not have been read since, and the twin be there.
    pub fn stands(
        &self,
        review: &Review,
        criteria: &Criteria,
        found: &Candidate,
        twin: Option<&Candidate>,
    ) -> bool {
        let is_read = found.last_read.is_some_and(|day| day >= Day::of(review.started));
        let has_twin = twin.is_some_and(|twin| !twin.secret.is_expired(criteria.now));
        let stands = criteria.judge(found).is_some() || (!is_read && (self.orphaned || has_twin));
        found.secret.updated == self.updated && stands
    }
}

#[cfg(test)]
mod tests {
    use super::candidate::tests::{candidate, day};
    use super::*;

    #[test]
    fn stages_read_back() {
        assert!(
            ReviewStage::ALL.into_iter().all(|stage| ReviewStage::from_stored(stage.as_str()) == Some(stage))
        );
        assert_eq!(ReviewStage::from_stored("over"), None);
    }

    /// One that somebody uses.
    fn used(expiration: Option<i64>, last_read: Option<i64>) -> Candidate {
        Candidate { is_used: true, ..candidate(990, expiration, last_read) }
    }

    #[test]
    fn what_is_condemned_for_its_owner_or_its_twin_stands_until_it_is_read() {
        let review = Review {
            id: ReviewId::random(),
            operator: UserId::new("olga").unwrap(),
            started: day(1000),
            unread_days: 100,
            looked: 0,
            listed: 0,
            stage: ReviewStage::Applying,
            file: None,
            condemned: 0,
            deleted: 0,
            spared: 0,
            ended: None,
            owners_unknown: None,
            materials_unknown: None,
        };
        let criteria = Criteria { now: day(1010), unread_days: 100, noted_since: day(1) };
        let stands = |orphaned, twin: Option<&Candidate>, last_read| {
            let found = used(None, last_read);
            let twin_id = twin.map(|twin| twin.secret.id);
            let condemned = Condemned { secret: found.secret.id, updated: day(990), orphaned, twin: twin_id };
            let changed = Condemned { updated: day(989), ..condemned };
            assert!(!changed.stands(&review, &criteria, &found, twin), "it has changed");
            condemned.stands(&review, &criteria, &found, twin)
        };
        let (there, expired) = (used(None, None), used(Some(1009), None));
        assert!(!stands(false, None, None), "somebody uses it");
        assert!(stands(true, None, None) && stands(true, None, Some(999)));
        assert!(!stands(true, None, Some(1000)), "somebody in the project is back");
        assert!(stands(false, Some(&there), None) && !stands(false, Some(&there), Some(1005)));
        assert!(!stands(false, Some(&expired), None), "it would be the last one that can be read");
    }
}
