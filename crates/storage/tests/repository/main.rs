//! What a repository must do, whichever database it is in, and what SQLite's must do besides.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod behaviour;
mod commits;
mod damage;
mod fixture;
mod listing;
mod model;
mod opening;
