//! The backend whose master key is in this process's memory.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use strongroom_core::ports::{
    BackendError, BackendId, Canary, GenerationError, KeyPair, KeyRequest, MasterKeyVersion, ProjectKey,
    Sealed, SecretBackend,
};
use strongroom_core::store::StoreNames;
use strongroom_core::{Fingerprint, Material, Payload, ProjectId, ProjectKeyId, SecretId, Timestamp};
use zeroize::Zeroizing;

use crate::envelope::{canary, project_key};
use crate::generate::{Algorithms, Generator};
use crate::held::{HeldKey, HeldKeys};
use crate::key_file::{KeyFileError, MasterKeys};
use crate::locked::{KEY_LEN, LockError, LockedKey};
use crate::random::{self, NoRandom};

/// How many unwrapped project keys are held in locked memory, and for how long.
///
/// With the soft backend a key that is not held costs some microseconds more, nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caching {
    /// At most that many keys; 128 of them take a page of 4 KiB.
    pub keys: usize,
    /// None longer than that.
    pub keep: Duration,
}

impl Default for Caching {
    /// 1024 keys (32 KiB, which fits the smallest customary limit of locked memory) for five minutes.
    fn default() -> Self {
        Self { keys: 1024, keep: Duration::from_mins(5) }
    }
}

/// Seals and opens with ring, under master keys from a key file.
///
/// Nothing waits: every method does its work at once, on the calling thread. Only key pairs are made on
/// threads of the backend's own, at most half as many as there are processors, one at least, and with a
/// low priority; more pairs than that are made in turn.
pub struct SoftBackend {
    id: BackendId,
    masters: RwLock<Arc<MasterKeys>>,
    source: Option<Source>,
    /// When the source was last read because a version was missing.
    missed: Mutex<Option<Instant>>,
    held: HeldKeys,
    generator: Generator,
}

/// Reads the master keys again, from where they came.
type Source = Box<dyn Fn() -> Result<MasterKeys, KeyFileError> + Send + Sync>;

/// A request that meets a version that is missing makes the source be read again no more often than that.
const READ_AGAIN: Duration = Duration::from_secs(1);

impl SoftBackend {
    /// The name of this backend where no other is set.
    pub const DEFAULT_ID: &str = "soft";

    /// A backend of that name. Memory for all the keys it may hold is locked at once, so that a limit that
    /// is too low shows at start.
    pub fn new(id: BackendId, masters: MasterKeys, caching: Caching) -> Result<Self, LockError> {
        let held = HeldKeys::new(caching)?;
        let masters = RwLock::new(Arc::new(masters));
        let generator = Generator::default();
        Ok(Self { id, masters, source: None, missed: Mutex::default(), held, generator })
    }

