//! Backups: age files (age-encryption.org/v1), which the `age` tool opens as well. Written to public keys, so that
//! the machine that makes a backup can't read it.

mod error;
mod identities;
mod key_file;
mod recipients;
mod shares;

pub use error::BackupError;
pub use identities::Identities;
pub use key_file::{KeyBackup, back_up_key_file};
pub use recipients::Recipients;
pub use shares::{Shares, split_identity};
