//! The backend whose master key is in a KMIP server.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_core::ports::{
    BackendError, BackendId, Canary, GenerationError, KeyPair, KeyRequest, MasterKeyVersion, PayloadKind,
    ProjectKey, Sealed, SecretBackend,
};
use strongroom_core::store::StoreNames;
use strongroom_core::{Fingerprint, Material, Payload, ProjectId, ProjectKeyId, SecretId, Timestamp};
use strongroom_crypto::{
    Algorithms, Caching, Generator, HeldKey, HeldKeys, KEY_LEN, LockError, Receipt, RemoteBox, fill_random,
};
use zeroize::Zeroizing;

use crate::client::Client;
use crate::mark::{self, Whose};
use crate::master_key::MasterKeyObjects;
use crate::remote_key::RemoteKey;
use crate::vault::Vault;

/// When it is worth asking again what could not be read.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Where payloads go that are sealed from here on. Those sealed before are read wherever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Custody {
    /// Payloads are stored in the repository; the server keeps the key that protects their projects' keys.
    MasterKey,
    /// The server keeps the payloads as objects; the repository has a receipt for each.
    Secrets,
}

/// Seals and opens with the help of a KMIP server.
///
/// The server wraps and unwraps project keys with AES-256-GCM under a master key that it made. An unwrapped
/// project key is held in locked memory for a bounded time, in which payloads of its project can be sealed
/// and opened without the server, unless they are kept there.
pub struct KmipBackend {
    id: BackendId,
    client: Arc<Client>,
    masters: RwLock<MasterKeyObjects>,
    /// Where they are read again.
    file: Option<PathBuf>,
    custody: Custody,
    held: HeldKeys,
    generator: Generator,
}

impl KmipBackend {
    /// The name of this backend where no other is set.
    pub const DEFAULT_ID: &str = "kmip";

    /// A backend of that name. Nothing is asked of the server yet.
    pub fn new(
        id: BackendId,
        client: Arc<Client>,
        masters: MasterKeyObjects,
        custody: Custody,
        caching: Caching,
    ) -> Result<Self, LockError> {
        let held = HeldKeys::new(caching)?;
        let masters = RwLock::new(masters);
        Ok(Self { id, client, masters, file: None, custody, held, generator: Generator::default() })
    }

    /// Reads again which objects are the master key from that file, when told to and when one is needed that
    /// is not at hand: so a version that was added is found without a restart.
    #[must_use]
    pub fn with_file(self, file: PathBuf) -> Self {
        Self { file: Some(file), ..self }
    }

    /// Makes keys of those algorithms only; of all there are unless this is called.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: Algorithms) -> Self {
        self.generator = Generator::new(algorithms);
        self
    }

    fn master(&self, version: MasterKeyVersion) -> Result<RemoteKey<'_>, BackendError> {
        let missing = || BackendError::KeyMissing(format!("version {version} of the KMIP master key"));
        let mut uid = self.uid(version);
        if uid.is_none() {
            self.read_file()?;
            uid = self.uid(version);
        }
        Ok(RemoteKey { client: &self.client, uid: uid.ok_or_else(missing)? })
    }

    fn uid(&self, version: MasterKeyVersion) -> Option<String> {
        self.masters().get(version).map(|object| object.uid.clone())
    }

    fn masters(&self) -> RwLockReadGuard<'_, MasterKeyObjects> {
        self.masters.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_file(&self) -> Result<(), BackendError> {
        let Some(file) = &self.file else { return Ok(()) };
        let read = MasterKeyObjects::load(file).map_err(|error| BackendError::Unavailable {
            reason: format!("which objects are the KMIP master key can't be read again: {error}"),
            retry_after: READ_AGAIN,
        })?;
        *self.masters.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn newest(&self) -> Result<MasterKeyVersion, BackendError> {
        let newest = self.masters().newest().map(|(version, _)| version);
        newest.ok_or_else(|| BackendError::KeyMissing("every version of the KMIP master key".to_owned()))
    }

    /// How the server is asked.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Every name under which this deployment has made objects, of versions of the master key that are at hand.
    pub(crate) fn deployments(&self) -> BTreeSet<String> {
        self.masters().versions().map(|(_, object)| object.uid.clone()).collect()
    }

    fn whose(&self, kind: &PayloadKind) -> Option<Whose> {
        let deployment = self.masters().newest()?.1.uid.clone();
        Some(Whose { deployment, purpose: mark::purpose(kind.owner?) })
    }

    /// A receipt for what the server has just come to keep.
    async fn receipt(
        &self,
        held: &HeldKey,
        key: &ProjectKey,
        binding: &[u8],
        (reference, payload): (&str, &Payload),
    ) -> Result<Sealed, BackendError> {
        let receipt = held.receipt(key, binding, reference, payload);
        if receipt.is_err() {
            // Nobody will ever ask for it.
            self.vault().destroy(reference).await?;
        }
        receipt
    }

    fn vault(&self) -> Vault<'_> {
        Vault { client: &self.client }
    }

    pub(crate) async fn project_key(&self, row: &ProjectKey) -> Result<HeldKey, BackendError> {
        if let Some(key) = self.held.get(row) {
            return Ok(key);
        }
        // The key goes from the answer, which is wiped, straight into its locked place.
        let key = self
            .unwrap(row, |text| {
                self.held.take(|key| {
                    key.copy_from_slice(
                        <&[u8; KEY_LEN]>::try_from(text).map_err(|_| BackendError::Integrity)?,
                    );
                    Ok(())
                })
            })
            .await?;
        self.held.hold(row, &key);
        Ok(key)
    }

    /// Has the server unwrap a row's key, and lets `take` have it.
    async fn unwrap<T>(
        &self,
        row: &ProjectKey,
        take: impl Fn(&[u8]) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        if row.backend != self.id {
            return Err(BackendError::Integrity);
        }
        let remote = RemoteBox::project_key(row);
        let parts = remote.parts(&row.wrapped)?;
        self.master(row.master)?.decrypt(&remote, &parts, take).await
    }
}

