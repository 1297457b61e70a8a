use serde::{Deserialize, Serialize};

use crate::changes::Listed;
use crate::hash::Hash;
use crate::public_key::PublicKey;

/// The format of segments that this crate writes and reads.
pub(crate) const FORMAT: u32 = 1;

/// A segment's first record: all that has to be known to read on from here.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    /// When the segment was begun.
    pub(crate) at: String,
    /// [`FORMAT`].
    pub(crate) format: u32,
    /// Whose journal it is.
    pub(crate) node: String,
    /// The segment's number, as in its file's name.
    pub(crate) segment: u64,
    /// The hash of the record before this one.
    pub(crate) previous: Hash,
    /// The key that signs the segment's checkpoints.
    pub(crate) key: PublicKey,
    /// Changes whose intent is in an earlier segment and whose outcome is not.
    pub(crate) open: Vec<Listed>,
    /// Why the segment before ended early.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) after: Option<Incident>,
}

impl Header {
    /// The header of a node's first segment, before which there is nothing.
    pub(crate) fn first(node: &str, at: String, key: PublicKey) -> Self {
        Self {
            at,
            format: FORMAT,
            node: node.to_owned(),
            segment: 1,
            previous: Hash::first(node),
            key,
            open: Vec::new(),
            after: None,
        }
    }
}

/// Why a segment ended early. The next one's header puts it on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub(crate) enum Incident {
    /// A write or its sync failed. Nothing acknowledged was lost.
    WriteFailed {
        /// What the system said.
        reason: String,
    },
    /// A crash left an unfinished write, which was cut off and kept. Nothing acknowledged was lost.
    TornTail {
        /// Bytes cut off.
        bytes: u64,
        /// The file that has them, beside the segment.
        kept: String,
    },
    /// Somebody else changed or removed the segment.
    Tampered {
        /// What was found.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        for after in [
            None,
            Some(Incident::WriteFailed { reason: "No space left on device".to_owned() }),
            Some(Incident::TornTail { bytes: 7, kept: "0000000001.jsonl.torn".to_owned() }),
            Some(Incident::Tampered { found: "it was removed".to_owned() }),
        ] {
            let key = PublicKey::from_bytes(&[7; 32]).unwrap();
            let header = Header { after, ..Header::first("n", "1970-01-01T00:00:00".to_owned(), key) };
            let text = serde_json::to_string(&header).unwrap();
            let read: Header = serde_json::from_str(&text).unwrap();
            assert_eq!((read.previous, read.after), (header.previous, header.after), "{text}");
        }
    }
}
