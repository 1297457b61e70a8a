use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use strongroom_core::review::{Candidate, Condemned, Reason, Review};
use strongroom_core::secret::Label;
use strongroom_core::{ReviewId, SecretId, Timestamp, UserId};

use crate::error::RunError;

/// How a review file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values (RFC 4180), for a spreadsheet.
    Csv,
    /// A JSON object a line, for programs.
    Json,
}

/// A line of a review file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    review: String,
    secret: String,
    /// What it had last been changed at: a secret that is not what was decided on is not deleted.
    updated: String,
    reason: String,
    project: String,
    creator: String,
    name: String,
    #[serde(rename = "type")]
    secret_type: String,
    created: String,
    expiration: String,
    last_read: String,
    same_as: String,
    decision: String,
}

/// A line that came back.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) review: ReviewId,
    pub(super) secret: SecretId,
    pub(super) updated: Timestamp,
    pub(super) reasons: Vec<Reason>,
    pub(super) same_as: Option<SecretId>,
    pub(super) delete: bool,
}

impl Returned {
    /// What is to be deleted, when it is.
    pub(super) fn condemned(&self) -> Condemned {
        Condemned {
            secret: self.secret,
            updated: self.updated,
            orphaned: self.reasons.iter().any(|reason| reason.is_of_owner()),
            twin: self.same_as.filter(|_| self.reasons.contains(&Reason::SameMaterial)),
        }
    }
}

/// A review file that is being written.
pub(super) enum Out {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Json(BufWriter<File>),
}

impl Out {
    /// Makes the file, which only its owner may read and which must not be there.
    pub(super) fn create(path: &Path, format: Format) -> Result<Self, RunError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = BufWriter::new(file.map_err(|source| fault(path, source))?);
        Ok(match format {
            Format::Csv => Self::Csv(Box::new(csv::Writer::from_writer(file))),
            Format::Json => Self::Json(file),
        })
    }

    /// Adds a secret.
    pub(super) fn add(
        &mut self,
        path: &Path,
        review: &Review,
        found: &Candidate,
        reasons: &[Reason],
        same_as: Option<SecretId>,
    ) -> Result<(), RunError> {
        let Candidate { secret, last_read, .. } = found;
        let day = last_read.and_then(|day| Timestamp::from_micros(day.0.checked_mul(86_400_000_000)?));
        let mut line = Line {
            review: review.id.to_string(),
            secret: secret.id.to_string(),
            updated: secret.updated.to_string(),
            reason: reasons.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(" "),
            project: secret.project.to_string(),
            creator: secret.creator.as_ref().map_or_else(String::new, UserId::to_string),
            name: secret.name.as_ref().map_or_else(String::new, |name| Label::as_str(name).to_owned()),
            secret_type: secret.secret_type.as_str().to_owned(),
            created: secret.created.to_string(),
            expiration: secret.expiration.map_or_else(String::new, |at| at.to_string()),
            last_read: day.map_or_else(String::new, |day| day.to_string().chars().take(10).collect()),
            same_as: same_as.map_or_else(String::new, |twin| twin.to_string()),
            decision: String::new(),
        };
        match self {
            Self::Csv(writer) => {
                for cell in [&mut line.project, &mut line.creator, &mut line.name] {
                    // What a spreadsheet would take for a formula: callers choose their own names.
                    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
                        cell.insert(0, '\'');
                    }
                }
                writer.serialize(line).map_err(|error| fault(path, error.into()))
            }
            Self::Json(writer) => {
                let written = serde_json::to_writer(&mut *writer, &line).map_err(std::io::Error::from);
                written.and_then(|()| writer.write_all(b"\n")).map_err(|source| fault(path, source))
            }
        }
    }

    /// Ends the file, which is durable then.
    pub(super) fn finish(self, path: &Path) -> Result<(), RunError> {
        let file = match self {
            Self::Csv(writer) => {
                let inner = writer.into_inner().map_err(|error| fault(path, error.into_error()))?;
                inner.into_inner().map_err(std::io::IntoInnerError::into_error)
            }
            Self::Json(writer) => writer.into_inner().map_err(std::io::IntoInnerError::into_error),
        };
        file.and_then(|file| file.sync_all()).map_err(|source| fault(path, source))
    }
}

/// Shows each line of a file that came back; gives the file's SHA-256, in hexadecimal digits. The first line that can't
/// be understood ends it.
pub(super) async fn read(
    path: &Path,
    mut shown: impl AsyncFnMut(u64, Returned) -> Result<(), RunError>,
) -> Result<String, RunError> {
    let file = File::open(path).map_err(|source| fault(path, source))?;
    let mut reader = BufReader::new(Hashed { file, hash: Context::new(&SHA256) });
    let is_json = reader.fill_buf().map_err(|source| fault(path, source))?.first() == Some(&b'{');
    let garbled = |number, reason: String| RunError::ReviewLine { path: path.to_owned(), number, reason };
    if is_json {
        let lines = serde_json::Deserializer::from_reader(&mut reader).into_iter::<Line>();
        for (number, line) in (1..).zip(lines) {
            let line = line.map_err(|error| garbled(number, error.to_string()))?;
            shown(number, returned(&line).map_err(|reason| garbled(number, reason))?).await?;
        }
    } else {
        // The head is line 1.
        for (number, line) in (2..).zip(csv::Reader::from_reader(&mut reader).into_deserialize::<Line>()) {
            let line = line.map_err(|error| garbled(number, error.to_string()))?;
            shown(number, returned(&line).map_err(|reason| garbled(number, reason))?).await?;
        }
    }
    let digest = reader.into_inner().hash.finish();
    Ok(hex::encode(digest))
}

fn returned(line: &Line) -> Result<Returned, String> {
    Ok(Returned {
        review: ReviewId::parse(&line.review).map_err(|error| format!("review: {error}"))?,
        secret: SecretId::parse(&line.secret).map_err(|error| format!("secret: {error}"))?,
        updated: Timestamp::parse(&line.updated).map_err(|error| format!("updated: {error}"))?,
        reasons: line
            .reason
            .split_whitespace()
            .map(|name| Reason::parse(name).ok_or_else(|| format!("reason: there is none named {name}")))
            .collect::<Result<_, _>>()?,
        same_as: match line.same_as.as_str() {
            "" => None,
            twin => Some(SecretId::parse(twin).map_err(|error| format!("same_as: {error}"))?),
        },
        delete: match line.decision.trim().to_ascii_lowercase().as_str() {
            "" | "keep" => false,
            "delete" => true,
            _ => {
                return Err(
                    "the decision is neither keep, which nothing stands for too, nor delete".to_owned()
                );
            }
        },
    })
}

/// What is read, and its hash so far.
struct Hashed {
    file: File,
    hash: Context,
}

impl std::io::Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

fn fault(path: &Path, source: std::io::Error) -> RunError {
    RunError::ReviewFile { path: path.to_owned(), source }
}
