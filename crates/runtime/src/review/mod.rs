//! Reviews of secrets that nobody seems to need: a file goes out to be decided on, and comes back.

mod decide;
mod file;
mod materials;
mod owners;
mod start;

pub use decide::{Decided, Problem as ReviewProblem, apply_review_here, begin_to_apply, decide_review};
pub use file::Format as ReviewFormat;
pub use start::{ReviewRequest, Started as StartedReview, latest_reviews, start_review};

/// What a review could not look at.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unchecked {
    /// What, in words.
    pub what: String,
    /// Why not.
    pub why: String,
}
