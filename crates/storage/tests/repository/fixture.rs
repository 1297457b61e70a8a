use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use strongroom_core::ports::{
    BackendId, Contended, MasterKeyVersion, ProjectKey, Reader, Repository, Sealed, StorageError,
    StoredPayload, Writer,
};
use strongroom_core::secret::{Page, SecretQuery};
use strongroom_core::{
    ChangeId, ContentType, Fingerprint, ProjectId, ProjectKeyId, Secret, SecretId, SecretType, Timestamp,
};
use strongroom_storage::{OpenOptions, ReadOnlyView, SqliteRepository};
use tempfile::TempDir;

/// A repository of any database, with the upkeep that is not part of the port.
#[async_trait]
pub(crate) trait Subject: Repository {
    async fn sweep(&self, now: Timestamp) -> u64;
    /// What is wrong with everything stored.
    fn findings(&self) -> Vec<String>;
}

/// A SQLite database in a folder of its own.
pub(crate) struct Sqlite {
    pub(crate) repository: SqliteRepository,
    pub(crate) path: PathBuf,
    pub(crate) folder: TempDir,
}

impl Sqlite {
    pub(crate) fn create() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("strongroom.db");
        let repository = SqliteRepository::open(&path, OpenOptions { create: true, upgrade: false }).unwrap();
        Self { repository, path, folder }
    }

    /// Closes the database; its folder stays.
    pub(crate) fn close(self) -> (TempDir, PathBuf) {
        drop(self.repository);
        (self.folder, self.path)
    }
}

#[async_trait]
impl Repository for Sqlite {
    async fn read(&self, job: strongroom_core::ports::ReadJob) -> Result<(), StorageError> {
        self.repository.read(job).await
    }

    async fn write(
        &self,
        change: ChangeId,
        job: strongroom_core::ports::WriteJob,
    ) -> Result<(), StorageError> {
        self.repository.write(change, job).await
    }

    async fn write_relaxed(&self, job: strongroom_core::ports::WriteJob) -> Result<(), StorageError> {
        self.repository.write_relaxed(job).await
    }

    async fn applied(&self, changes: Vec<ChangeId>) -> Result<Vec<ChangeId>, StorageError> {
        self.repository.applied(changes).await
    }

    fn settled(&self, change: ChangeId) {
        self.repository.settled(change);
    }
}

#[async_trait]
impl Subject for Sqlite {
    async fn sweep(&self, now: Timestamp) -> u64 {
        self.repository.sweep_expired(now).await.unwrap()
    }

    fn findings(&self) -> Vec<String> {
        ReadOnlyView::open(&self.path).unwrap().check().unwrap()
    }
}

/// Runs a change that takes effect when it succeeds.
pub(crate) async fn write<T: Send + 'static>(
    repository: &(impl Repository + ?Sized),
    mut change: impl FnMut(&mut dyn Writer) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let slot = Arc::new(Mutex::new(None));
    let filled = Arc::clone(&slot);
    let job = move |writer: &mut dyn Writer| {
        let value = change(writer).map_err(|_| Contended::Abandon)?;
        *filled.lock().unwrap() = Some(value);
        Ok(())
    };
    repository.write(ChangeId::random(), Box::new(job)).await?;
    Ok(slot.lock().unwrap().take().unwrap())
}

/// Asks questions of one state.
pub(crate) async fn read<T: Send + 'static>(
    repository: &(impl Repository + ?Sized),
    mut questions: impl FnMut(&mut dyn Reader) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let slot = Arc::new(Mutex::new(None));
    let filled = Arc::clone(&slot);
    let job = move |reader: &mut dyn Reader| {
        *filled.lock().unwrap() = questions(reader).ok();
        Ok(())
    };
    repository.read(Box::new(job)).await?;
    Ok(slot.lock().unwrap().take().unwrap())
}

pub(crate) async fn list(
    repository: &(impl Repository + ?Sized),
    project: &ProjectId,
    query: SecretQuery,
    now: Timestamp,
) -> Page<Secret> {
    let project = project.clone();
    read(repository, move |reader| reader.secrets(&project, &query, now)).await.unwrap()
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000).unwrap()
}

pub(crate) fn project(name: &str) -> ProjectId {
    ProjectId::new(name).unwrap()
}

pub(crate) fn soft() -> BackendId {
    BackendId::new("soft")
}

/// A secret with nothing but what it must have, created at that second.
pub(crate) fn secret(project: &ProjectId, seconds: i64) -> Secret {
    Secret {
        id: SecretId::random(),
        project: project.clone(),
        creator: None,
        name: None,
        secret_type: SecretType::Opaque,
        algorithm: None,
        mode: None,
        bit_length: None,
        expiration: None,
        created: at(seconds),
        updated: at(seconds),
        content_type: None,
    }
}

pub(crate) fn project_key(project: &ProjectId, version: u32) -> ProjectKey {
    ProjectKey {
        id: ProjectKeyId::random(),
        project: project.clone(),
        backend: soft(),
        version,
        master: MasterKeyVersion(3),
        wrapped: vec![0, 1, 255],
        created: at(5),
    }
}

pub(crate) fn stored(key: &ProjectKey) -> StoredPayload {
    StoredPayload {
        content_type: ContentType::Text,
        key: key.id,
        backend: soft(),
        sealed: Sealed(vec![1, 2, 3]),
        fingerprint: Some(Fingerprint([9; 16])),
    }
}
