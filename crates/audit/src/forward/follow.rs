use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::receiver::Outgoing;
use crate::error::FileError;
use crate::folder::{segment_path, segments};
use crate::lines::LONGEST;
use crate::position::Position;

/// Bytes read at a time, and most bytes in a batch; a longer line makes a batch of its own.
const CHUNK: u64 = 256 << 10;
/// Most records in a batch.
const MOST: usize = 512;

/// Reads the journal from a position on, up to where it is durable.
pub(super) struct Follower {
    folder: PathBuf,
    at: Position,
    current: Option<(u64, File)>,
    buffer: Vec<u8>,
}

/// Some records in their order, and where the next one begins.
pub(super) struct Batch {
    pub(super) records: Vec<Outgoing>,
    pub(super) end: Position,
}

impl Follower {
    pub(super) fn new(folder: PathBuf, at: Position) -> Self {
        Self { folder, at, current: None, buffer: Vec::new() }
    }

    /// The next records that are durable; none when there is no more.
    pub(super) fn next(&mut self, durable: Position) -> Result<Batch, FileError> {
        while self.at < durable {
            let Some(available) = self.available(durable)? else {
                if !self.skip_to_next(durable)? {
                    break;
                }
                continue;
            };
            let batch = self.read(available)?;
            if !batch.records.is_empty() {
                return Ok(batch);
            }
            // No whole line is left: this segment ended early.
            if self.at.segment >= durable.segment || !self.skip_to_next(durable)? {
                break;
            }
        }
        Ok(Batch { records: Vec::new(), end: self.at })
    }

    /// Goes on behind a batch that was delivered.
    pub(super) fn advance(&mut self, to: Position) {
        self.at = to;
    }

    /// Durable bytes of the segment at hand from here on; `None` when the segment is gone or used up.
    fn available(&mut self, durable: Position) -> Result<Option<u64>, FileError> {
        let path = segment_path(&self.folder, self.at.segment);
        if self.current.as_ref().is_none_or(|(number, _)| *number != self.at.segment) {
            self.current = match File::open(&path) {
                Ok(file) => Some((self.at.segment, file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if self.at.segment > 0 {
                        tracing::error!(file = %path.display(), "a journal file is gone before it was forwarded");
                    }
                    return Ok(None);
                }
                Err(error) => return Err(FileError::when("open", &path)(error)),
            };
        }
        let Some((_, file)) = &self.current else { return Ok(None) };
        let end = if self.at.segment == durable.segment {
            durable.offset
        } else {
            file.metadata().map_err(FileError::when("look at", &path))?.len()
        };
        Ok(end.checked_sub(self.at.offset).filter(|bytes| *bytes > 0))
    }

    /// Goes to the next segment there is; `false` when there is none that is durable.
    fn skip_to_next(&mut self, durable: Position) -> Result<bool, FileError> {
        let next = segments(&self.folder)?.into_iter().find(|number| *number > self.at.segment);
        let Some(segment) = next.filter(|number| *number <= durable.segment) else { return Ok(false) };
        self.at = Position { segment, offset: 0 };
        Ok(true)
    }

    /// Whole lines from here on, out of so many bytes.
    fn read(&mut self, available: u64) -> Result<Batch, FileError> {
        let path = segment_path(&self.folder, self.at.segment);
        let mut batch = Batch { records: Vec::new(), end: self.at };
        let Some((_, file)) = &self.current else { return Ok(batch) };
        let mut wanted = CHUNK.min(available);
        loop {
            self.buffer.resize(usize::try_from(wanted).unwrap_or(usize::MAX), 0);
            file.read_exact_at(&mut self.buffer, self.at.offset).map_err(FileError::when("read", &path))?;
            if self.buffer.contains(&b'\n') || wanted == available || wanted >= LONGEST {
                break;
            }
            wanted = (wanted * 2).min(available);
        }
        for line in self.buffer.split_inclusive(|byte| *byte == b'\n').take(MOST) {
            let Some(text) = line.strip_suffix(b"\n") else { break };
            batch.records.push(Outgoing::new(text));
            batch.end.offset += u64::try_from(line.len()).unwrap_or(u64::MAX);
        }
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn lines(follower: &mut Follower, durable: Position) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let batch = follower.next(durable).unwrap();
            if batch.records.is_empty() {
                return seen;
            }
            seen.extend(batch.records.into_iter().map(|record| record.line));
            follower.advance(batch.end);
        }
    }

    proptest! {
        /// However far the journal is durable each time, every line comes once, in order.
        #[test]
        fn every_durable_line_comes_once_in_order(
            segments in proptest::collection::vec(proptest::collection::vec(0..400_000_usize, 0..6), 1..4),
            stops in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut expected = Vec::new();
            let mut places = Vec::new();
            for (number, lengths) in (1..).zip(&segments) {
                let mut text = String::new();
                for length in lengths {
                    let line = format!("{}-{}", expected.len(), "x".repeat(*length));
                    text += &line;
                    text += "\n";
                    expected.push(line);
                    places.push(Position { segment: number, offset: u64::try_from(text.len()).unwrap() });
                }
                fs::write(segment_path(folder.path(), number), text).unwrap();
            }
            let mut follower = Follower::new(folder.path().to_owned(), Position::default());
            let mut seen = Vec::new();
            if !places.is_empty() {
                let mut stops: Vec<_> = stops.iter().map(|stop| *stop.get(&places)).collect();
                stops.sort();
                stops.push(places[places.len() - 1]);
                for stop in stops {
                    seen.extend(lines(&mut follower, stop));
                    let count = places.iter().filter(|place| **place <= stop).count();
                    prop_assert_eq!(seen.len(), count);
                }
            }
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn what_is_not_durable_or_not_whole_is_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(segment_path(folder.path(), 2), "a\nb\ntorn").unwrap();
        fs::write(segment_path(folder.path(), 4), "c\nd\n").unwrap();
        let mut follower = Follower::new(folder.path().to_owned(), Position::default());
        assert_eq!(lines(&mut follower, Position { segment: 2, offset: 2 }), ["a"]);
        assert_eq!(lines(&mut follower, Position { segment: 4, offset: 2 }), ["b", "c"]);
        assert_eq!(lines(&mut follower, Position { segment: 4, offset: 4 }), ["d"]);
    }
}
