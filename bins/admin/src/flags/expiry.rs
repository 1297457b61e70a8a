use clap::Subcommand;
use strongroom_core::SecretId;

use super::operator::Operator;
use super::secret::secret;
use super::span::span;

#[derive(Debug, Subcommand)]
pub(crate) enum ExpiryCommand {
    /// Show secrets that end soon, and certificates that have ended, in the order of their ends
    List {
        /// How soon, such as 12h, 30d or 8w
        #[arg(long, value_name = "TIME", default_value = "30d", value_parser = span)]
        within: u32,
        /// One project's; those of all projects unless given
        #[arg(long, value_name = "PROJECT")]
        project: Option<String>,
    },
    /// Note that you know of a secret's end: nobody is told of it any more
    Ack {
        /// The secret's id or reference
        #[arg(value_parser = secret)]
        secret: SecretId,
        /// What you are going to do about it
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        operator: Operator,
    },
    /// Read the certificates that an earlier version stored without looking at them; goes on from where it was cut off
    Scan,
}
