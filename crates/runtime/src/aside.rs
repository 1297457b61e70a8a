//! Requests that wait for the disk or for a device leave their turn at the processors to others.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_core::audit::Event;
use strongroom_core::ports::{
    AuditError, AuditSink, BackendError, BackendId, Canary, GenerationError, KeyPair, KeyRequest,
    MasterKeyVersion, OpenChange, PayloadKind, ProjectKey, ReadJob, Repository, Sealed, SecretBackend,
    StorageError, WriteJob,
};
use strongroom_core::store::StoreNames;
use strongroom_core::{ChangeId, Fingerprint, Material, Payload, ProjectId, SecretId, Timestamp};
use strongroom_edge::aside;

/// A port that is waited for without a turn. Reads of the repository are work: its readers compute.
pub(crate) struct Aside<T>(pub(crate) T);

// Whatever the ports come to offer has to be handed on: a default in its place would do something else.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: AuditSink> AuditSink for Aside<S> {
    async fn record(&self, event: Event) -> Result<(), AuditError> {
        aside(self.0.record(event)).await
    }

    async fn open_changes(&self) -> Result<Vec<OpenChange>, AuditError> {
        self.0.open_changes().await
    }

    fn health(&self) -> Result<(), AuditError> {
        self.0.health()
    }

    fn node(&self) -> &str {
        self.0.node()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<R: Repository> Repository for Aside<R> {
    async fn read(&self, job: ReadJob) -> Result<(), StorageError> {
        self.0.read(job).await
    }

    async fn write(&self, change: ChangeId, job: WriteJob) -> Result<(), StorageError> {
        aside(self.0.write(change, job)).await
    }

    async fn write_relaxed(&self, job: WriteJob) -> Result<(), StorageError> {
        aside(self.0.write_relaxed(job)).await
    }

    async fn applied(&self, changes: Vec<ChangeId>) -> Result<Vec<ChangeId>, StorageError> {
        self.0.applied(changes).await
    }

    fn settled(&self, change: ChangeId) {
        self.0.settled(change);
    }
}

/// What a backend has at hand it does at once, and that is no waiting.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl SecretBackend for Aside<Arc<dyn SecretBackend>> {
    fn id(&self) -> &BackendId {
        self.0.id()
    }

    fn store_names(&self) -> StoreNames {
        self.0.store_names()
    }

    async fn master_key_versions(&self) -> Result<Vec<MasterKeyVersion>, BackendError> {
        self.0.master_key_versions().await
    }

    async fn seal_canary(&self, version: MasterKeyVersion) -> Result<Canary, BackendError> {
        self.0.seal_canary(version).await
    }

    async fn open_canary(&self, version: MasterKeyVersion, canary: &Canary) -> Result<(), BackendError> {
        self.0.open_canary(version, canary).await
    }

    async fn create_project_key(
        &self,
        project: &ProjectId,
        version: u32,
        now: Timestamp,
    ) -> Result<ProjectKey, BackendError> {
        aside(self.0.create_project_key(project, version, now)).await
    }

    async fn reload(&self) -> Result<(), BackendError> {
        self.0.reload().await
    }

    async fn rewrap(&self, key: &ProjectKey, master: MasterKeyVersion) -> Result<ProjectKey, BackendError> {
        self.0.rewrap(key, master).await
    }

    async fn prove_project_key(&self, key: &ProjectKey) -> Result<(), BackendError> {
        self.0.prove_project_key(key).await
    }

    async fn seal(
        &self,
        key: &ProjectKey,
        binding: &[u8],
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        aside(self.0.seal(key, binding, payload)).await
    }

    async fn seal_as(
        &self,
        kind: &PayloadKind,
        key: &ProjectKey,
        binding: &[u8],
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        aside(self.0.seal_as(kind, key, binding, payload)).await
    }

    async fn fingerprint(
        &self,
        key: &ProjectKey,
        secret: SecretId,
        payload: &Payload,
    ) -> Result<Option<Fingerprint>, BackendError> {
        aside(self.0.fingerprint(key, secret, payload)).await
    }

    async fn materials(
        &self,
        key: &ProjectKey,
        fingerprints: &[(SecretId, Fingerprint)],
    ) -> Result<Vec<Material>, BackendError> {
        self.0.materials(key, fingerprints).await
    }

    async fn seal_generated(
        &self,
        request: &KeyRequest,
        kind: &PayloadKind,
        key: &ProjectKey,
        binding: &[u8],
    ) -> Result<(Payload, Sealed), GenerationError> {
        aside(self.0.seal_generated(request, kind, key, binding)).await
    }

    async fn open(&self, key: &ProjectKey, binding: &[u8], sealed: &Sealed) -> Result<Payload, BackendError> {
        aside(self.0.open(key, binding, sealed)).await
    }

    fn keeps(&self, sealed: &Sealed) -> bool {
        self.0.keeps(sealed)
    }

    async fn forget(&self, key: &ProjectKey, sealed: &Sealed) -> Result<(), BackendError> {
        aside(self.0.forget(key, sealed)).await
    }

    async fn generate_key(&self, request: &KeyRequest) -> Result<Payload, GenerationError> {
        aside(self.0.generate_key(request)).await
    }

    async fn generate_pair(
        &self,
        request: &KeyRequest,
        passphrase: Option<&Payload>,
    ) -> Result<KeyPair, GenerationError> {
        aside(self.0.generate_pair(request, passphrase)).await
    }

    async fn health(&self) -> Result<(), BackendError> {
        self.0.health().await
    }
}
