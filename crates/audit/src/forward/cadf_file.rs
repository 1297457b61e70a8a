use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use strongroom_outbound::{SendError, SetUpError};

use super::cadf::event;
use super::receiver::{Outgoing, Receiver};

/// Appends CADF events to a local file, one a line. The file is opened anew for each delivery, so that whatever
/// rotates it needs to tell nobody.
pub(super) struct CadfFile {
    path: PathBuf,
    node: String,
}

impl CadfFile {
    pub(super) fn new(path: PathBuf, node: &str) -> Result<Self, SetUpError> {
        open(&path).map_err(|source| SetUpError::File { path: path.clone(), source })?;
        Ok(Self { path, node: node.to_owned() })
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[async_trait]
impl Receiver for CadfFile {
    async fn deliver(&mut self, records: &[Outgoing]) -> Result<(), SendError> {
        let mut text = Vec::new();
        for record in records {
            serde_json::to_writer(&mut text, &event(record, &self.node)).map_err(io::Error::other)?;
            text.push(b'\n');
        }
        let mut file = open(&self.path)?;
        file.write_all(&text)?;
        Ok(file.sync_data()?)
    }
}
