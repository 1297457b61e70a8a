//! Against real PKCS#11 modules: SoftHSM2 and kryoptic, as they are and behind a module that fails when told to.
//! Each test runs in a process of its own, with tokens of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

// Its macro is for those below.
#[macro_use]
mod support;

mod cbc_hmac;
mod check;
mod conformance;
mod custody;
mod failover;
mod ladder;
mod pin;
