use std::path::{Path, PathBuf};
use std::time::Duration;

use strongroom_audit::ForwarderOptions;

use super::forwarders::forwarders;
use super::reader::Reader;
use super::sections::{PATH, seconds};

/// Where and how the audit journal is kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuditSection {
    /// The journal's folder.
    pub folder: PathBuf,
    /// Size of a journal file, in bytes, after which the next is begun.
    pub segment_bytes: u64,
    /// How long a record may wait for a signed checkpoint.
    pub checkpoint_every: Duration,
    /// Where its records are sent.
    pub forwarders: Vec<ForwarderOptions>,
}

pub(super) fn audit(reader: &mut Reader, data_dir: &Path) -> AuditSection {
    let segment_bytes = reader.get("audit.segment_bytes", 32 << 20, "a number of bytes from 65536 up");
    if segment_bytes < 65_536 {
        reader.refuse("audit.segment_bytes", "is below 65536");
    }
    AuditSection {
        folder: reader.get("audit.folder", data_dir.join("journal"), PATH),
        segment_bytes,
        checkpoint_every: seconds(reader, "audit.checkpoint_seconds", Duration::from_mins(1)),
        forwarders: forwarders(reader),
    }
}
