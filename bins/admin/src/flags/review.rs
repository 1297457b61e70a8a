use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use strongroom_runtime::ReviewFormat;

use super::operator::Operator;

#[derive(Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    /// Look at every secret, and write those that nobody seems to need into a file, to be decided on
    Start {
        /// The file to make (mode 0600)
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// How to write it
        #[arg(long, value_enum, default_value_t)]
        format: FileFormat,
        /// For how many days nobody has read what is unused
        #[arg(long, value_name = "DAYS", default_value_t = 365)]
        unread_days: u32,
        #[command(flatten)]
        operator: Operator,
    },
    /// Tell how the latest reviews stand
    Show,
    /// Take the file back, with `delete` or `keep` in the column `decision`
    Decide {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        operator: Operator,
    },
    /// Delete what was decided to be deleted, as far as nothing about it has changed, and sign the review off
    Apply {
        /// Even though deleted secrets can't be restored, since deletion.undo_days is 0
        #[arg(long)]
        for_good: bool,
    },
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum FileFormat {
    /// For a spreadsheet
    #[default]
    Csv,
    /// A JSON object a line
    Json,
}

impl From<FileFormat> for ReviewFormat {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Json => Self::Json,
        }
    }
}
