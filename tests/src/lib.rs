//! What the end-to-end tests stand on: the real server as a process, an HTTP client, the journal's records.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod client;
mod eventually;
mod journal;
mod keystone;
mod kmip_server;
mod program;
mod relay;
mod server;
mod small_disk;
mod wire;

pub use client::{Client, Reply};
pub use eventually::eventually;
pub use journal::{outcomes, records};
pub use keystone::{Keystone, Project, User, write_private};
pub use kmip_server::{KmipServer, Validity};
pub use program::{Ended, admin, kmip_python, program, python, run};
pub use relay::{Passage, Relay};
pub use server::Server;
pub use small_disk::SmallDisk;
pub use wire::Wire;

/// The version of the database's schema that the binaries work with.
pub const SCHEMA_VERSION: u32 = 8;
