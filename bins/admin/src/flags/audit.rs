use std::path::PathBuf;

use clap::{Args, Subcommand};
use strongroom_core::{Clock as _, SystemClock, Timestamp};

use super::span::span;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Prove that no record was altered, removed, added or moved
    Verify(Verify),
    /// Prove that a signed report, such as that of a rotation, is as it was signed; takes the public key alone
    VerifyReport(VerifyReport),
    /// Print the public key that proves the journal's checkpoints and reports
    PublicKey,
    /// Make a new signing key for a journal that has lost its own (with the server stopped)
    NewKey,
    /// Print the newest checkpoint, to be kept where nobody who can write the journal can write
    Checkpoint,
    /// Show the newest records
    Tail {
        /// How many
        #[arg(short = 'n', long, default_value_t = 20)]
        lines: usize,
        /// Go on with those that are made from now on, each on a line of its own, until interrupted
        #[arg(short, long)]
        follow: bool,
        #[command(flatten)]
        filter: Filter,
    },
    /// Show all records that are asked for, oldest first
    Search(Filter),
    /// Count what was done, refused and failed, and name who was refused most often
    Report(Filter),
    /// Tell who was given a secret's payload, how often and when
    WhoRead(WhoRead),
    /// Remove old journal files, leaving a signed statement at which verifications begin
    Prune(Prune),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A public key that may have signed, as `audit public-key` printed it; may be given several times. Without
    /// one, the journal is believed which keys are its own
    #[arg(long = "public-key", value_name = "FILE")]
    pub(crate) public_keys: Vec<PathBuf>,
    /// A checkpoint kept elsewhere: finds records that were cut off the journal's end
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyReport {
    /// The report
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A public key that may have signed, as `audit public-key` printed it; may be given several times
    #[arg(long = "public-key", value_name = "KEY", required = true)]
    pub(crate) public_keys: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Remove files all of whose records are older than this, such as 2026-01-31
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) before: Timestamp,
}

/// Which records; all that is given has to fit.
#[derive(Debug, Default, Args)]
pub(crate) struct Filter {
    /// Of that user
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Of callers in that project
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// About that secret
    #[arg(long, value_name = "ID")]
    pub(crate) secret: Option<String>,
    /// With that request id, ours or the caller's own
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<String>,
    /// Of that action, such as secret.payload.read
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// That ended so: success, refused, failed, unknown, settleddone or settledundone
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    /// From then on, such as 2026-01-31, 2026-01-31T12:00, or 7d for a week ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Before then
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct WhoRead {
    /// The secret's id
    pub(crate) secret: String,
    /// From then on, such as 2026-01-31, 2026-01-31T12:00, or 7d for a week ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Before then
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
}

/// An instant as the API takes it too.
fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

/// An instant, or how long ago it was. Not for what can't be undone: `2m` are minutes, and may be meant for months.
fn time(text: &str) -> Result<Timestamp, String> {
    match (instant(text), span(text)) {
        (Ok(instant), _) => Ok(instant),
        (Err(_), Ok(ago)) => Ok(SystemClock.now().plus_seconds(-i64::from(ago))),
        (Err(error), Err(_)) => Err(format!("{error}, nor how long ago, such as 12h or 7d")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_an_instant_or_how_long_ago_it_was() {
        assert_eq!(time("2026-01-31"), Ok(Timestamp::parse("2026-01-31T00:00:00Z").unwrap()));
        let (before, week_ago) = (SystemClock.now(), time("7d").unwrap());
        let passed = week_ago.plus_seconds(7 * 24 * 3600).as_micros() - before.as_micros();
        assert!((0..60_000_000).contains(&passed), "{passed}");
        assert!(instant("7d").is_err());
        let refused = time("7y").unwrap_err();
        assert_eq!(refused, "not an ISO 8601 date or time, nor how long ago, such as 12h or 7d");
    }
}
