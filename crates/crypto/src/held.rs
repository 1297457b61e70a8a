//! Project keys in use: what every backend does with them once they are unwrapped.

use std::sync::Arc;
use std::time::Instant;

use strongroom_core::ports::{BackendError, ProjectKey, Sealed};
use strongroom_core::{Fingerprint, Material, Payload, SecretId};

use crate::cache::KeyCache;
use crate::envelope::fingerprint;
use crate::envelope::payload;
use crate::envelope::receipt::{self, Receipt};
use crate::locked::{Arena, KEY_LEN, LockError, LockedKey};
use crate::random;
use crate::soft::Caching;

/// Unwrapped project keys in locked memory, for a bounded time and in bounded number.
pub struct HeldKeys {
    arena: Arena,
    cache: KeyCache,
}

/// One unwrapped project key. It can't be printed, compared, cloned or serialised.
pub struct HeldKey(pub(crate) Arc<LockedKey>);

impl HeldKeys {
    /// Memory for all the keys that may be held is locked at once, so that a limit that is too low shows at
    /// start.
    pub fn new(caching: Caching) -> Result<Self, LockError> {
        let arena = Arena::with_room_for(caching.keys)?;
        Ok(Self { arena, cache: KeyCache::new(caching.keys, caching.keep) })
    }

    /// The key of that very row, when it is held: a row altered in any column is not found.
    pub fn get(&self, row: &ProjectKey) -> Option<HeldKey> {
        self.cache.get(row, Instant::now()).map(HeldKey)
    }

    /// Takes the key that `unwrap` writes straight into its locked place, for as long as the caller has it.
    /// When `unwrap` fails, nothing of what it wrote is left.
    pub fn take(
        &self,
        unwrap: impl FnOnce(&mut [u8; KEY_LEN]) -> Result<(), BackendError>,
    ) -> Result<HeldKey, BackendError> {
        Ok(HeldKey(Arc::new(self.arena.store(unwrap)?)))
    }

    /// Holds a key, which [`Self::get`] then finds for that very row.
    pub fn hold(&self, row: &ProjectKey, key: &HeldKey) {
        self.cache.put(row.clone(), Arc::clone(&key.0), Instant::now());
    }

    /// Drops the keys whose time is over, should no request have come to do it.
    pub fn drop_expired(&self) {
        self.cache.drop_expired(Instant::now());
    }
}

impl HeldKey {
    /// Seals a payload under a data key of its own. `row` is the row that the key was unwrapped from.
    pub fn seal(&self, row: &ProjectKey, binding: &[u8], payload: &Payload) -> Result<Sealed, BackendError> {
        payload::seal(&*self.0, row, binding, payload, &random::system)
    }

    /// Opens what [`Self::seal`] made of the same row and binding.
    pub fn open(&self, row: &ProjectKey, binding: &[u8], sealed: &Sealed) -> Result<Payload, BackendError> {
        payload::open(&*self.0, row, binding, sealed)
    }

    /// The fingerprint of a secret's payload.
    pub fn fingerprint(&self, secret: SecretId, payload: &Payload) -> Result<Fingerprint, BackendError> {
        fingerprint::seal(&self.0, secret, payload)
    }

    /// What fingerprints stand for that [`Self::fingerprint`] has made, in the same order.
    pub fn materials(&self, fingerprints: &[(SecretId, Fingerprint)]) -> Result<Vec<Material>, BackendError> {
        fingerprint::open(&self.0, fingerprints)
    }

    /// A receipt for a payload that somebody else keeps under the name `reference`.
    pub fn receipt(
        &self,
        row: &ProjectKey,
        binding: &[u8],
        reference: &str,
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        receipt::seal(&self.0, row, binding, reference, payload, &random::system)
    }

    /// What a receipt says, when it was made for the same row and binding and nobody altered it.
    pub fn read_receipt<'a>(
        &self,
        row: &ProjectKey,
        binding: &[u8],
        sealed: &'a Sealed,
    ) -> Result<Receipt<'a>, BackendError> {
        receipt::open(&self.0, row, binding, sealed)
    }

    /// Under which name a payload is kept, by a receipt that was made for the same row, for whatever binding.
    pub fn read_reference<'a>(&self, row: &ProjectKey, sealed: &'a Sealed) -> Result<&'a str, BackendError> {
        receipt::open_reference(&self.0, row, sealed)
    }
}
