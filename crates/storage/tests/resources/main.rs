//! How any repository behaves, asked through the ports only, and what a damaged SQLite database makes of it.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod acls;
mod consumers;
mod containers;
mod corrupt;
mod disposals;
mod endings;
mod orders;
mod quotas;
mod reviews;
mod secrets;
mod support;
mod transport_keys;
mod undo;
