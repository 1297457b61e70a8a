use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use strongroom_core::Timestamp;
use thiserror::Error;

use crate::chain::{Chain, Place};
use crate::error::FileError;
use crate::finding::{Defect, Finding};
use crate::folder::{NODE, has_writer, node, segment_path, segments};
use crate::hash::Hash;
use crate::header::{FORMAT, Header, Incident};
use crate::line::{Head, Line, SEGMENT};
use crate::lines::Lines;

/// What a whole journal holds, and whether it is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Whose journal it is, as its first readable header says.
    pub node: Option<String>,
    /// Segment files read.
    pub segments: u64,
    /// Records read, segment headers among them.
    pub records: u64,
    /// Bytes read.
    pub bytes: u64,
    /// When the first record was made.
    pub first: Option<Timestamp>,
    /// When the last record was made.
    pub last: Option<Timestamp>,
    /// The number of the last record.
    pub last_seq: Option<u64>,
    /// The hash of the last record. Kept elsewhere, it tells later whether the journal's end was cut off.
    pub last_hash: Option<Hash>,
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
/// moved. Works beside a running writer, and blocks while it reads.
///
/// Two things no journal can tell about itself: that whole records were cut off its very end, and that all
/// of it was written anew. [`Report::last_hash`], kept elsewhere, tells both.
pub fn verify(folder: &Path) -> Result<Report, VerifyError> {
    let numbers = segments(folder)?;
    let last = *numbers.last().ok_or_else(|| VerifyError::NoJournal(folder.to_owned()))?;
    let mut walk = Walk::default();
    let mut expected = 1;
    for number in numbers {
        if number > expected {
            walk.chain.end();
            walk.chain.head = None;
            let defect = Defect::MissingSegments { from: expected, to: number - 1 };
            walk.chain.find(Place { segment: number, line: None }, None, defect);
        }
        walk.segment(folder, number, number == last)?;
        expected = number.saturating_add(1);
    }
    walk.chain.end();
    let mut report = walk.report();
    if node(folder).ok().flatten() != report.node {
        let file = NODE.to_owned();
        report.findings.push(Finding { file, line: None, seq: None, defect: Defect::WrongNode });
    }
    Ok(report)
}

/// A journal as far as it has been read.
#[derive(Default)]
struct Walk {
    chain: Chain,
    node: Option<String>,
    segments: u64,
    records: u64,
    bytes: u64,
    unfinished: u64,
    first: Option<Timestamp>,
    /// The last record's line.
    last: Vec<u8>,
}

impl Walk {
    fn segment(&mut self, folder: &Path, number: u64, is_last: bool) -> Result<(), FileError> {
        let path = segment_path(folder, number);
        let reading = || FileError::when("read", &path);
        let mut lines = Lines::new(File::open(&path).map_err(reading())?);
        let mut records = 0;
        let mut torn = None;
        while let Some(placed) = lines.next().map_err(reading())? {
            let place = Place { segment: number, line: Some(placed.number) };
            if !placed.ended && is_last {
                torn = Some((place, u64::try_from(placed.text.len()).unwrap_or(u64::MAX)));
                break;
            }
            match Line::parse(placed.text).filter(|_| placed.ended) {
                Some(line) => {
                    if placed.number == 1 {
                        self.header(place, &line, placed.text);
                    }
                    self.chain.record(place, &line);
                    self.last.clear();
                    self.last.extend_from_slice(placed.text);
                    records += 1;
                }
                None => self.chain.malformed(place),
            }
            if self.first.is_none() {
                self.first = time_of(placed.text);
            }
        }
        if let Some((place, bytes)) = torn {
            if has_writer(folder)? {
                self.unfinished = bytes;
            } else {
                self.chain.end();
                self.chain.find(place, None, Defect::TornTail { bytes });
            }
        } else if lines.offset() == 0 {
            self.chain.find(Place { segment: number, line: None }, None, Defect::WrongHeader);
        }
        self.segments += 1;
        self.records += records;
        self.bytes += lines.offset();
        Ok(())
    }

    /// Looks at what should be a segment's header. Whether it was altered is the chain's to tell.
    fn header(&mut self, place: Place, line: &Line<'_>, text: &[u8]) {
        let header = serde_json::from_slice::<Header>(text).ok().filter(|_| line.kind == SEGMENT);
        let Some(header) = header else {
            self.chain.find(place, Some(line.seq), Defect::WrongHeader);
            return;
        };
        let node = self.node.get_or_insert_with(|| header.node.clone());
        if header.segment != place.segment || header.format != FORMAT || header.node != *node {
            self.chain.end();
            self.chain.head = None;
            self.chain.find(place, Some(line.seq), Defect::WrongHeader);
        }
        if let Some(Incident::Tampered { found }) = header.after {
            self.chain.find(place, Some(line.seq), Defect::Declared { found });
        }
        if self.chain.head.is_none() {
            let origin = Head::first(&header.node);
            let continued = Head { hash: header.previous, next_seq: line.seq };
            self.chain.head = Some(if place.segment == 1 { origin } else { continued });
        }
    }

    fn report(self) -> Report {
        let head = self.chain.head;
        Report {
            node: self.node,
            segments: self.segments,
            records: self.records,
            bytes: self.bytes,
            first: self.first,
            last: time_of(&self.last),
            last_seq: head.and_then(|head| head.next_seq.checked_sub(1)),
            last_hash: head.map(|head| head.hash),
            unfinished: self.unfinished,
            findings: self.chain.findings,
        }
    }
}

/// When the record on this line was made.
fn time_of(line: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Dated {
        at: String,
    }
    let dated: Dated = serde_json::from_slice(line).ok()?;
    Timestamp::parse(&dated.at).ok()
}
