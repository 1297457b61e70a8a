//! What is deleted and can still be restored.

use crate::id::UserId;
use crate::secret::Secret;
use crate::time::Timestamp;

/// A deleted secret that has not been destroyed yet. No client sees it, and no question about secrets finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The secret, as it was.
    pub secret: Secret,
    /// When it was deleted.
    pub at: Timestamp,
    /// By whom; absent when that was nobody in particular.
    pub by: Option<UserId>,
}

/// For how long what is deleted can be restored. It is counted from the deletion by whatever is set when somebody
/// looks: a longer time is a longer time for what is deleted already, too, and so is a shorter one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UndoWindow {
    /// In seconds; with 0, which is the default, a deleted secret is destroyed at once.
    pub seconds: u32,
}

impl UndoWindow {
    /// Whether anything can be restored at all.
    pub fn is_open(self) -> bool {
        self.seconds > 0
    }

    /// What was deleted then or earlier can't be restored any more.
    pub fn over_before(self, now: Timestamp) -> Timestamp {
        now.plus_seconds(-i64::from(self.seconds))
    }

    /// Until when what was deleted at that time can be restored.
    pub fn end(self, deleted: Timestamp) -> Timestamp {
        deleted.plus_seconds(i64::from(self.seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_is_set_anew_holds_for_what_was_deleted_before() {
        let deleted = Timestamp::parse("2050-01-01T00:00:00").unwrap();
        let now = deleted.plus_seconds(100);
        let over = |seconds| deleted <= UndoWindow { seconds }.over_before(now);
        assert_eq!([0, 99, 100, 101, 1_000_000].map(over), [true, true, true, false, false]);
        assert_eq!(UndoWindow { seconds: 7 }.end(deleted), deleted.plus_seconds(7));
    }
}
