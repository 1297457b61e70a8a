use std::fs::File;
use std::path::{Path, PathBuf};
use std::vec;

use crate::error::FileError;
use crate::folder::{segment_path, segments};
use crate::line::Line;
use crate::lines::Lines;

/// One record as it stands in the journal. Its hash was not checked; that is [`verify`](crate::verify)'s work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The number of its segment.
    pub segment: u64,
    /// Its line in the segment's file, from 1.
    pub line: u64,
    /// Its number in the whole journal; absent when the line is not of a record's form.
    pub seq: Option<u64>,
    /// What it is a record of: `event`, or `segment` for a segment's header; absent as `seq` is.
    pub kind: Option<String>,
    /// The whole line.
    pub json: String,
}

/// The records of a journal, oldest first. Ends where the newest segment's last whole line ends.
pub struct Records {
    folder: PathBuf,
    segments: vec::IntoIter<u64>,
    current: Option<(u64, Lines<File>)>,
}

impl Records {
    /// Of the journal in that folder, from that segment on; 0 for all.
    pub fn open(folder: &Path, from_segment: u64) -> Result<Self, FileError> {
        let mut segments = segments(folder)?;
        segments.retain(|number| *number >= from_segment);
        Ok(Self { folder: folder.to_owned(), segments: segments.into_iter(), current: None })
    }

    fn read(&mut self) -> Result<Option<Record>, FileError> {
        loop {
            if let Some((segment, lines)) = &mut self.current {
                let path = segment_path(&self.folder, *segment);
                let placed = lines.next().map_err(FileError::when("read", &path))?;
                if let Some(placed) = placed.filter(|placed| placed.ended) {
                    let line = Line::parse(placed.text);
                    return Ok(Some(Record {
                        segment: *segment,
                        line: placed.number,
                        seq: line.map(|line| line.seq),
                        kind: line.map(|line| line.kind.to_owned()),
                        json: String::from_utf8_lossy(placed.text).into_owned(),
                    }));
                }
            }
            let Some(number) = self.segments.next() else { return Ok(None) };
            let path = segment_path(&self.folder, number);
            let file = File::open(&path).map_err(FileError::when("open", &path))?;
            self.current = Some((number, Lines::new(file)));
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            // What could not be read once will not be read by asking again.
            self.current = None;
            self.segments = Vec::new().into_iter();
        }
        read.transpose()
    }
}
