//! All that is SQLite's own: opening and locking the file, its settings, its upgrade, its words for what
//! went wrong.

mod check;
mod connection;
mod create;
mod failure;
mod header;
mod lock;
mod log;
mod open;
mod schema;
mod snapshot;
mod text;
mod watch;

pub(crate) use check::check;
pub(crate) use failure::{commit_error, storage_error};
pub(crate) use lock::Lock;
pub use lock::is_in_use;
pub(crate) use log::{empty_log, relax};
pub use open::{OpenOptions, SchemaStatus, schema_status, upgrade};
pub(crate) use open::{Opened, open, open_beside, open_read_only};
pub use snapshot::snapshot;
pub(crate) use text::instr;
pub(crate) use watch::Watch;
