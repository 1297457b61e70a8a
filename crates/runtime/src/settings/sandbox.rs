use std::path::PathBuf;

use super::reader::Reader;

/// What the process gives up by itself.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SandboxSection {
    /// Whether it does.
    pub enabled: bool,
    /// Folders that may be written to besides those that other settings name.
    pub writable: Vec<PathBuf>,
}

pub(super) fn sandbox(reader: &mut Reader) -> SandboxSection {
    SandboxSection {
        enabled: reader.get("sandbox.enabled", true, "true or false"),
        writable: reader.get(
            "sandbox.writable",
            Vec::new(),
            "a list of folders, such as [\"/var/lib/softhsm\"]",
        ),
    }
}
