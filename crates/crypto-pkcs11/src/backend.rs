//! The backend whose master key lies in tokens.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::select_all;
use ring::error::Unspecified;
use strongroom_core::ports::{
    BackendError, BackendId, Canary, GenerationError, KeyPair, KeyRequest, MasterKeyVersion, ProjectKey,
    Sealed, SecretBackend,
};
use strongroom_core::store::StoreNames;
use strongroom_core::{Fingerprint, Material, Payload, ProjectId, ProjectKeyId, SecretId, Timestamp};
use strongroom_crypto::envelope::kept_key::Wrapping;
use strongroom_crypto::envelope::{canary, payload, project_key};
use strongroom_crypto::{Algorithms, Caching, Generator, HeldKey, HeldKeys, KEY_LEN, random};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::config::{Custody, Pkcs11Config};
use crate::error::Pkcs11Error;
use crate::fault::Fault;
use crate::link::Known;
use crate::seat::Seat;
use crate::token::{Failure, State, Token, Work};

/// How long the start waits for a token's first answer.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
/// How long after the last token was lost requests still wait for one to come back. Later ones are refused at
/// once.
const GRACE: Duration = Duration::from_secs(1);
/// How often all tokens are gone through for one request.
const ROUNDS: usize = 3;
/// The longest key that an order may ask for, in bytes.
const LONGEST_KEY: usize = 64;

/// Seals and opens with keys in tokens, any of which will do.
///
/// Calls run on the tokens' own threads. Needs a runtime of tokio's with its timer.
pub struct Pkcs11Backend {
    known: Arc<Known>,
    tokens: Vec<Arc<Token>>,
    held: HeldKeys,
    generator: Generator,
}

/// A token as it is now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TokenStatus {
    /// Which one.
    pub token: String,
    /// Whether it is at work.
    pub state: TokenState,
    /// Why not, when it is not.
    pub reason: Option<String>,
}

/// Whether a token is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenState {
    /// It is.
    Ready,
    /// It is not, and is tried again and again.
    Down,
    /// It is not, and is not tried again before an operator has mended it.
    Stopped,
}

impl Pkcs11Backend {
    /// Connects the tokens. One of them has to work; the others are tried on.
    pub async fn connect(config: Pkcs11Config) -> Result<Self, Pkcs11Error> {
        if config.tokens.is_empty() {
            return Err(Pkcs11Error::NoTokens);
        }
        let known =
            Arc::new(Known::new(config.id.clone(), config.key_label.clone(), config.custody, config.keys));
        let mut backend = Self {
            known: Arc::clone(&known),
            tokens: Vec::new(),
            held: HeldKeys::new(Caching { keys: config.keys, keep: config.lease })?,
            generator: Generator::default(),
        };
        // One after another: the first that works teaches which master key is the right one.
        for token in &config.tokens {
            let token = Token::start(token.clone(), &config, Arc::clone(&known))?;
            backend.tokens.push(Arc::clone(&token));
            let mut state = token.watch();
            // What does not answer in time is not at work, and so it is counted below.
            timeout(FIRST_ANSWER, state.changed()).await.ok();
        }
        if backend.tokens.iter().any(|token| token.is_ready()) {
            return Ok(backend);
        }
        let reasons = backend.statuses().into_iter();
        Err(Pkcs11Error::NoneWorks(reasons.map(|it| (it.token, it.reason.unwrap_or_default())).collect()))
    }

