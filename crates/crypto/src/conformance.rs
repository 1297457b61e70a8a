//! What every [`SecretBackend`] must do, as checks that its own tests run one by one.
//!
//! ```text
//! #[tokio::test(flavor = "multi_thread")]
//! async fn altered_payloads_are_refused() {
//!     suite().altered_payloads_are_refused().await.unwrap();
//! }
//! ```
#![expect(clippy::missing_panics_doc, reason = "a check that fails panics; that is what it is for")]

use std::fmt::Debug;
use std::sync::Arc;

use strongroom_core::container::ContainerType;
use strongroom_core::ports::{
    BackendError, BackendId, Canary, GenerationError, KeyRequest, MasterKeyVersion, ProjectKey, Sealed,
    SecretBackend,
};
use strongroom_core::{Fingerprint, InvalidOpaqueId, Payload, ProjectId, ProjectKeyId, SecretId, Timestamp};

use crate::random;

/// The backend under test, with the names and times that the checks use.
pub struct Suite {
    backend: Arc<dyn SecretBackend>,
    stranger: Arc<dyn SecretBackend>,
    project: ProjectId,
    other_project: ProjectId,
    now: Timestamp,
}

type Outcome = Result<(), BackendError>;

impl Suite {
    /// `stranger` has the backend's name and master key versions, but other master keys.
    pub fn new(
        backend: Arc<dyn SecretBackend>,
        stranger: Arc<dyn SecretBackend>,
        now: Timestamp,
    ) -> Result<Self, InvalidOpaqueId> {
        let (project, other_project) = (ProjectId::new("project")?, ProjectId::new("other project")?);
        Ok(Self { backend, stranger, project, other_project, now })
    }

    /// Payloads of every size, the empty one included, come back as they were.
    pub async fn payloads_come_back_whole(&self) -> Outcome {
        let key = self.key().await?;
        for length in [0, 1, 15, 16, 17, 32, 1000, 65_537] {
            let payload = random_payload(length);
            let sealed = self.backend.seal(&key, b"binding", &payload).await?;
            let opened = self.backend.open(&key, b"binding", &sealed).await?;
            assert!(opened.expose() == payload.expose(), "a payload of {length} bytes came back altered");
        }
        Ok(())
    }

    /// Sealing the same payload twice gives nothing in common, and the payload shows in neither.
    pub async fn sealed_bytes_tell_nothing(&self) -> Outcome {
        let key = self.key().await?;
        let payload = random_payload(64);
        let first = self.backend.seal(&key, b"binding", &payload).await?;
        let second = self.backend.seal(&key, b"binding", &payload).await?;
        assert!(first != second, "sealing twice gave the same bytes");
        for sealed in [first, second] {
            let shows = sealed.0.windows(16).any(|part| payload.expose().windows(16).any(|own| own == part));
            assert!(!shows, "the payload can be read in what was sealed");
        }
        Ok(())
    }

    /// A sealed payload with any byte altered, cut short or made longer does not open.
    pub async fn altered_payloads_are_refused(&self) -> Outcome {
        let key = self.key().await?;
        let sealed = self.seal(&key).await?;
        for (what, altered) in alterations(&sealed.0) {
            refused(&what, &self.backend.open(&key, b"binding", &Sealed(altered)).await);
        }
        self.backend.open(&key, b"binding", &sealed).await.map(drop)
    }

    /// A sealed payload opens for its own binding and project key only.
    pub async fn misplaced_payloads_are_refused(&self) -> Outcome {
        let key = self.key().await?;
        let sealed = self.seal(&key).await?;
        for binding in [b"".as_slice(), b"Binding", b"bindin", b"bindingg"] {
            refused("another binding", &self.backend.open(&key, binding, &sealed).await);
        }
        let sibling = self.key().await?;
        refused("another key of the project", &self.backend.open(&sibling, b"binding", &sealed).await);
        let newer = self.backend.create_project_key(&self.project, 2, self.now).await?;
        refused("a newer key of the project", &self.backend.open(&newer, b"binding", &sealed).await);
        let foreign = self.backend.create_project_key(&self.other_project, 1, self.now).await?;
        refused("another project's key", &self.backend.open(&foreign, b"binding", &sealed).await);
        let swapped = ProjectKey { wrapped: sibling.wrapped, ..key.clone() };
        refused("another wrapped key", &self.backend.open(&swapped, b"binding", &sealed).await);
        self.backend.open(&key, b"binding", &sealed).await.map(drop)
    }

