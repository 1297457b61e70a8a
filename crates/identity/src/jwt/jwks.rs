use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use strongroom_core::ports::IdentityError;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::algorithm::SigningAlgorithm;
use super::keys::{KeySet, VerifyingKey};
use super::settings::KeySource;
use crate::error::SetupError;
use crate::outbound::Outbound;

/// Largest key set in bytes.
const LARGEST_SET: usize = 256 * 1024;
/// Least time from one look for keys to the next, so that made-up key ids flood nobody.
const PAUSE: Duration = Duration::from_secs(5);

/// An issuer's keys, kept up to date.
#[derive(Clone)]
pub(super) struct Jwks(Arc<Inner>);

struct Inner {
    place: Place,
    refresh: Duration,
    stale: Duration,
    current: RwLock<Option<Arc<Loaded>>>,
    /// When keys were last looked for; held while they are.
    looked: Mutex<Option<Instant>>,
}

enum Place {
    File(PathBuf),
    Url { url: Uri, outbound: Box<Outbound> },
}

struct Loaded {
    keys: KeySet,
    at: Instant,
}

impl Jwks {
    pub(super) fn new(source: KeySource) -> Result<Self, SetupError> {
        let (place, refresh, stale, first) = match source {
            KeySource::File { path, refresh } => {
                let bytes = read(&path).map_err(|source| SetupError::File { path: path.clone(), source })?;
                let keys = KeySet::parse(&bytes).ok_or_else(|| SetupError::NoKeys(path.clone()))?;
                // A file does not go out of reach: one that is gone or spoilt leaves the keys as they were.
                (Place::File(path), refresh, Duration::MAX, Some(keys))
            }
            KeySource::Url { url, ca_file, request_timeout, refresh, stale } => {
                let outbound = Outbound::new(&url, ca_file.as_deref(), request_timeout, LARGEST_SET)?;
                (Place::Url { url: url.uri().clone(), outbound: Box::new(outbound) }, refresh, stale, None)
            }
        };
        let first = first.map(|keys| Arc::new(Loaded { keys, at: Instant::now() }));
        let current = RwLock::new(first);
        Ok(Self(Arc::new(Inner { place, refresh, stale, current, looked: Mutex::default() })))
    }

    /// The keys that may have signed a token whose header says this. A key that is not known makes the whole
    /// set be fetched again, unless that was done only just now.
    pub(super) async fn candidates(
        &self,
        id: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> Result<Vec<VerifyingKey>, IdentityError> {
        let find = |loaded: &Loaded| loaded.keys.candidates(id, algorithm);
        if let Some(loaded) = self.0.usable() {
            let found = find(&loaded);
            if !found.is_empty() {
                if loaded.at.elapsed() >= self.0.refresh && self.0.may_look() {
                    let inner = Arc::clone(&self.0);
                    tokio::spawn(async move { inner.look().await });
                }
                return Ok(found);
            }
        }
        self.0.look().await;
        match self.0.usable() {
            Some(loaded) => Ok(find(&loaded)),
            None => Err(IdentityError::Unavailable("the issuer's keys can't be had".to_owned())),
        }
    }
}

impl Inner {
    /// The keys at hand, unless they are too old to be believed.
    fn usable(&self) -> Option<Arc<Loaded>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|loaded| loaded.at.elapsed() < self.stale).map(Arc::clone)
    }

    /// Whether a look for keys would be neither the second at once nor too soon after the last.
    fn may_look(&self) -> bool {
        self.looked.try_lock().is_ok_and(|looked| looked.is_none_or(|at| at.elapsed() >= PAUSE))
    }

    /// Looks for keys, unless that was done only just now. What is no key set changes nothing.
    async fn look(&self) {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        let at = Instant::now();
        *looked = Some(at);
        match self.load().await {
            Ok(keys) => {
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = Some(Arc::new(Loaded { keys, at }));
            }
            Err(cause) => tracing::warn!(cause, "the keys of the tokens' issuer can't be had"),
        }
    }

    async fn load(&self) -> Result<KeySet, String> {
        let bytes = match &self.place {
            Place::File(path) => {
                let path = path.clone();
                let read = spawn_blocking(move || read(&path)).await.map_err(|error| error.to_string())?;
                read.map_err(|error| error.to_string())?.into()
            }
            Place::Url { url, outbound } => {
                let mut request = Request::new(Full::default());
                *request.uri_mut() = url.clone();
                let json = HeaderValue::from_static("application/json, application/jwk-set+json");
                request.headers_mut().insert(ACCEPT, json);
                let answer = outbound.send(request).await?;
                if answer.status() != StatusCode::OK {
                    return Err(format!("the answer is {}", answer.status()));
                }
                answer.into_body()
            }
        };
        KeySet::parse(&bytes).ok_or_else(|| "there is no key set with a key that can verify".to_owned())
    }
}

/// A file's bytes, as far as a key set may reach.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(LARGEST_SET).unwrap_or(u64::MAX);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