    /// Reads the master keys again from `source` when told to, and when one is needed that is not at hand: so a
    /// version that was added to the key file is found without a restart.
    #[must_use]
    pub fn with_source(
        self,
        source: impl Fn() -> Result<MasterKeys, KeyFileError> + Send + Sync + 'static,
    ) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }

    /// Makes keys of those algorithms only; of all there are unless this is called.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: Algorithms) -> Self {
        self.generator = Generator::new(algorithms);
        self
    }

    fn masters(&self) -> Arc<MasterKeys> {
        Arc::clone(&self.masters.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lends one version of the master key.
    fn with_master<T>(
        &self,
        version: MasterKeyVersion,
        act: impl FnOnce(&LockedKey) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        let mut masters = self.masters();
        if masters.get(version).is_none() && self.may_look_again() {
            self.read_source()?;
            masters = self.masters();
        }
        let missing = || BackendError::KeyMissing(format!("version {version} of the soft master key"));
        act(masters.get(version).ok_or_else(missing)?)
    }

    fn may_look_again(&self) -> bool {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let may = self.source.is_some() && missed.is_none_or(|last| now >= last + READ_AGAIN);
        if may {
            *missed = Some(now);
        }
        may
    }

    fn read_source(&self) -> Result<(), BackendError> {
        let Some(source) = &self.source else { return Ok(()) };
        let read = source().map_err(|error| BackendError::Unavailable {
            reason: format!("the master key can't be read again: {error}"),
            retry_after: READ_AGAIN,
        })?;
        *self.masters.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        Ok(())
    }

    fn unwrapped(&self, row: &ProjectKey) -> Result<HeldKey, BackendError> {
        if row.backend != self.id {
            return Err(BackendError::Integrity);
        }
        project_key::known(row)?;
        self.with_master(row.master, |master| self.held.take(|key| project_key::unwrap(row, key, master)))
    }

    fn project_key(&self, row: &ProjectKey) -> Result<HeldKey, BackendError> {
        if let Some(key) = self.held.get(row) {
            return Ok(key);
        }
        let key = self.unwrapped(row)?;
        self.held.hold(row, &key);
        Ok(key)
    }
}

#[async_trait]
impl SecretBackend for SoftBackend {
    fn id(&self) -> &BackendId {
        &self.id
    }

    fn store_names(&self) -> StoreNames {
        StoreNames::crypto("Software Only Crypto", "simple_crypto")
    }

    async fn master_key_versions(&self) -> Result<Vec<MasterKeyVersion>, BackendError> {
        Ok(self.masters().versions().map(|(version, _)| version).collect())
    }

    async fn seal_canary(&self, version: MasterKeyVersion) -> Result<Canary, BackendError> {
        self.with_master(version, |master| canary::seal(master, version, &self.id, &random::system))
    }

    async fn open_canary(&self, version: MasterKeyVersion, canary: &Canary) -> Result<(), BackendError> {
        self.with_master(version, |master| canary::open(master, version, &self.id, canary))
    }

    async fn create_project_key(
        &self,
        project: &ProjectId,
        version: u32,
        now: Timestamp,
    ) -> Result<ProjectKey, BackendError> {
        let masters = self.masters();
        let master = masters.newest();
        let mut row = ProjectKey {
            id: ProjectKeyId::random(),
            project: project.clone(),
            backend: self.id.clone(),
            version,
            master: master.version,
            wrapped: Vec::new(),
            created: now,
        };
        let mut key = Zeroizing::new([0; KEY_LEN]);
        random::system(key.as_mut_slice()).map_err(|_| NoRandom)?;
        row.wrapped = project_key::wrap(&master.key, &row, &key, &random::system)?;
        Ok(row)
    }

    async fn reload(&self) -> Result<(), BackendError> {
        self.read_source()
    }

    async fn rewrap(&self, key: &ProjectKey, master: MasterKeyVersion) -> Result<ProjectKey, BackendError> {
        let unwrapped = self.unwrapped(key)?;
        let mut row = ProjectKey { master, wrapped: Vec::new(), ..key.clone() };
        row.wrapped = self.with_master(master, |master| {
            let mut bytes = Zeroizing::new([0; KEY_LEN]);
            unwrapped
                .0
                .with(|key| {
                    *bytes = *key;
                    Ok(())
                })
                .map_err(|_| BackendError::Integrity)?;
            project_key::wrap(master, &row, &bytes, &random::system)
        })?;
        Ok(row)
    }

    /// Unwraps the key, past those that are held.
    async fn prove_project_key(&self, key: &ProjectKey) -> Result<(), BackendError> {
        self.unwrapped(key).map(drop)
    }

    async fn seal(
        &self,
        key: &ProjectKey,
        binding: &[u8],
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        self.project_key(key)?.seal(key, binding, payload)
    }

    async fn open(&self, key: &ProjectKey, binding: &[u8], sealed: &Sealed) -> Result<Payload, BackendError> {
        self.project_key(key)?.open(key, binding, sealed)
    }

    async fn fingerprint(
        &self,
        key: &ProjectKey,
        secret: SecretId,
        payload: &Payload,
    ) -> Result<Option<Fingerprint>, BackendError> {
        self.project_key(key)?.fingerprint(secret, payload).map(Some)
    }

    async fn materials(
        &self,
        key: &ProjectKey,
        fingerprints: &[(SecretId, Fingerprint)],
    ) -> Result<Vec<Material>, BackendError> {
        self.project_key(key)?.materials(fingerprints)
    }

    /// Whatever there is of a payload is in the repository's row: there is nothing to destroy here.
    async fn forget(&self, _key: &ProjectKey, _sealed: &Sealed) -> Result<(), BackendError> {
        Ok(())
    }

    async fn generate_key(&self, request: &KeyRequest) -> Result<Payload, GenerationError> {
        self.generator.key(request)
    }

    /// When the future is dropped before the pair's turn has come, none is made.
    async fn generate_pair(
        &self,
        request: &KeyRequest,
        passphrase: Option<&Payload>,
    ) -> Result<KeyPair, GenerationError> {
        self.generator.pair(request, passphrase).await
    }

    /// Seals and opens a canary with the newest key, which proves the key, the cipher and the random
    /// generator; drops held keys whose time is over, should no request have come to do it.
    async fn health(&self) -> Result<(), BackendError> {
        self.held.drop_expired();
        let newest = self.masters().newest().version;
        let canary = self.seal_canary(newest).await?;
        self.open_canary(newest, &canary).await
    }
}

/// Memory for one more key can't be locked; it can as soon as requests under way have ended.
impl From<LockError> for BackendError {
    fn from(error: LockError) -> Self {
        Self::Unavailable {
            reason: format!("{error} ({})", error.source),
            retry_after: Duration::from_secs(1),
        }
    }
}

#[cfg(test)]
mod tests;