    /// A project key with any column, or any byte of the wrapped key, altered neither seals nor opens:
    /// be it met for the first time, or altered after it was used.
    pub async fn altered_project_keys_are_refused(&self) -> Outcome {
        for used_before in [false, true] {
            let key = self.key().await?;
            let sealed = if used_before { self.seal(&key).await? } else { Sealed(Vec::new()) };
            for (what, altered) in self.altered_rows(&key) {
                refused(what, &self.backend.open(&altered, b"binding", &sealed).await);
                refused(what, &self.backend.seal(&altered, b"binding", &Payload::new(vec![1])).await);
            }
            for (what, wrapped) in alterations(&key.wrapped) {
                let altered = ProjectKey { wrapped, ..key.clone() };
                refused(&what, &self.backend.open(&altered, b"binding", &sealed).await);
                refused(&what, &self.backend.seal(&altered, b"binding", &Payload::new(vec![1])).await);
            }
            let sealed = self.seal(&key).await?;
            self.backend.open(&key, b"binding", &sealed).await?;
        }
        Ok(())
    }

    /// A rewrapped key is the same key: what was sealed before opens after, by either row, and the new row is as
    /// safe from alteration as the old one. A version that is not at hand is named.
    pub async fn rewrapped_keys_are_the_same_keys(&self) -> Outcome {
        let key = self.key().await?;
        let sealed = self.seal(&key).await?;
        for version in self.backend.master_key_versions().await? {
            let rewrapped = self.backend.rewrap(&key, version).await?;
            assert_eq!(rewrapped.master, version);
            assert_ne!(rewrapped.wrapped, key.wrapped, "rewrapping gave the same bytes");
            let same = ProjectKey { master: key.master, wrapped: key.wrapped.clone(), ..rewrapped.clone() };
            assert_eq!(same, key);
            self.backend.prove_project_key(&rewrapped).await?;
            self.backend.open(&rewrapped, b"binding", &sealed).await?;
            self.backend.open(&key, b"binding", &self.seal(&rewrapped).await?).await?;
            for (what, wrapped) in alterations(&rewrapped.wrapped) {
                let altered = ProjectKey { wrapped, ..rewrapped.clone() };
                refused(&what, &self.backend.prove_project_key(&altered).await);
                refused(&what, &self.backend.rewrap(&altered, version).await);
            }
        }
        let absent = MasterKeyVersion(u32::MAX);
        let refusal = self.backend.rewrap(&key, absent).await;
        assert!(matches!(refusal, Err(BackendError::KeyMissing(_))), "{refusal:?}");
        Ok(())
    }

    /// Fingerprints tell, with the project key and without a payload, which payloads have the same bytes; rewrapped as
    /// it may be.
    pub async fn fingerprints_tell_the_same_payloads(&self) -> Outcome {
        let key = self.key().await?;
        let (same, other) = (random_payload(40), random_payload(40));
        let mut made = Vec::new();
        for payload in [&same, &same, &other] {
            made.push(self.fingerprint(&key, payload).await?);
        }
        for version in self.backend.master_key_versions().await? {
            let rewrapped = self.backend.rewrap(&key, version).await?;
            let found = self.backend.materials(&rewrapped, &made).await?;
            let same = |one: usize, other: usize| found.get(one) == found.get(other);
            assert!(
                found.len() == 3 && same(0, 1) && !same(0, 2),
                "the same payloads are not told from others"
            );
        }
        let another = self.backend.create_project_key(&self.other_project, 1, self.now).await?;
        let elsewhere = self.fingerprint(&another, &same).await?;
        let elsewhere = self.backend.materials(&another, &[elsewhere]).await?;
        let found = self.backend.materials(&key, &made).await?;
        assert!(elsewhere.iter().all(|material| !found.contains(material)), "projects are linked");
        Ok(())
    }

    /// Where project keys are of no use for it, there are no fingerprints, and that is said.
    pub async fn no_fingerprints_are_made(&self) -> Outcome {
        let (key, payload) = (self.key().await?, random_payload(9));
        assert_eq!(self.backend.fingerprint(&key, SecretId::random(), &payload).await?, None);
        let asked = self.backend.materials(&key, &[(SecretId::random(), Fingerprint([0; 16]))]).await;
        assert!(matches!(asked, Err(BackendError::Denied(_))), "{asked:?}");
        Ok(())
    }

    /// Canaries open for the version that sealed them, unaltered.
    pub async fn canaries_prove_the_master_key(&self) -> Outcome {
        for version in self.backend.master_key_versions().await? {
            let canary = self.backend.seal_canary(version).await?;
            self.backend.open_canary(version, &canary).await?;
            for (what, altered) in alterations(&canary.0) {
                refused(&what, &self.backend.open_canary(version, &Canary(altered)).await);
            }
            refused("another master key", &self.stranger.open_canary(version, &canary).await);
            for other in self.backend.master_key_versions().await? {
                if other != version {
                    refused("another version", &self.backend.open_canary(other, &canary).await);
                }
            }
        }
        Ok(())
    }

