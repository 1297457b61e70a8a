use std::path::PathBuf;

use clap::{Args, Subcommand};
use strongroom_core::{SecretId, Timestamp};

use super::operator::Operator;
use super::span::span;

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
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = span)]
    pub(crate) overlap: u32,
    /// When the new one expires, in ISO 8601, or `never`; as the old one unless given
    #[arg(long, value_name = "TIME", value_parser = expiration)]
    pub(crate) expiration: Option<Expiration>,
}

/// When a secret expires, if ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiration(pub(crate) Option<Timestamp>);

/// An id alone, or at the end of a reference.
pub(super) fn secret(text: &str) -> Result<SecretId, String> {
    let id = text.rsplit('/').next().unwrap_or(text);
    SecretId::parse(id).map_err(|error| error.to_string())
}

fn expiration(text: &str) -> Result<Expiration, String> {
    if text == "never" {
        return Ok(Expiration(None));
    }
    Timestamp::parse(text).map(|at| Expiration(Some(at))).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_by_its_id_or_its_reference() {
        let id = SecretId::random();
        assert_eq!(secret(&id.to_string()), Ok(id));
        assert_eq!(secret(&format!("https://kms.example:9311/v1/secrets/{id}")), Ok(id));
        assert!(secret("https://kms.example/v1/secrets/").is_err());
    }
}
