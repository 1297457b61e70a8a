//! Where the workspace and what it builds are.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::{Metadata, MetadataCommand};

/// The workspace's root folder.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// What cargo knows about the members of the workspace.
pub(crate) fn metadata() -> Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata failed")
}

/// The folder of binaries of that profile, `debug` or `release`.
pub(crate) fn binaries(profile: &str) -> Result<PathBuf> {
    Ok(metadata()?.target_directory.join(profile).into_std_path_buf())
}
