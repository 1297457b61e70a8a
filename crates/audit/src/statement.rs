//! What the journal's key signs: that the journal, up to a record, is as it was written, and what reports tell of it.

use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::public_key::PublicKey;

/// A signed statement about a journal up to and with one record. Since each record's hash covers all records
/// before it, this vouches for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// When it was signed.
    pub at: String,
    /// The journal.
    pub node: String,
    /// The segment of the last record that is vouched for.
    pub segment: u64,
    /// The number of the last record that is vouched for.
    pub through: u64,
    /// The hash of that record.
    pub through_hash: Hash,
    /// The key that signed.
    pub key: PublicKey,
    /// The signature, in hexadecimal digits.
    pub(crate) signature: String,
}

/// What a statement is for. Part of what is signed, so that one can't pass for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The journal goes on behind that record.
    Checkpoint,
    /// The segments up to and with that record were removed by the operator.
    Pruned,
    /// The text with that hash is a report about what the journal tells up to and with that record.
    Report(Hash),
}

impl Statement {
    /// Reads a checkpoint: its line in the journal, as a receiver has kept it.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text.trim()).ok()
    }

    /// Whether the key that it names signed it, for that purpose.
    pub(crate) fn is_signed(&self, purpose: Purpose) -> bool {
        let Ok(signature) = hex::decode(&self.signature) else { return false };
        self.key.verifies(&self.message(purpose), &signature)
    }

    /// The text that is signed. Nothing that comes before the time can hold a line break when it is as the
    /// journal wrote it, and the node is compared with the journal's own.
    pub(crate) fn message(&self, purpose: Purpose) -> Vec<u8> {
        let Self { at, node, segment, through, through_hash, .. } = self;
        let (purpose, about) = match purpose {
            Purpose::Checkpoint => ("checkpoint", String::new()),
            Purpose::Pruned => ("pruned", String::new()),
            Purpose::Report(hash) => ("report", format!("{hash}\n")),
        };
        format!("strongroom audit {purpose} 1\n{node}\n{segment}\n{through}\n{through_hash}\n{at}\n{about}")
            .into_bytes()
    }
}