#[async_trait]
impl SecretBackend for KmipBackend {
    fn id(&self) -> &BackendId {
        &self.id
    }

    fn store_names(&self) -> StoreNames {
        match self.custody {
            Custody::MasterKey => StoreNames::crypto("KMIP HSM", "kmip_plugin"),
            Custody::Secrets => StoreNames::vault("KMIP HSM", "kmip_plugin"),
        }
    }

    async fn master_key_versions(&self) -> Result<Vec<MasterKeyVersion>, BackendError> {
        Ok(self.masters().versions().map(|(version, _)| version).collect())
    }

    async fn seal_canary(&self, version: MasterKeyVersion) -> Result<Canary, BackendError> {
        let remote = RemoteBox::canary(version, &self.id);
        self.master(version)?.encrypt(&remote, RemoteBox::canary_text()).await.map(Canary)
    }

    async fn open_canary(&self, version: MasterKeyVersion, canary: &Canary) -> Result<(), BackendError> {
        let master = self.master(version)?;
        let remote = RemoteBox::canary(version, &self.id);
        let parts = remote.parts(&canary.0)?;
        let check = |text: &[u8]| {
            if text == RemoteBox::canary_text() { Ok(()) } else { Err(BackendError::Integrity) }
        };
        master.decrypt(&remote, &parts, check).await
    }

    /// The key is made here. That the server wrapped this key and no other shows when it is unwrapped, which
    /// it is before anything is sealed with it.
    async fn create_project_key(
        &self,
        project: &ProjectId,
        version: u32,
        now: Timestamp,
    ) -> Result<ProjectKey, BackendError> {
        let mut row = ProjectKey {
            id: ProjectKeyId::random(),
            project: project.clone(),
            backend: self.id.clone(),
            version,
            master: self.newest()?,
            wrapped: Vec::new(),
            created: now,
        };
        let mut key = Zeroizing::new([0; KEY_LEN]);
        fill_random(key.as_mut_slice())?;
        let remote = RemoteBox::project_key(&row);
        row.wrapped = self.master(row.master)?.encrypt(&remote, key.as_slice()).await?;
        Ok(row)
    }

    async fn reload(&self) -> Result<(), BackendError> {
        self.read_file()
    }

    async fn rewrap(&self, key: &ProjectKey, master: MasterKeyVersion) -> Result<ProjectKey, BackendError> {
        let bytes = self.unwrap(key, |text| Ok(Zeroizing::new(text.to_vec()))).await?;
        let mut row = ProjectKey { master, wrapped: Vec::new(), ..key.clone() };
        let remote = RemoteBox::project_key(&row);
        row.wrapped = self.master(master)?.encrypt(&remote, &bytes).await?;
        // The new row is to take the old one's place, and with it everything that is sealed under the key.
        let check =
            |text: &[u8]| if text == bytes.as_slice() { Ok(()) } else { Err(BackendError::Integrity) };
        self.unwrap(&row, check).await?;
        Ok(row)
    }

