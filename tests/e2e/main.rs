//! End-to-end tests: one binary, so that it is linked once; one module for each thing promised.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod durability;
mod first_run;
