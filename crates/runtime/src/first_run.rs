//! The first run: everything a server needs is made, once, by the `dev` command.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use strongroom_core::{Clock as _, SystemClock};
use strongroom_crypto::create_key_file;

use crate::error::RunError;
use crate::settings::Settings;

/// What the first run has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstRun {
    /// Whether the master key is new.
    pub made_master_key: bool,
    /// Whether the database is new.
    pub made_database: bool,
}

/// Makes the data folder and, where there is neither key nor database, the master key. The database and the
/// journal are made by the start that follows. A database without its key is left alone: the start refuses.
pub fn prepare(settings: &Settings) -> Result<FirstRun, RunError> {
    private_folder(&settings.data_dir)?;
    let database = settings.storage.file.exists();
    let key = &settings.master_key.file;
    let made_master_key = !database && !key.exists();
    if made_master_key {
        create_key_file(key, SystemClock.now()).map_err(RunError::MasterKey)?;
    }
    Ok(FirstRun { made_master_key, made_database: !database })
}

/// Makes a folder that only its owner can enter, or checks that an existing one is so.
pub(crate) fn private_folder(path: &Path) -> Result<(), RunError> {
    let failed = |source| RunError::Folder { path: path.to_owned(), source };
    if !path.exists() {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        DirBuilder::new().mode(0o700).create(path).map_err(failed)?;
        // Whatever the process's mask says.
        return std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed);
    }
    let found = path.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if found & 0o077 != 0 { Err(RunError::FolderMode { path: path.to_owned(), found }) } else { Ok(()) }
}
