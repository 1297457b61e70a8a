use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use strongroom_core::ports::{
    BackendError, BackendId, Canary, GenerationError, KeyPair, KeyRequest, MasterKeyVersion, PayloadKind,
    ProjectKey, Sealed, SecretBackend,
};
use strongroom_core::store::StoreNames;
use strongroom_core::trace::TARGET;
use strongroom_core::{Fingerprint, Material, Payload, ProjectId, SecretId, Timestamp};
use tracing::{Instrument as _, info_span};

use crate::catalogue::STORE_DURATION;
use crate::meters::Meters;

/// A backend whose every use is measured, and followed in traces. What it is asked for is handed on as it is.
pub struct WatchedBackend {
    inner: Arc<dyn SecretBackend>,
    durations: Histogram<f64>,
    seal: Series,
    open: Series,
    wrap: Series,
    forget: Series,
    generate: Series,
}

/// The series of one operation: of its successes and of its failures.
struct Series {
    operation: &'static str,
    succeeded: [KeyValue; 3],
    failed: [KeyValue; 3],
}

impl WatchedBackend {
    /// Measures the uses of that one.
    pub fn new(inner: Arc<dyn SecretBackend>, meters: &Meters) -> Self {
        let store = inner.id().as_str().to_owned();
        let series = |operation: &'static str| {
            let with = |outcome: &'static str| {
                [
                    KeyValue::new("strongroom.outcome", outcome),
                    KeyValue::new("strongroom.store", store.clone()),
                    KeyValue::new("strongroom.store.operation", operation),
                ]
            };
            Series { operation, succeeded: with("success"), failed: with("failed") }
        };
        Self {
            durations: meters.histogram(&STORE_DURATION),
            seal: series("seal"),
            open: series("open"),
            wrap: series("wrap"),
            forget: series("forget"),
            generate: series("generate"),
            inner,
        }
    }

    async fn measured<T, E>(
        &self,
        series: &Series,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let span = info_span!(
            target: TARGET,
            "backend",
            otel.name = series.operation,
            strongroom.store = self.inner.id().as_str(),
        );
        let begun = Instant::now();
        let result = work.instrument(span).await;
        let attributes = if result.is_ok() { &series.succeeded } else { &series.failed };
        self.durations.record(begun.elapsed().as_secs_f64(), attributes);
        result
    }
}

// Whatever the port comes to offer has to be handed on: a default in its place would do something else.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl SecretBackend for WatchedBackend {
    fn id(&self) -> &BackendId {
        self.inner.id()
    }

    fn store_names(&self) -> StoreNames {
        self.inner.store_names()
    }

    async fn master_key_versions(&self) -> Result<Vec<MasterKeyVersion>, BackendError> {
        self.inner.master_key_versions().await
    }

    async fn seal_canary(&self, version: MasterKeyVersion) -> Result<Canary, BackendError> {
        self.inner.seal_canary(version).await
    }

    async fn open_canary(&self, version: MasterKeyVersion, canary: &Canary) -> Result<(), BackendError> {
        self.inner.open_canary(version, canary).await
    }

    async fn create_project_key(
        &self,
        project: &ProjectId,
        version: u32,
        now: Timestamp,
    ) -> Result<ProjectKey, BackendError> {
        self.measured(&self.wrap, self.inner.create_project_key(project, version, now)).await
    }

    async fn reload(&self) -> Result<(), BackendError> {
        self.inner.reload().await
    }

    async fn rewrap(&self, key: &ProjectKey, master: MasterKeyVersion) -> Result<ProjectKey, BackendError> {
        self.measured(&self.wrap, self.inner.rewrap(key, master)).await
    }

    async fn prove_project_key(&self, key: &ProjectKey) -> Result<(), BackendError> {
        self.inner.prove_project_key(key).await
    }

    async fn seal(
        &self,
        key: &ProjectKey,
        binding: &[u8],
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        self.measured(&self.seal, self.inner.seal(key, binding, payload)).await
    }

    async fn seal_as(
        &self,
        kind: &PayloadKind,
        key: &ProjectKey,
        binding: &[u8],
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        self.measured(&self.seal, self.inner.seal_as(kind, key, binding, payload)).await
    }

    async fn seal_generated(
        &self,
        request: &KeyRequest,
        kind: &PayloadKind,
        key: &ProjectKey,
        binding: &[u8],
    ) -> Result<(Payload, Sealed), GenerationError> {
        self.measured(&self.generate, self.inner.seal_generated(request, kind, key, binding)).await
    }

    async fn open(&self, key: &ProjectKey, binding: &[u8], sealed: &Sealed) -> Result<Payload, BackendError> {
        self.measured(&self.open, self.inner.open(key, binding, sealed)).await
    }

    async fn fingerprint(
        &self,
        key: &ProjectKey,
        secret: SecretId,
        payload: &Payload,
    ) -> Result<Option<Fingerprint>, BackendError> {
        self.inner.fingerprint(key, secret, payload).await
    }

    async fn materials(
        &self,
        key: &ProjectKey,
        fingerprints: &[(SecretId, Fingerprint)],
    ) -> Result<Vec<Material>, BackendError> {
        self.inner.materials(key, fingerprints).await
    }

    fn keeps(&self, sealed: &Sealed) -> bool {
        self.inner.keeps(sealed)
    }

    async fn forget(&self, key: &ProjectKey, sealed: &Sealed) -> Result<(), BackendError> {
        self.measured(&self.forget, self.inner.forget(key, sealed)).await
    }

    async fn generate_key(&self, request: &KeyRequest) -> Result<Payload, GenerationError> {
        self.measured(&self.generate, self.inner.generate_key(request)).await
    }

    async fn generate_pair(
        &self,
        request: &KeyRequest,
        passphrase: Option<&Payload>,
    ) -> Result<KeyPair, GenerationError> {
        self.measured(&self.generate, self.inner.generate_pair(request, passphrase)).await
    }

    async fn health(&self) -> Result<(), BackendError> {
        self.inner.health().await
    }
}
