//! One file per command.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod db;
pub(crate) mod deleted;
pub(crate) mod doctor;
mod errand;
pub(crate) mod expiry;
pub(crate) mod hsm;
mod hsm_drill;
pub(crate) mod kmip;
pub(crate) mod master_key;
pub(crate) mod notices;
pub(crate) mod policy;
pub(crate) mod review;
pub(crate) mod rotation;
pub(crate) mod secret;
pub(crate) mod store;
pub(crate) mod support_bundle;
pub(crate) mod sweep;

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Done, and what was checked is sound.
    Well,
    /// What was checked is not sound.
    Unsound,
    /// The command line or the settings can't be used.
    Unusable,
    /// It could not be done.
    Failed,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(match ended {
            Ended::Well => 0,
            Ended::Unsound => 1,
            Ended::Unusable => 2,
            Ended::Failed => 3,
        })
    }
}

/// What a command gives; an error means that it could not be done.
pub(crate) type CommandResult = Result<Ended, Box<dyn std::error::Error>>;

/// A row of a table.
pub(crate) fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}
