//! Reports that the journal's key signs, each in a file of its own: what an operator's act came to, for whoever has
//! the public key and nothing else.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use strongroom_core::Timestamp;
use thiserror::Error;

use crate::error::FileError;
use crate::folder::{put, sync};
use crate::hash::Hash;
use crate::line::{Head, Line};
use crate::public_key::PublicKey;
use crate::records::Record;
use crate::signing_key::{SigningKey, SigningKeyError};
use crate::statement::{Purpose, Statement};

/// The folder with the reports, in the journal's.
const FOLDER: &str = "reports";
const ENDING: &str = "jsonl";

/// A report, and the statement that vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedReport {
    /// The report, a JSON object.
    pub report: serde_json::Value,
    /// Who signed it, when, and which record the journal ended with then.
    pub statement: Statement,
}

/// Why no report is written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignReportError {
    /// It can't be signed.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
    /// The record that the journal ends with is not of a record's form.
    #[error("record {0} of the journal can't be read; see `audit verify`")]
    Record(u64),
    /// It has no form that can be written.
    #[error("the report can't be written as JSON")]
    Form(#[from] serde_json::Error),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Why a report is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReportRefusal {
    /// It is not a report and a statement, each in a line of its own.
    #[error("it is not a signed report: one line with the report, and one with the statement about it")]
    Form,
    /// The key that it names is none of those that are trusted.
    #[error("it is signed by {0}, which is none of the keys given")]
    Key(PublicKey),
    /// The report or the statement is not as it was signed.
    #[error("it was altered after it was signed, or was never signed by the key that it names")]
    Altered,
}

/// Where the report of that name is kept, whether or not it has been made.
pub fn report_path(journal: &Path, name: &str) -> PathBuf {
    journal.join(FOLDER).join(format!("{name}.{ENDING}"))
}

/// Signs a report about what the journal tells up to and with the record `last`, and writes it to its place.
/// Works beside a running writer.
pub fn write_report(
    journal: &Path,
    name: &str,
    report: &impl Serialize,
    last: &Record,
    now: Timestamp,
) -> Result<PathBuf, SignReportError> {
    let line = Line::parse(last.json.as_bytes());
    let found = line.and_then(|line| Some((line.seq, line.stated()?)));
    let (seq, hash) = found.ok_or_else(|| SignReportError::Record(last.seq.unwrap_or_default()))?;
    let node = crate::folder::node(journal)?.unwrap_or_default();
    let text = serde_json::to_string(report)?;
    let stands = Head { hash, next_seq: seq.saturating_add(1) };
    let purpose = Purpose::Report(Hash::of(text.as_bytes()));
    let statement = SigningKey::load(journal)?.sign(purpose, &node, last.segment, stands, now);
    let folder = journal.join(FOLDER);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => sync(journal)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(FileError::when("create", &folder)(error).into()),
    }
    let path = report_path(journal, name);
    put(&path, format!("{text}\n{}\n", serde_json::to_string(&statement)?).as_bytes())?;
    Ok(path)
}

/// The report in the file, when one of these keys has signed it as it stands.
pub fn read_report(text: &str, keys: &[PublicKey]) -> Result<SignedReport, ReportRefusal> {
    let (report, statement) = text.trim_end().split_once('\n').ok_or(ReportRefusal::Form)?;
    let statement = Statement::parse(statement).ok_or(ReportRefusal::Form)?;
    if !keys.contains(&statement.key) {
        return Err(ReportRefusal::Key(statement.key));
    }
    if !statement.is_signed(Purpose::Report(Hash::of(report.as_bytes()))) {
        return Err(ReportRefusal::Altered);
    }
    let report = serde_json::from_str(report).map_err(|_| ReportRefusal::Form)?;
    Ok(SignedReport { report, statement })
}

/// The report of that name as text, if it has been made.
pub fn find_report(journal: &Path, name: &str) -> Result<Option<String>, FileError> {
    let path = report_path(journal, name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::when("read", &path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::folder::Folder;
    use crate::line::{Body, EVENT};

    fn written(place: &Path) -> (PublicKey, String) {
        let folder = Folder::open(place, false).unwrap();
        let key = SigningKey::load_or_create(&folder).unwrap().public();
        let mut line = Vec::new();
        Head::first("n").append(&Body::new(EVENT, &json!({"a": 1})).unwrap(), &mut line);
        let json = String::from_utf8(line).unwrap().trim_end().to_owned();
        let last = Record { segment: 1, line: 1, seq: Some(1), kind: None, json };
        let now = Timestamp::from_micros(0).unwrap();
        let path = write_report(place, "one", &json!({"changed": 30}), &last, now).unwrap();
        assert_eq!(path, report_path(place, "one"));
        (key, find_report(place, "one").unwrap().unwrap())
    }

    #[test]
    fn a_report_is_believed_as_it_was_signed_and_from_a_trusted_key_only() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(find_report(place.path(), "one").unwrap(), None);
        let (key, text) = written(place.path());
        let read = read_report(&text, &[key]).unwrap();
        assert_eq!((&read.report, read.statement.through), (&json!({"changed": 30}), 1));
        assert_eq!(read_report(&text, &[]), Err(ReportRefusal::Key(key)));
        let other = tempfile::tempdir().unwrap();
        let (stranger, foreign) = written(other.path());
        assert_eq!(read_report(&foreign, &[key]), Err(ReportRefusal::Key(stranger)));
        // The first of each is in the report: the key may hold the same digits.
        for (from, to) in [("30", "31"), ("{\"changed", "{ \"changed"), ("\"through\":1", "\"through\":2")] {
            assert!(text.contains(from), "{text}");
            assert_eq!(
                read_report(&text.replacen(from, to, 1), &[key]),
                Err(ReportRefusal::Altered),
                "{from}"
            );
        }
        for cut in ["", "{}", "{}\n{}"] {
            assert_eq!(read_report(cut, &[key]), Err(ReportRefusal::Form), "{cut}");
        }
    }

    /// A report is no checkpoint, though both are statements.
    #[test]
    fn what_vouches_for_a_report_vouches_for_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let (key, text) = written(place.path());
        let statement = read_report(&text, &[key]).unwrap().statement;
        assert!(!statement.is_signed(Purpose::Checkpoint) && !statement.is_signed(Purpose::Pruned));
    }
}
