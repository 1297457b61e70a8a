use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use super::{CommandResult, Ended};
use crate::flags::Flags;
use crate::print;

/// Prints the completions.
pub(crate) fn run(shell: Shell) -> CommandResult {
    let mut script = Vec::new();
    generate(shell, &mut Flags::command(), "strongroom-admin", &mut script);
    print::text(&String::from_utf8(script)?)?;
    Ok(Ended::Well)
}
