use std::fs::File;
use std::path::Path;

use serde::Deserialize;
use strongroom_core::Timestamp;

use crate::chain::{Chain, Place};
use crate::error::FileError;
use crate::finding::Defect;
use crate::folder::{has_writer, segment_path};
use crate::header::{FORMAT, Header, Incident};
use crate::line::{CHECKPOINT, Head, Line, SEGMENT};
use crate::lines::Lines;
use crate::pruned::{self, read_statement};
use crate::public_key::PublicKey;
use crate::statement::{Purpose, Statement};
use crate::verify::{Report, Trust};

/// A journal as far as it has been read.
pub(crate) struct Walk<'a> {
    trust: &'a Trust,
    chain: Chain,
    node: Option<String>,
    keys: Vec<PublicKey>,
    pruned: Option<Statement>,
    segments: u64,
    records: u64,
    checkpoints: u64,
    bytes: u64,
    unfinished: u64,
    first: Option<Timestamp>,
    /// The last record's line.
    last: Vec<u8>,
    /// Whether that is a checkpoint.
    ends_signed: bool,
    newest: Option<Statement>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(trust: &'a Trust) -> Self {
        Self {
            trust,
            chain: Chain::default(),
            node: None,
            keys: Vec::new(),
            pruned: None,
            segments: 0,
            records: 0,
            checkpoints: 0,
            bytes: 0,
            unfinished: 0,
            first: None,
            last: Vec::new(),
            ends_signed: false,
            newest: None,
        }
    }

    /// Reads the operator's statement about removed segments, and gives the segment that has to come first.
    pub(crate) fn pruned(&mut self, folder: &Path, first: u64) -> Result<u64, FileError> {
        self.pruned = read_statement(folder)?.filter(|stated| stated.is_signed(Purpose::Pruned));
        let allowed = self.pruned.as_ref().map_or(1, |stated| stated.segment.saturating_add(1));
        Ok(if first <= allowed { first } else { 1 })
    }

    /// Goes on behind segments that are gone.
    pub(crate) fn gap(&mut self, expected: u64, number: u64) {
        self.chain.end();
        self.chain.head = None;
        let defect = Defect::MissingSegments { from: expected, to: number - 1 };
        self.chain.find(Place { segment: number, line: None }, None, defect);
    }

    pub(crate) fn segment(&mut self, folder: &Path, number: u64, is_last: bool) -> Result<(), FileError> {
        let path = segment_path(folder, number);
        let reading = || FileError::when("read", &path);
        let mut lines = Lines::new(File::open(&path).map_err(reading())?);
        let mut torn = None;
        while let Some(placed) = lines.next().map_err(reading())? {
            let place = Place { segment: number, line: Some(placed.number) };
            if !placed.ended && is_last {
                torn = Some((place, u64::try_from(placed.text.len()).unwrap_or(u64::MAX)));
                break;
            }
            match Line::parse(placed.text).filter(|_| placed.ended) {
                Some(line) => self.record(place, &line, placed.text),
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
        self.bytes += lines.offset();
        Ok(())
    }

    fn record(&mut self, place: Place, line: &Line<'_>, text: &[u8]) {
        if place.line == Some(1) {
            self.header(place, line, text);
        }
        let before = self.chain.head;
        let follows = self.chain.record(place, line);
        // What the chain has found wrong already is not found once more.
        if follows && line.kind == CHECKPOINT {
            self.checkpoint(place, line, text, before);
        }
        if follows && let Some(known) = &self.trust.checkpoint {
            let stands = self.chain.head;
            let own = Some(&known.node) == self.node.as_ref();
            if own && known.through == line.seq && stands.is_some_and(|head| head.hash != known.through_hash)
            {
                self.chain.find(place, Some(line.seq), Defect::NotAsSigned { at: known.at.clone() });
            }
        }
        self.last.clear();
        self.last.extend_from_slice(text);
        self.ends_signed = line.kind == CHECKPOINT;
        self.records += 1;
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
        if !self.keys.contains(&header.key) {
            self.keys.push(header.key);
        }
        match header.after {
            Some(Incident::Tampered { found }) => {
                self.chain.find(place, Some(line.seq), Defect::Declared { found });
            }
            None if self.records > 0 && !self.ends_signed && self.chain.expects(line.seq) => {
                self.chain.find(place, Some(line.seq), Defect::Unsigned);
            }
            _ => {}
        }
        if self.chain.head.is_none() {
            let origin = Head::first(&header.node);
            let continued = Head { hash: header.previous, next_seq: line.seq };
            self.chain.head = Some(if place.segment == 1 { origin } else { continued });
        }
        if let Some(pruned) = self.pruned.clone().filter(|pruned| pruned.segment + 1 == place.segment) {
            let stands = Head { hash: pruned.through_hash, next_seq: pruned.through.saturating_add(1) };
            if self.chain.head != Some(stands) || pruned.node != header.node {
                self.chain.find(place, Some(line.seq), Defect::NotAsSigned { at: pruned.at });
            }
        }
    }

    /// Looks at a checkpoint that the chain has let pass.
    fn checkpoint(&mut self, place: Place, line: &Line<'_>, text: &[u8], before: Option<Head>) {
        let statement = serde_json::from_slice::<Statement>(text).ok().filter(|statement| {
            statement.is_signed(Purpose::Checkpoint)
                && Some(&statement.node) == self.node.as_ref()
                && statement.segment == place.segment
                && before.is_some_and(|head| {
                    head.hash == statement.through_hash
                        && Some(statement.through) == head.next_seq.checked_sub(1)
                })
        });
        match statement {
            Some(statement) if self.is_trusted(statement.key) => {
                self.checkpoints += 1;
                self.newest = Some(statement);
            }
            Some(statement) => {
                self.chain.find(place, Some(line.seq), Defect::ForeignKey { key: statement.key });
            }
            None => self.chain.find(place, Some(line.seq), Defect::WrongSignature),
        }
    }

    /// Whether a key may have signed: one that is known from elsewhere, or else one that a header names.
    fn is_trusted(&self, key: PublicKey) -> bool {
        let known = if self.trust.keys.is_empty() { &self.keys } else { &self.trust.keys };
        known.contains(&key)
    }

    /// No record follows: what was known from elsewhere can be judged.
    pub(crate) fn end(&mut self, place: Place) {
        self.chain.end();
        let ends = self.chain.head.and_then(|head| head.next_seq.checked_sub(1)).unwrap_or_default();
        if let Some(known) = &self.trust.checkpoint {
            if !known.is_signed(Purpose::Checkpoint) || Some(&known.node) != self.node.as_ref() {
                self.chain.find_in(pruned::CHECKPOINT_GIVEN, Defect::WrongSignature);
            } else if !self.is_trusted(known.key) {
                self.chain.find_in(pruned::CHECKPOINT_GIVEN, Defect::ForeignKey { key: known.key });
            } else if known.through >= ends {
                // The checkpoint itself was a record, right behind what it vouches for.
                let to = known.through.saturating_add(1);
                let defect = Defect::CutTail { from: ends + 1, to, at: known.at.clone() };
                self.chain.find(place, None, defect);
            }
        }
        if let Some(key) = self.pruned.as_ref().map(|pruned| pruned.key).filter(|key| !self.is_trusted(*key))
        {
            self.chain.find_in(pruned::FILE, Defect::ForeignKey { key });
        }
    }

    pub(crate) fn report(self) -> Report {
        let head = self.chain.head;
        Report {
            node: self.node,
            segments: self.segments,
            records: self.records,
            checkpoints: self.checkpoints,
            bytes: self.bytes,
            first: self.first,
            last: time_of(&self.last),
            last_seq: head.and_then(|head| head.next_seq.checked_sub(1)),
            last_hash: head.map(|head| head.hash),
            checkpoint: self.newest,
            keys: self.keys,
            pruned_through: self.pruned.map(|pruned| pruned.through),
            unfinished: self.unfinished,
            findings: self.chain.findings,
        }
    }
}

/// When the record on this line was made.
pub(crate) fn time_of(line: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Dated {
        at: String,
    }
    let dated: Dated = serde_json::from_slice(line).ok()?;
    Timestamp::parse(&dated.at).ok()
}
