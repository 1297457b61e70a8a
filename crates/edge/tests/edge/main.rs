//! The edge around a service that tells what it was told.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod crowd;
mod limits;
mod proxies;
mod requests;
mod revocation;
mod sources;
mod support;
mod tls;
