use std::fs::File;
use std::path::Path;

use tempfile::NamedTempFile;

use super::BackupRunError;

/// The folder that a file is or will be in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file of mode 0600 beside `path`, which gets that name by [`keep`] only.
pub(super) fn draft(path: &Path) -> Result<NamedTempFile, BackupRunError> {
    if path.symlink_metadata().is_ok() {
        return Err(BackupRunError::Exists(path.to_owned()));
    }
    NamedTempFile::new_in(folder_of(path)).map_err(BackupRunError::io("create a file beside", path))
}

/// Gives a draft its name, durably. Nothing that is there is overwritten.
pub(super) fn keep(draft: NamedTempFile, path: &Path) -> Result<(), BackupRunError> {
    draft.as_file().sync_all().map_err(BackupRunError::io("sync", path))?;
    draft.persist_noclobber(path).map_err(|refused| match refused.error.kind() {
        std::io::ErrorKind::AlreadyExists => BackupRunError::Exists(path.to_owned()),
        _ => BackupRunError::io("put in place", path)(refused.error),
    })?;
    let folder = folder_of(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupRunError::io("sync", folder))
}
