use std::collections::HashMap;
use std::time::Duration;

use crate::alert::Subject;

/// Subjects that are told one by one within the quiet time of a rule; others are told together.
const MOST: usize = 32;

/// Sees to it that each burst is told once, and that many at once are not told one by one.
pub(crate) struct Quiet {
    period: i64,
    /// Until when nothing more is told of whom, in microseconds.
    told: HashMap<Subject, i64>,
}

impl Quiet {
    pub(crate) fn new(period: Duration) -> Self {
        Self { period: i64::try_from(period.as_micros()).unwrap_or(i64::MAX), told: HashMap::new() }
    }

    /// Whom to tell of, if of anybody.
    pub(crate) fn admit(&mut self, subject: Subject, now: i64) -> Option<Subject> {
        self.told.retain(|_, until| *until > now);
        if self.told.contains_key(&subject) {
            return None;
        }
        let others = self.told.len() - usize::from(self.told.contains_key(&Subject::Many));
        let subject = if others < MOST { subject } else { Subject::Many };
        if self.told.contains_key(&subject) {
            return None;
        }
        self.told.insert(subject.clone(), now.saturating_add(self.period));
        Some(subject)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn source(number: u32) -> Subject {
        Subject::Source(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn each_is_told_once_and_many_together() {
        let mut quiet = Quiet::new(Duration::from_secs(10));
        assert_eq!(quiet.admit(source(1), 0), Some(source(1)));
        assert_eq!(quiet.admit(source(1), 9_999_999), None);
        assert_eq!(quiet.admit(source(1), 10_000_000), Some(source(1)));
        let told = (2..100).filter_map(|number| quiet.admit(source(number), 10_000_001));
        assert_eq!(told.collect::<Vec<_>>(), (2..33).map(source).chain([Subject::Many]).collect::<Vec<_>>());
        assert_eq!(quiet.told.len(), MOST + 1);
        assert_eq!(quiet.admit(Subject::Many, 10_000_002), None);
        assert_eq!(quiet.admit(source(50), 20_000_002), Some(source(50)));
    }
}
