use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Who can open what is sealed.
#[derive(Debug, Args)]
pub(crate) struct Sealing {
    /// A public key of the age format (age1…), whose owner can open it; may be given several times
    #[arg(long = "recipient", value_name = "KEY")]
    pub(crate) recipients: Vec<String>,
    /// A file with public keys, one a line; may be given several times
    #[arg(long = "recipients-file", value_name = "FILE")]
    pub(crate) recipients_files: Vec<PathBuf>,
    /// Instead: make a key of its own and split it, so that any M of N shares open it
    #[arg(long, value_name = "M/N", requires = "shares_dir", conflicts_with_all = ["recipients", "recipients_files"])]
    pub(crate) shares: Option<String>,
    /// Where to put the shares, one file each; move each to a place of its own
    #[arg(long, value_name = "DIR", requires = "shares")]
    pub(crate) shares_dir: Option<PathBuf>,
}

/// What opens what is sealed.
#[derive(Debug, Args)]
#[group(id = "opening", required = true, multiple = false)]
pub(crate) struct Opening {
    /// A file with a private key, as age-keygen makes it
    #[arg(long, value_name = "FILE", group = "opening")]
    pub(crate) identity: Option<PathBuf>,
    /// A share of a private key; as many as are needed
    #[arg(long = "share", value_name = "FILE", group = "opening")]
    pub(crate) shares: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Write a sealed copy of database, settings and journal's end to a new file, while the server serves
    Create {
        /// The file to make
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        sealing: Sealing,
    },
    /// Restore it into a scratch folder, look at all of it, and open samples with the master key at hand
    Verify {
        /// The backup
        file: PathBuf,
        #[command(flatten)]
        opening: Opening,
    },
    /// Put its database in place on a machine that has none, and begin a new journal
    Restore {
        /// The backup
        file: PathBuf,
        #[command(flatten)]
        opening: Opening,
    },
}
