use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::vec;

use strongroom_core::Timestamp;

use crate::error::FileError;
use crate::folder::{segment_path, segments};
use crate::header::Header;
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
    seen: Seen,
}

/// The end of what has been given.
#[derive(Default)]
struct Seen {
    segment: u64,
    offset: u64,
    line: u64,
}

impl Records {
    /// Of the journal in that folder, from that segment on; 0 for all.
    pub fn open(folder: &Path, from_segment: u64) -> Result<Self, FileError> {
        let mut segments = segments(folder)?;
        segments.retain(|number| *number >= from_segment);
        let seen = Seen { segment: from_segment, ..Seen::default() };
        Ok(Self { folder: folder.to_owned(), segments: segments.into_iter(), current: None, seen })
    }

    /// Of the journal in that folder, from the newest segment on that had been begun at that time.
    pub fn since(folder: &Path, at: Timestamp) -> Result<Self, FileError> {
        for number in segments(folder)?.into_iter().rev() {
            let first = Self::open(folder, number)?.next().transpose()?;
            let header = first.and_then(|record| serde_json::from_str::<Header>(&record.json).ok());
            let begun = header.and_then(|header| Timestamp::parse(&header.at).ok());
            if begun.is_some_and(|begun| begun <= at) {
                return Self::open(folder, number);
            }
        }
        Self::open(folder, 0)
    }

    /// Once all have been given: looks for those that have been added since.
    pub fn look_again(&mut self) -> Result<(), FileError> {
        let Seen { segment, offset, line } = self.seen;
        let mut segments = segments(&self.folder)?;
        segments.retain(|number| *number > segment || (*number == segment && line == 0));
        if line > 0 {
            let path = segment_path(&self.folder, segment);
            let mut file = File::open(&path).map_err(FileError::when("open", &path))?;
            file.seek(SeekFrom::Start(offset)).map_err(FileError::when("read", &path))?;
            self.current = Some((segment, Lines::resumed(file, offset, line)));
        }
        self.segments = segments.into_iter();
        Ok(())
    }

    fn read(&mut self) -> Result<Option<Record>, FileError> {
        loop {
            if let Some((segment, lines)) = &mut self.current {
                let path = segment_path(&self.folder, *segment);
                let placed = lines.next().map_err(FileError::when("read", &path))?;
                if let Some(placed) = placed.filter(|placed| placed.ended) {
                    let length = u64::try_from(placed.text.len() + 1).unwrap_or(u64::MAX);
                    let offset = placed.offset.saturating_add(length);
                    self.seen = Seen { segment: *segment, offset, line: placed.number };
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

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;

    fn append(folder: &Path, segment: u64, text: &str) {
        let path = segment_path(folder, segment);
        OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn given(records: &mut Records) -> Vec<(u64, u64, String)> {
        records
            .map(|record| record.unwrap())
            .map(|record| (record.segment, record.line, record.json))
            .collect()
    }

    #[test]
    fn older_segments_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let header = |segment: u64| {
            let hash = crate::hash::Hash::first("n");
            let key = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
            format!(
                "{{\"at\":\"2026-01-0{segment}T00:00:00.000000Z\",\"format\":1,\"node\":\"n\",\
                 \"segment\":{segment},\"previous\":\"{hash}\",\"key\":\"{key}\",\"open\":[]}}\n"
            )
        };
        for segment in 1..=3 {
            append(folder.path(), segment, &header(segment));
        }
        for (time, first) in [("2025", 1), ("2026-01-01", 1), ("2026-01-02T12:00", 2), ("2027", 3)] {
            let mut records = Records::since(folder.path(), Timestamp::parse(time).unwrap()).unwrap();
            assert_eq!(records.next().unwrap().unwrap().segment, first, "{time}");
        }
    }

    #[test]
    fn what_is_added_is_given_once_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut records = Records::open(folder.path(), 0).unwrap();
        assert_eq!(given(&mut records), []);
        append(folder.path(), 1, "a\nbb\ncc");
        records.look_again().unwrap();
        assert_eq!(given(&mut records), [(1, 1, "a".to_owned()), (1, 2, "bb".to_owned())]);
        records.look_again().unwrap();
        assert_eq!(given(&mut records), []);
        append(folder.path(), 1, "c\nd\n");
        append(folder.path(), 2, "e\n");
        records.look_again().unwrap();
        let more = [(1, 3, "ccc".to_owned()), (1, 4, "d".to_owned()), (2, 1, "e".to_owned())];
        assert_eq!(given(&mut records), more);
        append(folder.path(), 2, "f\n");
        records.look_again().unwrap();
        assert_eq!(given(&mut records), [(2, 2, "f".to_owned())]);
    }
}
