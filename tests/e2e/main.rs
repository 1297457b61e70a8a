//! End-to-end tests: one binary, so that it is linked once; one module for each thing promised.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod acls;
mod consumers;
mod containers;
mod cors;
mod create;
mod discovery;
mod durability;
mod first_run;
mod isolation;
mod orders;
mod paging;
mod quotas;
mod stores;
mod transport_keys;
mod upload;
