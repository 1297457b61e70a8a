//! Old segments that the operator removes, and the signed statement that takes their place.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use strongroom_core::Timestamp;
use thiserror::Error;

use crate::error::FileError;
use crate::folder::{put, segment_path, segments, sync};
use crate::forward::earliest;
use crate::header::Header;
use crate::line::{Head, Line};
use crate::signing_key::{SigningKey, SigningKeyError};
use crate::statement::{Purpose, Statement};
use crate::verify::{Trust, VerifyError, verify};

/// The file with the statement.
pub(crate) const FILE: &str = "pruned";
/// How findings call a checkpoint that the verifier was given.
pub(crate) const CHECKPOINT_GIVEN: &str = "the checkpoint given";

/// Why old segments are not removed. None was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PruneError {
    /// What is not sound is evidence.
    #[error(
        "the journal is not as it was written ({0} findings), so nothing of it is removed; see `audit verify`"
    )]
    Unsound(usize),
    /// It can't be read.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The statement can't be signed.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
    /// A segment's header can't be read.
    #[error("the header of segment {0} can't be read")]
    Header(u64),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// The segments that were removed.
    pub segments: Vec<u64>,
    /// The number of the last record removed.
    pub through: u64,
}

/// Removes the segments whose every record is older than `before`, but none that a forwarder has not sent yet
/// and never the newest, and leaves a signed statement, at which later verifications begin. `None` when there is
/// nothing to remove. Works beside a running writer.
///
/// The statement is durable before anything is removed, so that a journal cut short by a crash in between is
/// still sound.
pub fn prune(folder: &Path, before: Timestamp, now: Timestamp) -> Result<Option<Pruned>, PruneError> {
    let report = verify(folder, &Trust::default())?;
    if !report.is_intact() {
        return Err(PruneError::Unsound(report.findings.len()));
    }
    let keep_from = earliest(folder)?;
    let numbers = segments(folder)?;
    let mut follower = None;
    for number in
        numbers.iter().copied().skip(1).filter(|number| keep_from.is_none_or(|keep| *number <= keep))
    {
        let (header, head) = read_header(folder, number)?;
        if !Timestamp::parse(&header.at).is_ok_and(|begun| begun <= before) {
            break;
        }
        follower = Some((header, head));
    }
    let Some((header, stands)) = follower else { return Ok(None) };
    let removed: Vec<_> = numbers.into_iter().filter(|number| *number < header.segment).collect();
    let key = SigningKey::load(folder)?;
    let statement = key.sign(Purpose::Pruned, &header.node, header.segment - 1, stands, now);
    write_statement(folder, &statement)?;
    for path in removed.iter().map(|number| segment_path(folder, *number)) {
        fs::remove_file(&path).map_err(FileError::when("remove", &path))?;
    }
    sync(folder)?;
    Ok(Some(Pruned { segments: removed, through: statement.through }))
}

/// The header of that segment, and where the chain stood before it.
fn read_header(folder: &Path, number: u64) -> Result<(Header, Head), PruneError> {
    let path = segment_path(folder, number);
    let mut text = Vec::new();
    let file = File::open(&path).map_err(FileError::when("open", &path))?;
    BufReader::new(file).read_until(b'\n', &mut text).map_err(FileError::when("read", &path))?;
    let line = text.strip_suffix(b"\n").and_then(Line::parse).ok_or(PruneError::Header(number))?;
    let header: Header = serde_json::from_slice(&text).map_err(|_| PruneError::Header(number))?;
    let head = Head { hash: header.previous, next_seq: line.seq };
    Ok((header, head))
}

/// The statement about what was removed from the journal in that folder, if there is one that can be read.
pub(crate) fn read_statement(folder: &Path) -> Result<Option<Statement>, FileError> {
    let path = folder.join(FILE);
    match fs::read(&path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::when("read", &path)(error)),
    }
}

fn write_statement(folder: &Path, statement: &Statement) -> Result<(), FileError> {
    let path = folder.join(FILE);
    let text = serde_json::to_vec(statement).map_err(io::Error::other);
    put(&path, &text.map_err(FileError::when("write", &path))?)
}

/// The newest checkpoint of the journal in that folder, as its whole line; `None` when there is none yet.
pub fn last_checkpoint(folder: &Path) -> Result<Option<String>, FileError> {
    for number in segments(folder)?.into_iter().rev() {
        let mut records = crate::Records::open(folder, number)?;
        let mut found = None;
        while let Some(record) = records.next().transpose()?.filter(|record| record.segment == number) {
            if record.kind.as_deref() == Some(crate::line::CHECKPOINT) {
                found = Some(record.json);
            }
        }
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
