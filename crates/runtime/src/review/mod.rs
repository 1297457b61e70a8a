//! Reviews of secrets that nobody seems to need: a file goes out to be decided on, and comes back.

mod decide;
mod file;
mod start;

pub use decide::{Decided, Problem as ReviewProblem, apply_review_here, begin_to_apply, decide_review};
pub use file::Format as ReviewFormat;
pub use start::{latest_reviews, start_review};
