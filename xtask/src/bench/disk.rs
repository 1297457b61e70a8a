//! What the disk itself can do: everything durable hangs on it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::figures::Slice;

/// The size of one append, in bytes: about one record of the journal.
const APPEND: [u8; 512] = [b'.'; 512];

/// A file that is appended to.
pub(super) struct Disk(File);

impl Disk {
    /// Makes the file.
    pub(super) fn create(path: &Path) -> Result<Self> {
        Ok(Self(File::create(path).with_context(|| format!("can't create {}", path.display()))?))
    }

    /// Appends and makes durable, one after the other, for that long.
    pub(super) fn run(&mut self, duration: Duration) -> Result<Slice> {
        let start = Instant::now();
        let mut latencies = Vec::new();
        while start.elapsed() < duration {
            let before = Instant::now();
            self.0.write_all(&APPEND)?;
            self.0.sync_data()?;
            latencies.push(before.elapsed());
        }
        Ok(Slice { elapsed: start.elapsed(), latencies })
    }
}
