#![doc = include_str!("../README.md")]

mod ahead;
mod chain;
mod changes;
mod entry;
mod error;
mod finding;
mod folder;
mod forward;
mod hash;
mod header;
mod journal;
mod line;
mod lines;
mod outage;
mod position;
mod pruned;
mod public_key;
mod queue;
mod records;
mod scan;
mod segment;
mod signed_report;
mod signer;
mod signing_key;
mod start;
mod statement;
mod status;
mod tampering;
mod verify;
mod walk;
mod writer;

pub use error::{Damage, FileError, OpenError};
pub use finding::{Defect, Finding};
pub use forward::{
    Backlog, Destination, ForwardError, ForwarderOptions, ForwarderStatus, Forwarding, Gate, backlog,
};
pub use hash::Hash;
pub use journal::{Journal, Options};
pub use pruned::{PruneError, Pruned, last_checkpoint, prune};
pub use public_key::{InvalidPublicKey, PublicKey};
pub use records::{Record, Records};
pub use signed_report::{
    ReportRefusal, SignReportError, SignedReport, find_report, read_report, report_path, write_report,
};
pub use signing_key::{SigningKeyError, new_signing_key, public_key};
pub use statement::Statement;
pub use status::Stats;
pub use verify::{Report, Trust, VerifyError, verify};
