use std::io::{self, BufRead as _, BufReader, Read};
use std::mem;

/// Longest line that is read; more can't be a record, and must not fill the memory.
pub(crate) const LONGEST: u64 = 64 << 20;
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// Reads lines without copying those that lie whole in the read buffer.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    /// Bytes of the line given last, still in the reader's buffer.
    given: usize,
    /// A line that spans two fillings of the buffer.
    spanning: Vec<u8>,
    offset: u64,
    number: u64,
}

/// A line and its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Placed<'a> {
    /// The text without its newline.
    pub(crate) text: &'a [u8],
    /// Whether there was a newline.
    pub(crate) ended: bool,
    /// Where the line begins, in bytes.
    pub(crate) offset: u64,
    /// The line's number, from 1.
    pub(crate) number: u64,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        let reader = BufReader::with_capacity(CHUNK, reader);
        Self { reader, given: 0, spanning: Vec::new(), offset: 0, number: 0 }
    }

    /// Goes on where another reading has ended: at that place, behind so many lines.
    pub(crate) fn resumed(reader: R, offset: u64, number: u64) -> Self {
        Self { offset, number, ..Self::new(reader) }
    }

    /// Where the next line begins, in bytes.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Placed<'_>>> {
        self.reader.consume(mem::take(&mut self.given));
        let whole = memchr::memchr(b'\n', self.reader.fill_buf()?);
        if let Some(end) = whole {
            self.given = end + 1;
        } else {
            self.spanning.clear();
            self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut self.spanning)?;
        }
        let bytes = match whole {
            Some(_) => self.reader.buffer().get(..self.given).unwrap_or_default(),
            None => self.spanning.as_slice(),
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let offset = self.offset;
        self.offset += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.number += 1;
        let text = bytes.strip_suffix(b"\n");
        Ok(Some(Placed { text: text.unwrap_or(bytes), ended: text.is_some(), offset, number: self.number }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives a few bytes at a time, so that lines span many reads.
    struct Dripping<'a> {
        bytes: &'a [u8],
        step: usize,
    }

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.bytes.by_ref().take(u64::try_from(self.step).unwrap()).read(buffer)
        }
    }

    proptest! {
        #[test]
        fn lines_are_those_of_split(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..600), step in 1..40_usize) {
            let mut lines = Lines::new(Dripping { bytes: &bytes, step });
            let mut offset = 0;
            for (number, expected) in (1..).zip(bytes.split_inclusive(|b| *b == b'\n')) {
                let line = lines.next().unwrap().unwrap();
                prop_assert_eq!((line.number, line.offset), (number, offset));
                prop_assert_eq!(line.ended, expected.ends_with(b"\n"));
                prop_assert_eq!(line.text, expected.strip_suffix(b"\n").unwrap_or(expected));
                offset += u64::try_from(expected.len()).unwrap();
            }
            prop_assert_eq!(lines.next().unwrap(), None);
            prop_assert_eq!(lines.offset(), offset);
        }
    }
}
