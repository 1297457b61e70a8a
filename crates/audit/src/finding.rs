use std::fmt;

use crate::public_key::PublicKey;

/// One place where a journal is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the file.
    pub file: String,
    /// The line in the segment's file, from 1; absent when it is about the whole file.
    pub line: Option<u64>,
    /// The number that the record there states, when it can be read.
    pub seq: Option<u64>,
    /// What is wrong.
    pub defect: Defect,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        if let Some(seq) = self.seq {
            write!(f, " (record {seq})")?;
        }
        write!(f, ": {}", self.defect)
    }
}

/// What can be wrong with a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// The record's hash does not follow from its text and the record before.
    Edited,
    /// Records are gone before this one.
    Removed {
        /// The first that is gone.
        from: u64,
        /// The last that is gone.
        to: u64,
    },
    /// The record does not belong here.
    Inserted,
    /// The record stands before the one that it followed.
    Reordered,
    /// The line is not of the journal's form.
    Malformed,
    /// Segments are gone before this one.
    MissingSegments {
        /// The first that is gone.
        from: u64,
        /// The last that is gone.
        to: u64,
    },
    /// The segment does not begin with a header of its own number, node and format.
    WrongHeader,
    /// The file that names the node is missing or names another.
    WrongNode,
    /// The writer found the segment before tampered with, and put that on record here.
    Declared {
        /// What it found.
        found: String,
    },
    /// The checkpoint is not signed by the key that it names, or vouches for something else.
    WrongSignature,
    /// It is signed by a key that is not trusted.
    ForeignKey {
        /// The key.
        key: PublicKey,
    },
    /// A segment was ended in good order, and its last record is no checkpoint.
    Unsigned,
    /// The record is not the one that a statement, signed at that time, vouches for.
    NotAsSigned {
        /// When that was signed.
        at: String,
    },
    /// Records that a checkpoint vouches for are gone from the journal's end.
    CutTail {
        /// The first that is gone.
        from: u64,
        /// The last that is known to be gone.
        to: u64,
        /// When the checkpoint was signed.
        at: String,
    },
    /// The file ends within a line, and nobody is writing it. The next start cuts that off, if a crash left it.
    TornTail {
        /// Bytes of the unfinished line.
        bytes: u64,
    },
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited => f.write_str("edited: the record, or the hash of the one before, was altered"),
            Self::Removed { from, to } if from == to => write!(f, "removed: record {from} is gone before it"),
            Self::Removed { from, to } => write!(f, "removed: records {from} to {to} are gone before it"),
            Self::Inserted => f.write_str("inserted: the record does not belong here"),
            Self::Reordered => f.write_str("reordered: the record stands before the one that it followed"),
            Self::Malformed => f.write_str("edited: the line is not of a record's form"),
            Self::MissingSegments { from, to } if from == to => {
                write!(f, "missing segment: segment {from} is gone before it")
            }
            Self::MissingSegments { from, to } => {
                write!(f, "missing segments: segments {from} to {to} are gone before it")
            }
            Self::WrongHeader => f.write_str("replaced: it does not begin with the header of this segment"),
            Self::WrongNode => {
                f.write_str("missing or replaced: it does not name the node whose journal this is")
            }
            Self::Declared { found } => {
                write!(f, "tampered with: the writer put on record about the segment before that {found}")
            }
            Self::WrongSignature => {
                f.write_str("forged: the checkpoint's signature does not prove what stands before it")
            }
            Self::ForeignKey { key } => {
                write!(f, "foreign: it is signed by the key {key}, which is not trusted")
            }
            Self::Unsigned => f.write_str("unsigned: the segment before does not end in a checkpoint"),
            Self::NotAsSigned { at } => {
                write!(f, "made anew: it is not what was there when the journal was signed at {at}")
            }
            Self::CutTail { from, to, at } => {
                write!(f, "cut off: records {from} to {to}, which were signed at {at}, are gone from the end")
            }
            Self::TornTail { bytes } => write!(
                f,
                "torn tail: the last {bytes} bytes are no whole record; a crash leaves this, and the next \
                 start of the service keeps them aside"
            ),
        }
    }
}
