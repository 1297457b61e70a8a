//! What operators and their instruments see of a running server: whether it lives, whether it is ready and what it
//! waits for, and its metrics. On a listener of its own, for it asks nobody who they are.

mod answers;
mod listener;
mod readiness;
mod socket;

pub(crate) use answers::Desk;
pub(crate) use listener::{AtWork, OperatorListener};
pub(crate) use readiness::Readiness;
