//! What is refused at start, and that a refusal changes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use strongroom_core::ChangeId;
use strongroom_core::ports::Repository as _;
use strongroom_storage::{
    OpenError, OpenOptions, ReadOnlyView, SchemaStatus, SqliteRepository, schema_status, upgrade,
};
use tempfile::TempDir;

use crate::fixture::{Sqlite, project, secret, soft, write};

const ANYTHING: OpenOptions = OpenOptions { create: true, upgrade: true };
/// Where a database's header has its schema version, and whose it is.
const SCHEMA: usize = 60;
const APPLICATION: usize = 68;

/// A closed database with a secret in it.
async fn closed() -> (TempDir, PathBuf) {
    let database = Sqlite::create();
    let new = secret(&project("p"), 1);
    write(&database, move |writer| writer.insert_secret(&new)).await.unwrap();
    database.close()
}

fn mark(path: &Path, at: usize, value: u32) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    fs::write(path, bytes).unwrap();
}

/// Every file of the folder but the lock, with its bytes.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|name| name != "lock"))
        .map(|path| (path.clone(), fs::read(&path).unwrap_or_default()))
        .collect();
    all.sort();
    all
}

fn refused(path: &Path, options: OpenOptions) -> OpenError {
    let folder = path.parent().unwrap();
    let before = contents(folder);
    let error = SqliteRepository::open(path, options).map(drop).unwrap_err();
    assert!(contents(folder) == before, "a refusal left traces: {error}");
    error
}

#[tokio::test]
async fn only_the_owner_can_read_what_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("strongroom.db");
    let repository = SqliteRepository::open(&path, ANYTHING).unwrap();
    repository.write(ChangeId::random(), Box::new(|_| Ok(()))).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let files: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_second_server_is_refused_and_the_first_goes_on() {
    let database = Sqlite::create();
    assert!(matches!(refused(&database.path, ANYTHING), OpenError::InUse { .. }));
    database.repository.write(ChangeId::random(), Box::new(|_| Ok(()))).await.unwrap();
    assert!(matches!(upgrade(&database.path), Err(OpenError::InUse { .. })));
    let (_folder, path) = database.close();
    SqliteRepository::open(&path, OpenOptions::default()).unwrap();
}

#[test]
fn a_missing_database_is_made_only_when_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    assert!(matches!(refused(&path, OpenOptions::default()), OpenError::Missing { .. }));
    assert!(matches!(ReadOnlyView::open(&path), Err(OpenError::Missing { .. })));
    assert!(matches!(schema_status(&path), Err(OpenError::Missing { .. })));
    assert!(matches!(upgrade(&path), Err(OpenError::Missing { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    fs::write(folder.path().join("none.db-wal"), "the last changes").unwrap();
    assert!(matches!(refused(&path, ANYTHING), OpenError::LogWithoutDatabase { .. }));
}

#[tokio::test]
async fn an_interrupted_creation_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strongroom.db");
    for suffix in ["", "-wal", "-shm"] {
        fs::write(folder.path().join(format!("strongroom.db.new{suffix}")), "half").unwrap();
    }
    SqliteRepository::open(&path, ANYTHING).unwrap();
    let left: Vec<_> = contents(folder.path()).into_iter().map(|(path, _)| path).collect();
    assert_eq!(left, [path]);
}

#[tokio::test]
async fn a_cut_file_is_refused_wherever_it_was_cut() {
    let (_folder, path) = closed().await;
    let whole = fs::read(&path).unwrap();
    for length in [0, 1, 16, 99, 100, 101, 4095, 4096, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = refused(&path, ANYTHING);
        let expected = if (1..16).contains(&length) {
            matches!(error, OpenError::NotADatabase { .. })
        } else {
            matches!(error, OpenError::Damaged { .. })
        };
        assert!(expected, "{length} bytes: {error}");
    }
}

#[tokio::test]
async fn a_file_of_somebody_else_is_refused() {
    let (_folder, path) = closed().await;
    mark(&path, APPLICATION, 7);
    assert!(matches!(refused(&path, ANYTHING), OpenError::Foreign { .. }));
    assert!(matches!(ReadOnlyView::open(&path), Err(OpenError::Foreign { .. })));
    fs::write(&path, "It was a dark and stormy night".repeat(500)).unwrap();
    assert!(matches!(refused(&path, ANYTHING), OpenError::NotADatabase { .. }));
    assert!(matches!(ReadOnlyView::open(&path), Err(OpenError::NotADatabase { .. })));
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_both_versions() {
    let (_folder, path) = closed().await;
    mark(&path, SCHEMA, 4242);
    let error = refused(&path, ANYTHING);
    assert!(matches!(error, OpenError::Newer { found: 4242, .. }), "{error}");
    assert!(error.to_string().contains("4242"));
    assert_eq!(schema_status(&path).unwrap().found, 4242);
    assert!(matches!(upgrade(&path), Err(OpenError::Newer { .. })));
    assert!(matches!(ReadOnlyView::open(&path), Err(OpenError::Newer { .. })));
}

#[tokio::test]
async fn an_older_schema_is_upgraded_only_when_that_is_wanted() {
    use diesel::connection::SimpleConnection as _;
    use diesel::{Connection as _, SqliteConnection};

    let (_folder, path) = closed().await;
    let known = schema_status(&path).unwrap().known;
    // The oldest there can be: ours, with nothing in it.
    fs::remove_file(&path).unwrap();
    let mut raw = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    raw.batch_execute("PRAGMA application_id = 0x53747267; PRAGMA journal_mode = DELETE; VACUUM").unwrap();
    drop(raw);

    assert!(matches!(refused(&path, OpenOptions::default()), OpenError::Older { found: 0, .. }));
    assert!(matches!(ReadOnlyView::open(&path), Err(OpenError::Older { .. })));
    assert_eq!(upgrade(&path).unwrap(), SchemaStatus { found: 0, known });
    assert_eq!(upgrade(&path).unwrap(), SchemaStatus { found: known, known });
    SqliteRepository::open(&path, OpenOptions::default()).unwrap();
}

#[tokio::test]
async fn a_missing_table_is_noticed() {
    use diesel::connection::SimpleConnection as _;
    use diesel::{Connection as _, SqliteConnection};

    let (_folder, path) = closed().await;
    let mut raw = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    raw.batch_execute("DROP TABLE user_metadata").unwrap();
    drop(raw);
    let error = SqliteRepository::open(&path, ANYTHING).map(drop).unwrap_err();
    assert!(error.to_string().contains("user_metadata"), "{error}");
}

#[tokio::test]
async fn a_tool_looks_on_beside_a_server_and_can_change_nothing() {
    let database = Sqlite::create();
    let mut view = ReadOnlyView::open(&database.path).unwrap();
    let new = secret(&project("p"), 1);
    let (id, expected) = (new.id, new.clone());
    write(&database, move |writer| writer.insert_secret(&new)).await.unwrap();
    assert_eq!(view.read(|reader| reader.secret(id)).unwrap(), Some(expected));
    assert!(!view.read(|reader| reader.has_project_keys(&soft())).unwrap());
    assert_eq!(view.applied(&[ChangeId::random()]).unwrap(), []);
    assert_eq!(view.check().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn odd_paths_are_no_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b?mode=memory#%41.db");
    let repository = SqliteRepository::open(&path, ANYTHING).unwrap();
    let new = secret(&project("p"), 1);
    write(&repository, move |writer| writer.insert_secret(&new)).await.unwrap();
    drop(repository);
    assert!(fs::read(&path).unwrap().len() > 4096);
    SqliteRepository::open(&path, OpenOptions::default()).unwrap();
}
