use std::path::PathBuf;

use clap::{Args, Subcommand};
use strongroom_core::{SecretId, Timestamp, UserId};

/// Who asks, for the journal.
#[derive(Debug, Clone, Args)]
pub(crate) struct Operator {
    /// Who asks, for the journal; without it, who has logged in
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeletedCommand {
    /// List deleted secrets that can be restored, the longest deleted first
    List {
        /// Only those of this project
        #[arg(long, value_name = "PROJECT")]
        project: Option<String>,
    },
    /// Bring a deleted secret back, with its ACL, metadata and consumers, and into the containers that are left
    Restore {
        #[command(flatten)]
        which: Which,
    },
    /// Destroy a deleted secret now
    Purge {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The secret's id or reference
    #[arg(value_parser = secret)]
    pub(crate) secret: SecretId,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Put a new secret in a secret's place: in its containers, and for its consumers; later, delete the old one
    Replace(Replace),
}

#[derive(Debug, Args)]
pub(crate) struct Replace {
    #[command(flatten)]
    pub(crate) which: Which,
    /// A file with the new payload, byte for byte; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) payload_file: PathBuf,
    /// How long the old secret stays readable besides, such as 12h or 7d
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = seconds)]
    pub(crate) overlap: u32,
    /// When the new one expires, in ISO 8601, or `never`; as the old one unless given
    #[arg(long, value_name = "TIME", value_parser = expiration)]
    pub(crate) expiration: Option<Expiration>,
}

/// When a secret expires, if ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiration(pub(crate) Option<Timestamp>);

impl Operator {
    /// The name given, else that of who has logged in: before `sudo`, if that was used.
    pub(crate) fn name(&self) -> Result<UserId, String> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut known = ["SUDO_USER", "LOGNAME", "USER"].into_iter().filter_map(variable);
        let name = self.operator.clone().or_else(|| known.next());
        let name = name.ok_or("who asks? Say it with --operator NAME: the journal keeps it")?;
        UserId::new(name).map_err(|error| format!("--operator: {error}"))
    }
}

/// An id alone, or at the end of a reference.
fn secret(text: &str) -> Result<SecretId, String> {
    let id = text.rsplit('/').next().unwrap_or(text);
    SecretId::parse(id).map_err(|error| error.to_string())
}

fn expiration(text: &str) -> Result<Expiration, String> {
    if text == "never" {
        return Ok(Expiration(None));
    }
    Timestamp::parse(text).map(|at| Expiration(Some(at))).map_err(|error| error.to_string())
}

/// A number with its unit: s, m, h or d. No unit is no answer to "how long".
fn seconds(text: &str) -> Result<u32, String> {
    const WANTED: &str = "give a whole number with s, m, h or d after it, such as 7d, or 0";
    if text == "0" {
        return Ok(0);
    }
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => return Err(WANTED.to_owned()),
    };
    let number = text.get(..text.len() - 1).and_then(|number| number.parse::<u32>().ok());
    number.and_then(|number| number.checked_mul(unit)).ok_or_else(|| WANTED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let read = ["0", "0d", "90s", "5m", "12h", "7d"].map(seconds);
        assert_eq!(read.map(Result::unwrap), [0, 0, 90, 300, 43_200, 604_800]);
        for bad in ["", "7", "d", "-1d", "1.5h", "7 d", "7w", "5000000000s", "99999999d", "é"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_named_by_its_id_or_its_reference() {
        let id = SecretId::random();
        assert_eq!(secret(&id.to_string()), Ok(id));
        assert_eq!(secret(&format!("https://kms.example:9311/v1/secrets/{id}")), Ok(id));
        assert!(secret("https://kms.example/v1/secrets/").is_err());
    }
}
