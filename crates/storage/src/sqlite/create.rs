use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use diesel::connection::SimpleConnection as _;

use super::header::beside;
use super::schema::{self, APPLICATION_ID};
use super::{connection, open};
use crate::error::OpenError;

/// Makes the folder, when it is not there, so that only the service's user can enter it.
pub(super) fn folder(database: &Path) -> Result<(), OpenError> {
    let folder = folder_of(database);
    if folder.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| OpenError::File { action: "make the folder", path: folder.to_owned(), source })
}

/// Makes an empty database, whole or not at all: it gets its name when it is complete and durable.
pub(super) fn database(path: &Path) -> Result<(), OpenError> {
    let draft = beside(path, ".new");
    let fail = |action, at: &Path| {
        let path = at.to_owned();
        move |source| OpenError::File { action, path, source }
    };
    for suffix in ["", "-wal", "-shm"] {
        let left = beside(&draft, suffix);
        match fs::remove_file(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(fail("remove", &left)(error));
            }
            _ => {}
        }
    }
    // SQLite gives its other files the mode of this one.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
    let file = file.map_err(fail("create", &draft))?;
    let mut connection = connection::writing(&draft)?;
    connection
        .batch_execute(&format!("PRAGMA application_id = {APPLICATION_ID}"))
        .map_err(|source| open::refusal(&draft, source))?;
    schema::migrate(&mut connection, &draft)?;
    // Closing the last connection copies the log into the file and removes it.
    drop(connection);
    file.sync_all().map_err(fail("sync", &draft))?;
    fs::rename(&draft, path).map_err(fail("rename", &draft))?;
    let folder = folder_of(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail("sync", folder))
}

fn folder_of(database: &Path) -> &Path {
    database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
