//! The audit journal: one file per question.

mod filter;
mod keys;
mod prune;
mod report;
mod search;
mod signed_report;
mod verify;
pub(crate) mod why_denied;

use strongroom_runtime::Settings;

pub(super) use self::filter::each;

use super::{CommandResult, Ended, row};
use crate::flags::{AuditCommand, Output};

/// `audit …`.
pub(crate) fn run(settings: &Settings, command: &AuditCommand, output: Output) -> CommandResult {
    match command {
        AuditCommand::Verify(asked) => verify::run(settings, asked, output),
        AuditCommand::VerifyReport(asked) => signed_report::run(asked, output),
        AuditCommand::PublicKey => keys::public_key(settings, output),
        AuditCommand::NewKey => keys::new_key(settings, output),
        AuditCommand::Checkpoint => keys::checkpoint(settings),
        AuditCommand::Tail { lines, follow, filter } => {
            search::run(settings, filter, *lines, *follow, output)
        }
        AuditCommand::Search(asked) => search::run(settings, asked, usize::MAX, false, output),
        AuditCommand::Report(asked) => report::run(settings, asked, output),
        AuditCommand::WhoRead(asked) => report::who_read(settings, asked, output),
        AuditCommand::Prune(asked) => prune::run(settings, asked, output),
    }
}
