//! Follows the chain over records that anybody may have altered, and tells what was done to them.

use std::cmp::Ordering;

use crate::finding::{Defect, Finding};
use crate::folder::segment_name;
use crate::hash::Hash;
use crate::line::{Head, Line};

/// Findings after which it does not matter any more what else is wrong.
const MOST_FINDINGS: usize = 1000;

/// A segment, or a line in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) line: Option<u64>,
}

/// How far a journal has been followed, and what was found.
#[derive(Default)]
pub(crate) struct Chain {
    /// Where it stands; unknown before the first record and after missing segments.
    pub(crate) head: Option<Head>,
    pub(crate) findings: Vec<Finding>,
    /// The hash that the last record has by its text, where it states another: the next may go on from either.
    by_text: Option<Hash>,
    /// Lines that could not be read since the last record.
    unreadable: u64,
    /// The record that another one stands before, although it followed.
    overtaken: Option<u64>,
    /// A record that is not the one expected; the record after it helps to tell why.
    suspect: Option<Suspect>,
}

struct Suspect {
    place: Place,
    seq: u64,
    stated: Option<Hash>,
    by_text: Hash,
}

impl Chain {
    /// Follows one record. Where the chain stands nowhere yet, it is taken at its word.
    /// Returns whether it follows.
    pub(crate) fn record(&mut self, place: Place, line: &Line<'_>) -> bool {
        self.settle(Some(line.seq));
        let Some(head) = self.head else {
            self.head = line.stated().map(|hash| Head { hash, next_seq: line.seq.saturating_add(1) });
            return false;
        };
        let hash = line.hash_after(head.hash);
        if line.seq == head.next_seq {
            let other = self.by_text.map(|by_text| line.hash_after(by_text));
            if let Some(hash) = [Some(hash), other].into_iter().flatten().find(|hash| line.states(*hash)) {
                self.stand(hash, line.seq);
                return true;
            }
        }
        self.suspect = Some(Suspect { place, seq: line.seq, stated: line.stated(), by_text: hash });
        false
    }

    /// Passes a line that is no record.
    pub(crate) fn malformed(&mut self, place: Place) {
        self.settle(None);
        self.unreadable += 1;
        self.find(place, None, Defect::Malformed);
    }

    /// Whether that number comes next, all before being where it belongs.
    pub(crate) fn expects(&self, seq: u64) -> bool {
        self.suspect.is_none() && self.unreadable == 0 && self.head.is_some_and(|head| head.next_seq == seq)
    }

    /// No record follows.
    pub(crate) fn end(&mut self) {
        self.settle(None);
    }

    /// Notes what is wrong with a file beside the segments.
    pub(crate) fn find_in(&mut self, file: &str, defect: Defect) {
        self.findings.push(Finding { file: file.to_owned(), line: None, seq: None, defect });
    }

    /// Notes what is wrong.
    pub(crate) fn find(&mut self, place: Place, seq: Option<u64>, defect: Defect) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding { file: segment_name(place.segment), line: place.line, seq, defect });
        }
    }

    /// Goes on behind a record.
    fn stand(&mut self, hash: Hash, seq: u64) {
        self.head = Some(Head { hash, next_seq: seq.saturating_add(1) });
        self.by_text = None;
        self.unreadable = 0;
    }

    /// Judges the suspect by the number of the record after it, and goes on where that makes most sense, so
    /// that one deed makes one finding.
    fn settle(&mut self, next: Option<u64>) {
        let (Some(suspect), Some(head)) = (self.suspect.take(), self.head) else { return };
        let Suspect { place, seq, stated, by_text } = suspect;
        let expected = head.next_seq;
        let stated = stated.unwrap_or(by_text);
        let follows = next == expected.checked_add(1);
        let defect = match seq.cmp(&expected) {
            Ordering::Greater if seq - expected <= self.unreadable => return self.stand(stated, seq),
            _ if self.overtaken.take_if(|overtaken| *overtaken == seq).is_some() => return,
            Ordering::Greater if next == Some(expected) => {
                self.overtaken = next;
                self.stand(stated, seq);
                Defect::Reordered
            }
            Ordering::Greater if !follows => {
                self.stand(stated, seq);
                Defect::Removed { from: expected, to: seq - 1 }
            }
            Ordering::Less if !follows => Defect::Inserted,
            Ordering::Less | Ordering::Equal | Ordering::Greater => {
                self.stand(stated, expected);
                self.by_text = Some(by_text);
                Defect::Edited
            }
        };
        self.find(place, Some(seq), defect);
    }
}
