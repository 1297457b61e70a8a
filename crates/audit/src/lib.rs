#![doc = include_str!("../README.md")]

mod chain;
mod changes;
mod entry;
mod error;
mod finding;
mod folder;
mod hash;
mod header;
mod journal;
mod line;
mod lines;
mod outage;
mod queue;
mod records;
mod scan;
mod segment;
mod start;
mod status;
mod verify;
mod writer;

pub use error::{Damage, FileError, OpenError};
pub use finding::{Defect, Finding};
pub use hash::Hash;
pub use journal::{Journal, Options};
pub use records::{Record, Records};
pub use status::Stats;
pub use verify::{Report, VerifyError, verify};