    /// Makes keys of those algorithms only; of all there are unless this is called.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: Algorithms) -> Self {
        self.generator = Generator::new(algorithms);
        self
    }

    /// How each token is, in the order of the settings.
    pub fn statuses(&self) -> Vec<TokenStatus> {
        let tell = |token: &Arc<Token>| {
            let (state, reason) = match token.state() {
                State::Ready => (TokenState::Ready, None),
                State::Down { reason, .. } => (TokenState::Down, Some(reason)),
                State::Stopped { reason } => (TokenState::Stopped, Some(reason)),
            };
            TokenStatus { token: token.name.clone(), state, reason }
        };
        self.tokens.iter().map(tell).collect()
    }

    pub(crate) fn tokens(&self) -> &[Arc<Token>] {
        &self.tokens
    }

    /// Does a piece of work at the first token that can.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&Seat<'_>) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, BackendError> {
        let work: Work<T> = Arc::new(work);
        let mut last = None;
        for _ in 0..ROUNDS {
            let (mut asked, mut gone) = (false, false);
            for token in self.tokens.iter().filter(|token| token.is_ready()) {
                asked = true;
                match token.run(Arc::clone(&work)).await {
                    Ok(result) => return Ok(result),
                    Err(Failure::Answer(error)) => return Err(error),
                    Err(Failure::Elsewhere(error)) => last = Some(error),
                    Err(Failure::Lost(error)) => (last, gone) = (Some(error), true),
                }
            }
            // One that works and still did not do it will not do it the next time.
            if (asked && !gone) || !self.wait_for_one().await {
                break;
            }
        }
        Err(last.unwrap_or_else(|| self.unavailable()))
    }

    /// Waits for a token to be at work, as long as it is but a moment that the last one was lost.
    async fn wait_for_one(&self) -> bool {
        let losses = self.tokens.iter().filter_map(|token| match token.state() {
            State::Down { since, .. } => Some(since),
            State::Ready => Some(Instant::now()),
            State::Stopped { .. } => None,
        });
        let Some(last) = losses.max() else { return false };
        let left = (last + GRACE).saturating_duration_since(Instant::now());
        let waits = self.tokens.iter().map(|token| {
            let mut state = token.watch();
            Box::pin(async move { state.wait_for(|state| *state == State::Ready).await.is_ok() })
        });
        !left.is_zero() && timeout(left, select_all(waits)).await.is_ok_and(|(back, ..)| back)
    }

    fn unavailable(&self) -> BackendError {
        let reasons = self.statuses().into_iter();
        let reasons: Vec<_> =
            reasons.map(|it| format!("{}: {}", it.token, it.reason.unwrap_or_default())).collect();
        BackendError::Unavailable { reason: reasons.join("; "), retry_after: Duration::from_secs(1) }
    }

    /// A project key in cached custody.
    async fn cached(&self, row: &ProjectKey) -> Result<HeldKey, BackendError> {
        if let Some(key) = self.held.get(row) {
            return Ok(key);
        }
        let wanted = row.clone();
        let bytes =
            self.run(move |seat| project_key::unwrap_by(&wanted, |version| seat.master(version))).await?;
        let key = self.held.take(|place| {
            *place = *bytes;
            Ok(())
        })?;
        self.held.hold(row, &key);
        Ok(key)
    }

    fn own(&self, row: &ProjectKey) -> Result<(), BackendError> {
        if row.backend == self.known.id { Ok(()) } else { Err(BackendError::Integrity) }
    }
}

impl Drop for Pkcs11Backend {
    fn drop(&mut self) {
        self.tokens.iter().for_each(|token| token.close());
        self.tokens.iter().for_each(|token| token.join());
    }
}

#[async_trait]
impl SecretBackend for Pkcs11Backend {
    fn id(&self) -> &BackendId {
        &self.known.id
    }

    fn store_names(&self) -> StoreNames {
        StoreNames::crypto("PKCS11 HSM", "p11_crypto")
    }

    /// Those that the first token to work had at the start, and those that were added to all.
    async fn master_key_versions(&self) -> Result<Vec<MasterKeyVersion>, BackendError> {
        Ok(self.known.versions())
    }

    async fn seal_canary(&self, version: MasterKeyVersion) -> Result<Canary, BackendError> {
        self.run(move |seat| canary::seal(&seat.master(version)?, version, &seat.known.id, &random::system))
            .await
    }

    async fn open_canary(&self, version: MasterKeyVersion, canary: &Canary) -> Result<(), BackendError> {
        let sealed = canary.clone();
        self.run(move |seat| canary::open(&seat.master(version)?, version, &seat.known.id, &sealed)).await
    }

    async fn create_project_key(
        &self,
        project: &ProjectId,
        version: u32,
        now: Timestamp,
    ) -> Result<ProjectKey, BackendError> {
        let row = ProjectKey {
            id: ProjectKeyId::random(),
            project: project.clone(),
            backend: self.known.id.clone(),
            version,
            master: self.known.newest()?,
            wrapped: Vec::new(),
            created: now,
        };
        let wanted = row.clone();
        let wrapped = match self.known.custody {
            Custody::Strict => self.run(move |seat| seat.make_kept(&wanted)).await?,
            Custody::Cached => self.run(move |seat| make_cached(seat, &wanted)).await?,
        };
        Ok(ProjectKey { wrapped, ..row })
    }

