//! Against real PKCS#11 modules: SoftHSM2, as it is and behind a module that fails when told to. Each test runs
//! in a process of its own, with tokens of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod check;
mod conformance;
mod custody;
mod failover;
mod ladder;
mod pin;
mod support;
