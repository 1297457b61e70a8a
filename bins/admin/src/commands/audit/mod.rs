//! The audit journal: one file per question.

mod keys;
mod prune;
mod verify;

use strongroom_runtime::Settings;

use super::{CommandResult, Ended, row};
use crate::flags::{AuditCommand, Output};

/// `audit …`.
pub(crate) fn run(settings: &Settings, command: &AuditCommand, output: Output) -> CommandResult {
    match command {
        AuditCommand::Verify(asked) => verify::run(settings, asked, output),
        AuditCommand::PublicKey => keys::public_key(settings, output),
        AuditCommand::NewKey => keys::new_key(settings, output),
        AuditCommand::Checkpoint => keys::checkpoint(settings),
        AuditCommand::Prune(asked) => prune::run(settings, asked, output),
    }
}
