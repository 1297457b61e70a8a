use std::path::{Path, PathBuf};

use strongroom_core::Timestamp;
use thiserror::Error;

use crate::chain::Place;
use crate::error::FileError;
use crate::finding::{Defect, Finding};
use crate::folder::{NODE, node, segments};
use crate::hash::Hash;
use crate::public_key::PublicKey;
use crate::statement::Statement;
use crate::walk::Walk;

/// What somebody who verifies a journal knows from elsewhere. The less it is, the less is proved.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Trust {
    /// The keys that may have signed. When none is given, the journal is believed which keys are its own,
    /// and a journal that was made anew with another key is not found out.
    pub keys: Vec<PublicKey>,
    /// A checkpoint of this journal. Records up to it that are gone, or are not those that it vouches for,
    /// are found, even when whatever came later was cut off or made anew.
    pub checkpoint: Option<Statement>,
}

/// What a whole journal holds, and whether it is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Whose journal it is, as its first readable header says.
    pub node: Option<String>,
    /// Segment files read.
    pub segments: u64,
    /// Records read, segment headers and checkpoints among them.
    pub records: u64,
    /// Sound checkpoints among the records.
    pub checkpoints: u64,
    /// Bytes read.
    pub bytes: u64,
    /// When the first record was made.
    pub first: Option<Timestamp>,
    /// When the last record was made.
    pub last: Option<Timestamp>,
    /// The number of the last record.
    pub last_seq: Option<u64>,
    /// The hash of the last record.
    pub last_hash: Option<Hash>,
    /// The newest checkpoint. Kept elsewhere, it tells later whether the journal's end was cut off.
    pub checkpoint: Option<Statement>,
    /// The keys that the segments name as their own.
    pub keys: Vec<PublicKey>,
    /// The number of the last record that the operator has removed, with all before it, by a signed statement.
    pub pruned_through: Option<u64>,
    /// Bytes of a record that a running writer had begun when its file was read.
    pub unfinished: u64,
    /// Whatever is wrong, in the journal's order; at most 1000.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Why a journal can't be verified at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is not one segment.
    #[error("there is no journal in {}: it has no file like 0000000001.jsonl", .0.display())]
    NoJournal(PathBuf),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Reads every record of the journal in that folder and finds out whether any was altered, removed, added or
/// moved. Needs public keys only, works beside a running writer, and blocks while it reads.
///
/// That records were cut off the journal's very end shows only by a checkpoint that was kept elsewhere
/// ([`Trust::checkpoint`]).
pub fn verify(folder: &Path, trust: &Trust) -> Result<Report, VerifyError> {
    let numbers = segments(folder)?;
    let (Some(first), Some(last)) = (numbers.first().copied(), numbers.last().copied()) else {
        return Err(VerifyError::NoJournal(folder.to_owned()));
    };
    let mut walk = Walk::new(trust);
    let mut expected = walk.pruned(folder, first)?;
    for number in numbers {
        if number > expected {
            walk.gap(expected, number);
        }
        walk.segment(folder, number, number == last)?;
        expected = number.saturating_add(1);
    }
    walk.end(Place { segment: last, line: None });
    let mut report = walk.report();
    if node(folder).ok().flatten() != report.node {
        let file = NODE.to_owned();
        report.findings.push(Finding { file, line: None, seq: None, defect: Defect::WrongNode });
    }
    Ok(report)
}
