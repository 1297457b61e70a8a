use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use thiserror::Error;

use crate::changes::{OpenChanges, Step};
use crate::error::{Damage, FileError};
use crate::header::{FORMAT, Header};
use crate::line::{CHECKPOINT, EVENT, Head, Line, SEGMENT};
use crate::lines::{Lines, Placed};
use crate::segment::MOST_UNSYNCED;

/// What a segment holds, checked record by record from its header on.
pub(crate) struct Scan {
    /// Whose journal it is.
    pub(crate) node: String,
    /// Where the chain stands after the last sound record.
    pub(crate) head: Head,
    /// Where the last sound record ends, in bytes.
    pub(crate) len: u64,
    /// Whether the last sound record is a checkpoint, or the header.
    pub(crate) signed: bool,
    /// Sound records, the header among them.
    pub(crate) records: u64,
    /// Changes under way after the last sound record.
    pub(crate) open: OpenChanges,
    /// Bytes of an unfinished write behind the last sound record.
    pub(crate) torn: u64,
}

/// Why a segment is no ground to write on.
#[derive(Debug, Error)]
pub(crate) enum ScanError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Damaged(#[from] Damage),
}

/// Checks the first `limit` bytes of a segment.
pub(crate) fn scan(path: &Path, number: u64, limit: u64) -> Result<Scan, ScanError> {
    let reading = || FileError::when("read", path);
    let file = File::open(path).map_err(reading())?;
    let size = file.metadata().map_err(reading())?.len().min(limit);
    let mut lines = Lines::new(file.take(limit));
    let damage = |line, offset, found| Damage { path: path.to_owned(), line, offset, found };

    let first = lines.next().map_err(reading())?;
    let (head, header) = first
        .and_then(|line| read_header(&line, number))
        .ok_or_else(|| damage(1, 0, "it has no sound header of this format and number"))?;
    let open = OpenChanges::from_header(header.open)
        .ok_or_else(|| damage(1, 0, "its header lists a change without a valid id"))?;
    let mut scan =
        Scan { node: header.node, head, len: lines.offset(), signed: true, records: 1, open, torn: 0 };

    while let Some(line) = lines.next().map_err(reading())? {
        if scan.take_in(&line) {
            scan.len = lines.offset();
            continue;
        }
        scan.torn = size.saturating_sub(line.offset);
        // A crash can leave what was not synced cut short, or with pages that never reached the disk and read as
        // zeros. Whatever else is not as written, or reaches further back than that, was on the disk once.
        let by_a_crash = !line.ended || line.text.contains(&0);
        if !by_a_crash || scan.torn > MOST_UNSYNCED {
            return Err(damage(line.number, line.offset, "it does not follow from the record before").into());
        }
        break;
    }
    Ok(scan)
}

impl Scan {
    /// Takes in the next record; `false` when it is not sound.
    fn take_in(&mut self, placed: &Placed<'_>) -> bool {
        let Some(line) = Line::parse(placed.text).filter(|_| placed.ended) else { return false };
        let Some(head) = self.head.after(&line) else { return false };
        self.head = head;
        self.records += 1;
        self.signed = line.kind == CHECKPOINT;
        if line.kind == EVENT
            && let Some(step) = Step::on_line(placed.text)
        {
            self.open.apply(step);
        }
        true
    }
}

/// Takes the header at its word for where the chain comes from; only the whole journal can prove that.
fn read_header(placed: &Placed<'_>, number: u64) -> Option<(Head, Header)> {
    let line = Line::parse(placed.text).filter(|line| placed.ended && line.kind == SEGMENT)?;
    let header: Header = serde_json::from_slice(placed.text).ok()?;
    let hash = line.hash_after(header.previous);
    let sound = line.states(hash) && header.segment == number && header.format == FORMAT;
    let origin = Head::first(&header.node);
    let begins = number > 1 || (header.previous == origin.hash && line.seq == origin.next_seq);
    (sound && begins).then_some((Head { hash, next_seq: line.seq.checked_add(1)? }, header))
}
