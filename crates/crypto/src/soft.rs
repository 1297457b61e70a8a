//! The backend whose master key is in this process's memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use strongroom_core::ports::{
    BackendError, BackendId, Canary, GenerationError, KeyPair, KeyRequest, MasterKeyVersion, ProjectKey,
    Sealed, SecretBackend,
};
use strongroom_core::store::StoreNames;
use strongroom_core::{Payload, ProjectId, ProjectKeyId, Timestamp};
use zeroize::Zeroizing;

use crate::cache::KeyCache;
use crate::envelope::{canary, payload, project_key};
use crate::generate::{Algorithms, Generator};
use crate::key_file::MasterKeys;
use crate::locked::{Arena, KEY_LEN, LockError, LockedKey};
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
    masters: MasterKeys,
    arena: Arena,
    cache: KeyCache,
    generator: Generator,
}

impl SoftBackend {
    /// The name of this backend where no other is set.
    pub const DEFAULT_ID: &str = "soft";

    /// A backend of that name. Memory for all the keys it may hold is locked at once, so that a limit that
    /// is too low shows at start.
    pub fn new(id: BackendId, masters: MasterKeys, caching: Caching) -> Result<Self, LockError> {
        let arena = Arena::with_room_for(caching.keys)?;
        let cache = KeyCache::new(caching.keys, caching.keep);
        Ok(Self { id, masters, arena, cache, generator: Generator::default() })
    }

    /// Makes keys of those algorithms only; of all there are unless this is called.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: Algorithms) -> Self {
        self.generator.algorithms = algorithms;
        self
    }

    fn master(&self, version: MasterKeyVersion) -> Result<&LockedKey, BackendError> {
        let missing = || BackendError::KeyMissing(format!("version {version} of the soft master key"));
        self.masters.get(version).ok_or_else(missing)
    }

    fn project_key(&self, row: &ProjectKey) -> Result<Arc<LockedKey>, BackendError> {
        let now = Instant::now();
        if let Some(key) = self.cache.get(row, now) {
            return Ok(key);
        }
        if row.backend != self.id {
            return Err(BackendError::Integrity);
        }
        let key = Arc::new(project_key::unwrap(row, &self.arena, |version| self.master(version))?);
        self.cache.put(row.clone(), Arc::clone(&key), now);
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
        Ok(self.masters.versions().map(|(version, _)| version).collect())
    }

    async fn seal_canary(&self, version: MasterKeyVersion) -> Result<Canary, BackendError> {
        canary::seal(self.master(version)?, version, &self.id, &random::system)
    }

    async fn open_canary(&self, version: MasterKeyVersion, canary: &Canary) -> Result<(), BackendError> {
        canary::open(self.master(version)?, version, &self.id, canary)
    }

    async fn create_project_key(
        &self,
        project: &ProjectId,
        version: u32,
        now: Timestamp,
    ) -> Result<ProjectKey, BackendError> {
        let master = self.masters.newest();
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

    async fn seal(
        &self,
        key: &ProjectKey,
        binding: &[u8],
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        payload::seal(&*self.project_key(key)?, key, binding, payload, &random::system)
    }

    async fn open(&self, key: &ProjectKey, binding: &[u8], sealed: &Sealed) -> Result<Payload, BackendError> {
        payload::open(&*self.project_key(key)?, key, binding, sealed)
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
        self.cache.drop_expired(Instant::now());
        let newest = self.masters.newest().version;
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
