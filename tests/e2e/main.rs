//! End-to-end tests: one binary, so that it is linked once; one module for each thing promised.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod access;
mod admin;
mod audit_records;
mod clients;
mod create;
mod delete;
mod discovery;
mod durability;
mod errors;
mod first_run;
mod hostile;
mod lifecycle;
mod list;
mod metadata;
mod outage;
mod paging;
mod read;
mod secrecy;
mod starts;
mod upload;