    /// A master key version that is not at hand is named as missing; nothing else happens.
    pub async fn missing_master_keys_are_named(&self) -> Outcome {
        let absent = MasterKeyVersion(u32::MAX);
        let known = self.newest().await?;
        let canary = self.backend.seal_canary(known).await?;
        for refusal in [
            self.backend.seal_canary(absent).await.map(drop),
            self.backend.open_canary(absent, &canary).await,
        ] {
            assert!(matches!(refusal, Err(BackendError::KeyMissing(_))), "{refusal:?}");
        }
        Ok(())
    }

    /// With another master key nothing opens.
    pub async fn a_wrong_master_key_opens_nothing(&self) -> Outcome {
        let key = self.key().await?;
        let sealed = self.seal(&key).await?;
        let opened = self.stranger.open(&key, b"binding", &sealed).await;
        assert!(matches!(opened, Err(BackendError::Integrity)), "{opened:?}");
        Ok(())
    }

    /// No blob serves as one of another kind.
    pub async fn kinds_do_not_mix(&self) -> Outcome {
        let (key, version) = (self.key().await?, self.newest().await?);
        let sealed = self.seal(&key).await?;
        let canary = self.backend.seal_canary(version).await?;
        for wrapped in [canary.0.clone(), sealed.0.clone()] {
            let key = ProjectKey { wrapped, id: ProjectKeyId::random(), ..key.clone() };
            refused("no project key", &self.backend.open(&key, b"binding", &sealed).await);
        }
        for blob in [canary.0, key.wrapped.clone()] {
            refused("no payload", &self.backend.open(&key, b"binding", &Sealed(blob)).await);
        }
        for blob in [key.wrapped, sealed.0] {
            refused("no canary", &self.backend.open_canary(version, &Canary(blob)).await);
        }
        Ok(())
    }

    /// New project keys are wrapped by the highest master key version, as the row says, each a fresh one.
    pub async fn new_project_keys_are_fresh_and_true(&self) -> Outcome {
        let newest = self.newest().await?;
        let (first, second) = (self.key().await?, self.key().await?);
        assert!(first.id != second.id && first.wrapped != second.wrapped, "two keys are alike");
        for key in [first, second] {
            assert_eq!((&key.project, &key.backend), (&self.project, self.backend.id()));
            assert_eq!((key.version, key.master, key.created), (1, newest, self.now));
        }
        Ok(())
    }

    /// Forgetting succeeds, and again when nothing is left. What the backend says that it keeps is gone, and
    /// nothing else is.
    pub async fn forgetting_twice_succeeds(&self) -> Outcome {
        let key = self.key().await?;
        let sealed = self.seal(&key).await?;
        self.backend.forget(&key, &sealed).await?;
        self.backend.forget(&key, &sealed).await?;
        let opened = self.backend.open(&key, b"binding", &sealed).await;
        assert_eq!(opened.is_err(), self.backend.keeps(&sealed), "it keeps what it says, and forgets that");
        Ok(())
    }

    /// Generated keys have the length asked for and never repeat. Every backend makes those of AES.
    pub async fn generated_keys_are_fresh(&self) -> Result<(), GenerationError> {
        for bits in [128, 192, 256] {
            let first = self.backend.generate_key(&request("aes", bits)).await?;
            let second = self.backend.generate_key(&request("aes", bits)).await?;
            assert_eq!((first.len(), second.len()), (usize::from(bits / 8), usize::from(bits / 8)));
            assert!(first.expose() != second.expose(), "the same key came twice");
        }
        Ok(())
    }

    /// A backend either makes key pairs, each a fresh one, or says that it does not.
    pub async fn generated_pairs_are_fresh(&self) -> Result<(), GenerationError> {
        let wanted = request("rsa", 2048);
        let (first, second) = match self.backend.generate_pair(&wanted, None).await {
            Err(GenerationError::Algorithm | GenerationError::Length) => return Ok(()),
            first => (first?, self.backend.generate_pair(&wanted, None).await?),
        };
        assert_eq!((first.container_type, second.container_type), (ContainerType::Rsa, ContainerType::Rsa));
        assert!(first.private.expose() != second.private.expose(), "the same private key came twice");
        assert!(first.public.expose() != second.public.expose(), "the same public key came twice");
        Ok(())
    }

    /// What no backend makes is refused, and told apart.
    pub async fn keys_that_are_not_made_are_told_apart(&self) -> Result<(), GenerationError> {
        for algorithm in ["", "AES", "no such", "rsa", "dsa", "ec", "ed25519"] {
            let refusal = self.backend.generate_key(&request(algorithm, 256)).await;
            assert!(matches!(refusal, Err(GenerationError::Algorithm)), "{algorithm}: {refusal:?}");
        }
        for algorithm in ["", "RSA", "no such", "aes", "hmacsha256"] {
            let refusal = self.backend.generate_pair(&request(algorithm, 2048), None).await;
            assert!(matches!(refusal, Err(GenerationError::Algorithm)), "{algorithm}: {refusal:?}");
        }
        for bits in [0, 1, 127, 129, u16::MAX] {
            let refusal = self.backend.generate_key(&request("aes", bits)).await;
            assert!(matches!(refusal, Err(GenerationError::Length)), "aes {bits}: {refusal:?}");
        }
        Ok(())
    }