    /// Has the server unwrap the key, past those that are held.
    async fn prove_project_key(&self, key: &ProjectKey) -> Result<(), BackendError> {
        self.unwrap(key, |_| Ok(())).await
    }

    async fn seal(
        &self,
        key: &ProjectKey,
        binding: &[u8],
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        self.seal_as(&PayloadKind::default(), key, binding, payload).await
    }

    async fn seal_as(
        &self,
        kind: &PayloadKind,
        key: &ProjectKey,
        binding: &[u8],
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        let held = self.project_key(key).await?;
        match self.custody {
            Custody::MasterKey => held.seal(key, binding, payload),
            Custody::Secrets => {
                let whose = self.whose(kind);
                let reference = self.vault().keep(kind, whose.as_ref().map(Whose::mark), payload).await?;
                self.receipt(&held, key, binding, (&reference, payload)).await
            }
        }
    }

    /// In custody of secrets the server makes the key where it will keep it, if it makes such keys. It comes here
    /// once, for the receipt to know it.
    async fn seal_generated(
        &self,
        request: &KeyRequest,
        kind: &PayloadKind,
        key: &ProjectKey,
        binding: &[u8],
    ) -> Result<(Payload, Sealed), GenerationError> {
        // Also tells whether such a key is made at all.
        let own = self.generator.key(request)?;
        if self.custody == Custody::Secrets {
            let held = self.project_key(key).await?;
            let whose = self.whose(kind);
            if let Some((reference, made)) =
                self.vault().make(request, whose.as_ref().map(Whose::mark)).await?
            {
                let sealed = self.receipt(&held, key, binding, (&reference, &made)).await?;
                return Ok((made, sealed));
            }
        }
        let sealed = self.seal_as(kind, key, binding, &own).await?;
        Ok((own, sealed))
    }

    async fn open(&self, key: &ProjectKey, binding: &[u8], sealed: &Sealed) -> Result<Payload, BackendError> {
        let held = self.project_key(key).await?;
        if !Receipt::is_one(sealed) {
            return held.open(key, binding, sealed);
        }
        let receipt = held.read_receipt(key, binding, sealed)?;
        let payload = self.vault().fetch(receipt.reference()).await?;
        receipt.check(&payload)?;
        Ok(payload)
    }

    async fn fingerprint(
        &self,
        key: &ProjectKey,
        secret: SecretId,
        payload: &Payload,
    ) -> Result<Option<Fingerprint>, BackendError> {
        self.project_key(key).await?.fingerprint(secret, payload).map(Some)
    }

    async fn materials(
        &self,
        key: &ProjectKey,
        fingerprints: &[(SecretId, Fingerprint)],
    ) -> Result<Vec<Material>, BackendError> {
        self.project_key(key).await?.materials(fingerprints)
    }

    /// Whatever the custody is now: what was kept here before is still here.
    fn keeps(&self, sealed: &Sealed) -> bool {
        Receipt::is_one(sealed)
    }

    /// Destroys the object that a receipt is for; the receipt's reference is proved first, so that no
    /// planted row makes the server destroy something else.
    async fn forget(&self, key: &ProjectKey, sealed: &Sealed) -> Result<(), BackendError> {
        if !Receipt::is_one(sealed) {
            return Ok(());
        }
        let held = self.project_key(key).await?;
        self.vault().destroy(held.read_reference(key, sealed)?).await
    }

    async fn generate_key(&self, request: &KeyRequest) -> Result<Payload, GenerationError> {
        self.generator.key(request)
    }

    /// Made here: servers don't agree on the forms in which they give a pair out, and none encrypts a private key
    /// under a passphrase.
    async fn generate_pair(
        &self,
        request: &KeyRequest,
        passphrase: Option<&Payload>,
    ) -> Result<KeyPair, GenerationError> {
        self.generator.pair(request, passphrase).await
    }

    /// Has the server seal and open a canary with the newest master key.
    async fn health(&self) -> Result<(), BackendError> {
        self.held.drop_expired();
        let newest = self.newest()?;
        let canary = self.seal_canary(newest).await?;
        self.open_canary(newest, &canary).await
    }
}
