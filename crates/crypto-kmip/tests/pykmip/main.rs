//! The client and the backend against a real server, PyKMIP's, and beside it one that lies.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod client;
mod conformance;
mod failures;
mod fixture;
#[path = "../../../../tests/src/kmip_server.rs"]
#[expect(unreachable_pub, reason = "shared with the tests of the whole service")]
mod kmip_server;
mod liar;
mod objects;
mod sweep;