    /// Takes the versions into use that were added to every token at work. Those that only some of them have
    /// would be lost with those.
    async fn reload(&self) -> Result<(), BackendError> {
        let mut common: Option<BTreeSet<MasterKeyVersion>> = None;
        for token in self.tokens.iter().filter(|token| token.is_ready()) {
            let look: Work<BTreeSet<MasterKeyVersion>> = Arc::new(|seat: &Seat<'_>| seat.versions());
            match token.run(look).await {
                Ok(found) => common = Some(common.map_or(found.clone(), |common| &common & &found)),
                Err(Failure::Answer(error)) => return Err(error),
                // It has to have them all before it is used again.
                Err(Failure::Elsewhere(_) | Failure::Lost(_)) => {}
            }
        }
        if self.known.add(common.ok_or_else(|| self.unavailable())?) {
            for token in self.tokens.iter().filter(|token| token.is_ready()) {
                if !token.refresh().await {
                    return Err(token.unavailable("it could not be connected anew"));
                }
            }
        }
        Ok(())
    }

    /// A key in strict custody is wrapped anew within the token.
    async fn rewrap(&self, key: &ProjectKey, master: MasterKeyVersion) -> Result<ProjectKey, BackendError> {
        self.own(key)?;
        let renewed = ProjectKey { master, wrapped: Vec::new(), ..key.clone() };
        let (row, wanted) = (key.clone(), renewed.clone());
        let kept = Wrapping::of(key).is_some();
        let wrapped = self.run(move |seat| {
            if kept {
                return seat.rewrap_kept(&row, &wanted);
            }
            let bytes = project_key::unwrap_by(&row, |version| seat.master(version))?;
            project_key::wrap(&seat.master(wanted.master)?, &wanted, &bytes, &random::system)
        });
        Ok(ProjectKey { wrapped: wrapped.await?, ..renewed })
    }

    /// Unwraps the key, past those that are held.
    async fn prove_project_key(&self, key: &ProjectKey) -> Result<(), BackendError> {
        self.own(key)?;
        let row = key.clone();
        if Wrapping::of(key).is_some() {
            return self.run(move |seat| seat.prove_kept(&row)).await;
        }
        self.run(move |seat| project_key::unwrap_by(&row, |version| seat.master(version)).map(drop)).await
    }

    async fn seal(
        &self,
        key: &ProjectKey,
        binding: &[u8],
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        self.own(key)?;
        if Wrapping::of(key).is_none() {
            return self.cached(key).await?.seal(key, binding, payload);
        }
        let (row, binding) = (key.clone(), binding.to_vec());
        let payload = Payload::new(payload.expose().to_vec());
        self.run(move |seat| {
            let kept = seat.kept(&row)?;
            payload::seal(&seat.key(kept.handles), &row, &binding, &payload, &random::system)
        })
        .await
    }

    async fn open(&self, key: &ProjectKey, binding: &[u8], sealed: &Sealed) -> Result<Payload, BackendError> {
        self.own(key)?;
        if Wrapping::of(key).is_none() {
            return self.cached(key).await?.open(key, binding, sealed);
        }
        let (row, binding, sealed) = (key.clone(), binding.to_vec(), sealed.clone());
        self.run(move |seat| {
            let kept = seat.kept(&row)?;
            payload::open(&seat.key(kept.handles), &row, &binding, &sealed)
        })
        .await
    }

    /// None in strict custody, where the project key is for AES only.
    async fn fingerprint(
        &self,
        key: &ProjectKey,
        secret: SecretId,
        payload: &Payload,
    ) -> Result<Option<Fingerprint>, BackendError> {
        self.own(key)?;
        if Wrapping::of(key).is_some() {
            return Ok(None);
        }
        self.cached(key).await?.fingerprint(secret, payload).map(Some)
    }

    async fn materials(
        &self,
        key: &ProjectKey,
        fingerprints: &[(SecretId, Fingerprint)],
    ) -> Result<Vec<Material>, BackendError> {
        self.own(key)?;
        if Wrapping::of(key).is_some() {
            return Err(BackendError::Denied(
                "a project key in strict custody makes no fingerprints".to_owned(),
            ));
        }
        self.cached(key).await?.materials(fingerprints)
    }

    /// Whatever there is of a payload is in the repository's row: there is nothing to destroy here.
    async fn forget(&self, _key: &ProjectKey, _sealed: &Sealed) -> Result<(), BackendError> {
        Ok(())
    }

    /// From random bytes of the token's.
    async fn generate_key(&self, request: &KeyRequest) -> Result<Payload, GenerationError> {
        let made = self.run(|seat| {
            let mut bytes = Zeroizing::new([0; LONGEST_KEY]);
            seat.session.generate_random_slice(bytes.as_mut_slice())?;
            Ok(bytes)
        });
        let bytes = made.await?;
        self.generator.key_from(request, &|wanted: &mut [u8]| {
            wanted.copy_from_slice(bytes.get(..wanted.len()).ok_or(Unspecified)?);
            Ok(())
        })
    }

    /// Made in this process. When the future is dropped before the pair's turn has come, none is made.
    async fn generate_pair(
        &self,
        request: &KeyRequest,
        passphrase: Option<&Payload>,
    ) -> Result<KeyPair, GenerationError> {
        self.generator.pair(request, passphrase).await
    }

    /// Opens a canary at a token; drops held keys whose lease is over, should no request have come to do it.
    async fn health(&self) -> Result<(), BackendError> {
        self.held.drop_expired();
        self.run(|seat| seat.link.prove(seat.session, seat.known)).await
    }
}

/// A project key that this process may hold.
fn make_cached(seat: &Seat<'_>, row: &ProjectKey) -> Result<Vec<u8>, Fault> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    seat.session.generate_random_slice(key.as_mut_slice())?;
    project_key::wrap(&seat.master(row.master)?, row, &key, &random::system)
}
