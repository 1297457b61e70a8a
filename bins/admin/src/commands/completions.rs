use std::io;

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::flags::Flags;

/// Prints the completions.
pub(crate) fn run(shell: Shell) {
    generate(shell, &mut Flags::command(), "strongroom-admin", &mut io::stdout());
}
