//! A repository of a test's own, and things to put into it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use strongroom_core::consumer::{Consumer, ContainerUse, SecretUse, Use};
use strongroom_core::container::{Container, ContainerType, Member};
use strongroom_core::order::{KeySpec, Order, OrderState, OrderType};
use strongroom_core::ports::{
    BackendId, Contended, MasterKeyVersion, ProjectKey, Reader, Repository, Sealed, StorageError,
    StoredPayload, Writer,
};
use strongroom_core::secret::{BitLength, Label, Paging};
use strongroom_core::{
    ChangeId, ConsumerId, ContainerId, ContentType, OrderId, ProjectId, ProjectKeyId, Secret, SecretId,
    SecretType, Timestamp, UserId,
};
use strongroom_storage::{OpenOptions, ReadOnlyView, SqliteRepository};
use tempfile::TempDir;

pub(crate) struct Store {
    repository: Option<Arc<dyn Repository>>,
    folder: TempDir,
}

impl Store {
    pub(crate) fn new() -> Self {
        let mut store = Self { repository: None, folder: tempfile::tempdir().unwrap() };
        store.reopen();
        store
    }

    /// Closes the repository, as the end of its process would, and opens it again.
    pub(crate) fn reopen(&mut self) {
        self.repository = None;
        let options = OpenOptions { create: true, upgrade: false };
        self.repository = Some(Arc::new(SqliteRepository::open(&self.path(), options).unwrap()));
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("strongroom.db")
    }

    pub(crate) fn repository(&self) -> Arc<dyn Repository> {
        Arc::clone(self.repository.as_ref().unwrap())
    }

    /// What the questions find.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        mut questions: impl FnMut(&mut dyn Reader) -> Result<T, StorageError> + Send + 'static,
    ) -> T {
        let found = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&found);
        let job = move |reader: &mut dyn Reader| {
            *slot.lock().unwrap() = Some(questions(reader).unwrap());
            Ok(())
        };
        self.repository().read(Box::new(job)).await.unwrap();
        found.lock().unwrap().take().unwrap()
    }

    /// What the change gives once it is durable.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl FnMut(&mut dyn Writer) -> Result<T, StorageError> + Send + 'static,
    ) -> T {
        self.attempt(change, Ok(())).await.unwrap()
    }

    /// Runs a change that thinks better of it in the end.
    pub(crate) async fn abandon(
        &self,
        change: impl FnMut(&mut dyn Writer) -> Result<(), StorageError> + Send + 'static,
    ) {
        self.attempt(change, Err(Contended::Abandon)).await.unwrap();
    }

    /// Runs a change that meets an error, which it ignores.
    pub(crate) async fn fail(
        &self,
        change: impl FnMut(&mut dyn Writer) -> Result<(), StorageError> + Send + 'static,
    ) -> StorageError {
        self.attempt(change, Ok(())).await.unwrap_err()
    }

    async fn attempt<T: Send + 'static>(
        &self,
        mut change: impl FnMut(&mut dyn Writer) -> Result<T, StorageError> + Send + 'static,
        end: Result<(), Contended>,
    ) -> Result<T, StorageError> {
        let found = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&found);
        let abandons = end.is_err();
        let job = move |writer: &mut dyn Writer| {
            *slot.lock().unwrap() = Some(change(writer));
            if abandons { Err(Contended::Abandon) } else { Ok(()) }
        };
        self.repository().write(ChangeId::random(), Box::new(job)).await?;
        found.lock().unwrap().take().unwrap()
    }

    /// The whole database is in order: every count, index and reference.
    pub(crate) fn assert_sound(&self) {
        assert_eq!(ReadOnlyView::open(&self.path()).unwrap().check().unwrap(), Vec::<String>::new());
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000).unwrap()
}

pub(crate) fn part(offset: u64, limit: u32) -> Paging {
    Paging { limit, offset }
}

pub(crate) fn project(name: &str) -> ProjectId {
    ProjectId::new(name).unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn label(text: &str) -> Label {
    Label::new("name", text).unwrap()
}

pub(crate) fn secret(of: &str) -> Secret {
    Secret {
        id: SecretId::random(),
        project: project(of),
        creator: Some(user("ann")),
        name: Some(label("a secret")),
        secret_type: SecretType::Opaque,
        algorithm: None,
        mode: None,
        bit_length: None,
        expiration: None,
        created: at(1),
        updated: at(1),
        content_type: None,
    }
}

pub(crate) fn member(name: &str, secret: SecretId) -> Member {
    Member { name: Some(label(name)).filter(|name| !name.as_str().is_empty()), secret }
}

pub(crate) fn container(of: &str, name: &str, members: Vec<Member>) -> Container {
    Container {
        id: ContainerId::random(),
        project: project(of),
        creator: Some(user("ann")),
        name: Some(label(name)),
        container_type: ContainerType::Generic,
        members,
        created: at(1),
        updated: at(1),
    }
}

pub(crate) fn uses_secret(service: &str, resource: &str) -> Use {
    Use::Secret(SecretUse::new(service, "volume", resource).unwrap())
}

pub(crate) fn uses_container(name: &str, url: &str) -> Use {
    Use::Container(ContainerUse::new(name, url).unwrap())
}

pub(crate) fn consumer(of: &str, used_by: Use) -> Consumer {
    Consumer { id: ConsumerId::random(), project: project(of), used_by, created: at(2), updated: at(2) }
}

pub(crate) fn order(of: &str, meta: &str) -> Order {
    Order {
        id: OrderId::random(),
        project: project(of),
        creator: None,
        order_type: OrderType::Key,
        spec: KeySpec {
            name: Some(label("made")),
            algorithm: label("aes"),
            mode: Some(label("gcm")),
            bit_length: BitLength::new(256).unwrap(),
            expiration: Some(at(9_999)),
            content_type: ContentType::OctetStream,
        },
        passphrase: None,
        meta: meta.to_owned(),
        state: OrderState::Pending,
        created: at(1),
        updated: at(1),
    }
}

pub(crate) fn project_key(of: &str) -> ProjectKey {
    ProjectKey {
        id: ProjectKeyId::random(),
        project: project(of),
        backend: BackendId::new("soft"),
        version: 1,
        master: MasterKeyVersion(1),
        wrapped: vec![7; 61],
        created: at(1),
    }
}

pub(crate) fn sealed(key: ProjectKeyId) -> StoredPayload {
    StoredPayload {
        content_type: ContentType::Text,
        key,
        backend: BackendId::new("soft"),
        sealed: Sealed(vec![1, 2, 3]),
        fingerprint: None,
    }
}