    /// A backend that works says so.
    pub async fn a_working_backend_is_healthy(&self) -> Outcome {
        self.backend.health().await
    }

    /// Eight tasks at once, each with keys of its own and one that all share, see only their own payloads.
    /// Needs a runtime of several threads.
    pub async fn many_at_once_do_not_disturb_each_other(&self) -> Outcome {
        let shared = self.key().await?;
        let mut tasks = Vec::new();
        for task in 0..8_u8 {
            let (backend, shared) = (Arc::clone(&self.backend), shared.clone());
            let (project, now) = (self.project.clone(), self.now);
            tasks.push(tokio::spawn(async move {
                for round in 0..50_u8 {
                    let own = backend.create_project_key(&project, 1, now).await?;
                    for key in [&shared, &own] {
                        let sealed = backend.seal(key, &[task, round], &Payload::new(vec![task; 99])).await?;
                        let opened = backend.open(key, &[task, round], &sealed).await?;
                        assert!(opened.expose() == [task; 99], "a payload came back as another's");
                    }
                }
                Ok::<_, BackendError>(())
            }));
        }
        for task in tasks {
            let joined = task.await;
            assert!(matches!(joined, Ok(Ok(()))), "{joined:?}");
        }
        Ok(())
    }

    async fn newest(&self) -> Result<MasterKeyVersion, BackendError> {
        let versions = self.backend.master_key_versions().await?;
        assert!(versions.is_sorted(), "the master key versions are out of order: {versions:?}");
        versions.last().copied().ok_or_else(|| BackendError::KeyMissing("every master key".to_owned()))
    }

    async fn key(&self) -> Result<ProjectKey, BackendError> {
        self.backend.create_project_key(&self.project, 1, self.now).await
    }

    async fn fingerprint(
        &self,
        key: &ProjectKey,
        payload: &Payload,
    ) -> Result<(SecretId, Fingerprint), BackendError> {
        let secret = SecretId::random();
        let made = self.backend.fingerprint(key, secret, payload).await?;
        let none = || BackendError::Denied("no fingerprint is made".to_owned());
        Ok((secret, made.ok_or_else(none)?))
    }

    async fn seal(&self, key: &ProjectKey) -> Result<Sealed, BackendError> {
        self.backend.seal(key, b"binding", &Payload::new(vec![7; 40])).await
    }

    fn altered_rows(&self, key: &ProjectKey) -> [(&'static str, ProjectKey); 6] {
        let other = BackendId::new(format!("{}2", key.backend));
        [
            ("another id", ProjectKey { id: ProjectKeyId::random(), ..key.clone() }),
            ("another project", ProjectKey { project: self.other_project.clone(), ..key.clone() }),
            ("another backend", ProjectKey { backend: other, ..key.clone() }),
            ("another version", ProjectKey { version: key.version + 1, ..key.clone() }),
            ("another master", ProjectKey { master: MasterKeyVersion(key.master.0 + 1), ..key.clone() }),
            ("another time", ProjectKey { created: key.created.plus_seconds(1), ..key.clone() }),
        ]
    }
}

/// Every way to damage a blob in one place: a byte altered, an end cut off, a byte added at either end.
fn alterations(blob: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let altered = (0..blob.len()).map(|at| {
        let flip = |(place, byte): (usize, &u8)| if place == at { byte ^ (1 << (at % 8)) } else { *byte };
        (format!("byte {at} altered"), blob.iter().enumerate().map(flip).collect())
    });
    let cut = (0..blob.len()).map(|end| (format!("cut to {end}"), blob.iter().take(end).copied().collect()));
    let longer = [("byte in front", [&[1], blob].concat()), ("byte behind", [blob, &[0]].concat())];
    altered.chain(cut).chain(longer.map(|(what, blob)| (what.to_owned(), blob)))
}

fn random_payload(length: usize) -> Payload {
    let mut bytes = vec![0; length];
    let filled = random::system(&mut bytes);
    assert!(filled.is_ok(), "the system gave no random bytes");
    Payload::new(bytes)
}

fn request(algorithm: &str, bits: u16) -> KeyRequest {
    KeyRequest { algorithm: algorithm.to_owned(), bits, mode: None }
}

fn refused<T: Debug>(what: &str, result: &Result<T, BackendError>) {
    assert!(
        matches!(result, Err(BackendError::Integrity | BackendError::UnknownFormat(_))),
        "{what}: expected a refusal, got {result:?}"
    );
}
