use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use strongroom_core::ports::IdentityError;
use strongroom_core::{Clock as _, SystemClock};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use super::breaker::Breaker;
use super::own_token::{OwnToken, usable};
use super::settings::KeystoneSettings;
use super::wire::{self, Confirmed, Scope};
use crate::error::SetupError;
use crate::outbound::Outbound;

/// Largest answer in bytes. A token's description without the catalogue has about one thousand.
const LARGEST_ANSWER: usize = 256 * 1024;
/// How long a Keystone that does not take our password is left alone, so that it locks nobody out.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_secs(15);

/// Longest that the request is waited for which finds out whether Keystone is back.
const LONGEST_TRIAL: Duration = Duration::from_mins(5);

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What becomes of a token that has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expired {
    /// It is not valid.
    Refused,
    /// It is as good as before, within the time that Keystone sets.
    Allowed,
}

/// Keystone, as the service's own user sees it.
pub(super) struct Service {
    settings: KeystoneSettings,
    scope: Scope,
    outbound: Outbound,
    login_url: Uri,
    validate_url: Uri,
    validate_expired_url: Uri,
    /// Empty where the settings' URL ends with it already.
    version: &'static str,
    own: Mutex<Option<Arc<OwnToken>>>,
    requests: Semaphore,
    breaker: Breaker,
}

impl Service {
    pub(super) fn new(settings: KeystoneSettings, scope: Scope) -> Result<Self, SetupError> {
        let version = if settings.url.uri().path().ends_with("/v3") { "" } else { "/v3" };
        let url = |rest: &str| {
            let path = format!("{version}/auth/tokens{rest}");
            settings.url.join(&path).map_err(|_| SetupError::Unsendable("Keystone's URL"))
        };
        Ok(Self {
            login_url: url("")?,
            validate_url: url("?nocatalog")?,
            validate_expired_url: url("?nocatalog&allow_expired=1")?,
            outbound: Outbound::new(
                &settings.url,
                settings.ca_file.as_deref(),
                settings.request_timeout,
                LARGEST_ANSWER,
            )?,
            own: Mutex::default(),
            requests: Semaphore::new(settings.requests),
            breaker: Breaker::default(),
            version,
            scope,
            settings,
        })
    }

    /// What Keystone says about a token; `None` when it is not valid.
    pub(super) async fn validate(
        &self,
        token: HeaderValue,
        expired: Expired,
    ) -> Result<Option<Confirmed>, IdentityError> {
        let url = match expired {
            Expired::Refused => &self.validate_url,
            Expired::Allowed => &self.validate_expired_url,
        };
        self.answer(url, Some(&token), verdict).await
    }

    /// What is below that path of Keystone's.
    pub(super) async fn look_up<T>(
        &self,
        path: &str,
        read: impl Fn(&Response<Bytes>) -> Result<T, Failure>,
    ) -> Result<T, IdentityError> {
        let url = self.settings.url.join(&format!("{}{path}", self.version));
        let url = url.map_err(|_| IdentityError::Unavailable("it can't be part of a URL".to_owned()))?;
        self.answer(&url, None, read).await
    }

    /// What `read` makes of the answer, with a token of the service's own that Keystone takes.
    async fn answer<T>(
        &self,
        url: &Uri,
        about: Option<&HeaderValue>,
        read: impl Fn(&Response<Bytes>) -> Result<T, Failure>,
    ) -> Result<T, IdentityError> {
        // What waits here has not been sent, and is told at once when Keystone turns out to be down.
        let _permit = self.requests.acquire().await.map_err(|_| IdentityError::Unauthenticated)?;
        let trial = self.settings.request_timeout.saturating_mul(2).min(LONGEST_TRIAL);
        self.breaker.admit(Instant::now(), trial).map_err(IdentityError::Unavailable)?;
        match self.ask(url, about, read).await {
            Ok(answer) => {
                self.breaker.succeeded();
                Ok(answer)
            }
            Err(failure) => {
                let (now, cause) = (Instant::now(), failure.cause);
                match failure.kind {
                    Kind::Single => {}
                    Kind::Outage => self.breaker.failed(now, &cause),
                    Kind::Refusal => self.breaker.open(now, PAUSE_AFTER_REFUSAL, &cause),
                }
                Err(IdentityError::Unavailable(cause))
            }
        }
    }

    async fn ask<T>(
        &self,
        url: &Uri,
        about: Option<&HeaderValue>,
        read: impl Fn(&Response<Bytes>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let own = self.own_token(None).await?;
        let answer = self.ask_as(&own, url, about).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return read(&answer);
        }
        // Keystone no longer knows our own token: it may have been revoked, or its keys replaced.
        if own.is_young(Instant::now()) {
            return Err(Failure::refusal(
                "Keystone refuses the token that it has just given to this service",
            ));
        }
        let renewed = self.own_token(Some(&own)).await?;
        read(&self.ask_as(&renewed, url, about).await?)
    }

    async fn ask_as(
        &self,
        own: &OwnToken,
        url: &Uri,
        about: Option<&HeaderValue>,
    ) -> Result<Response<Bytes>, Failure> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = url.clone();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, JSON);
        headers.insert("x-auth-token", own.value.clone());
        if let Some(token) = about {
            headers.insert("x-subject-token", token.clone());
        }
        self.outbound.send(request).await.map_err(|cause| Failure::outage(format!("Keystone: {cause}")))
    }

    /// The service's own token, other than the one that was refused. Only one request for it is ever under way.
    async fn own_token(&self, refused: Option<&Arc<OwnToken>>) -> Result<Arc<OwnToken>, Failure> {
        let mut current = self.own.lock().await;
        if let Some(token) = usable(current.as_ref(), refused, SystemClock.now()) {
            return Ok(token);
        }
        let token = Arc::new(self.log_in().await?);
        *current = Some(Arc::clone(&token));
        Ok(token)
    }

    async fn log_in(&self) -> Result<OwnToken, Failure> {
        let mut request = Request::new(Full::new(wire::login(&self.settings, self.scope)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.login_url.clone();
        request.headers_mut().insert(ACCEPT, JSON);
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        let (wall, now) = (SystemClock.now(), Instant::now());
        let answer = self
            .outbound
            .send(request)
            .await
            .map_err(|cause| Failure::outage(format!("Keystone: {cause}")))?;
        match answer.status() {
            StatusCode::CREATED => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let cause = match self.scope {
                    Scope::Project => {
                        "Keystone does not let this service's own user in: check the user, its password, and \
                         its role in its project (identity.keystone)"
                    }
                    Scope::System => {
                        "Keystone does not let this service's own user look up projects and users: check the user \
                         and its password (identity.keystone), and give it the role reader on the system"
                    }
                };
                return Err(Failure::refusal(cause));
            }
            other => {
                return Err(Failure::outage(format!("Keystone answers {other} when this service logs in")));
            }
        }
        let value = answer.headers().get("x-subject-token");
        match (value, wire::read(answer.body())) {
            (Some(value), Some(Confirmed { expires, .. })) => {
                Ok(OwnToken::new(value.clone(), expires, wall, now))
            }
            _ => Err(Failure::outage("Keystone's answer to this service's login is not one".to_owned())),
        }
    }
}

/// What an answer about a token says; `None` when the token is not valid.
fn verdict(answer: &Response<Bytes>) -> Result<Option<Confirmed>, Failure> {
    match answer.status() {
        StatusCode::OK => match wire::read(answer.body()) {
            Some(confirmed) => Ok(Some(confirmed)),
            None => Err(Failure::single("Keystone's answer about a token is not one".to_owned())),
        },
        // The second of a token that is unsound rather than unknown.
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => Ok(None),
        StatusCode::UNAUTHORIZED => {
            Err(Failure::refusal("Keystone refuses the token that it has just given to this service"))
        }
        StatusCode::FORBIDDEN => Err(Failure::refusal(
            "Keystone does not let this service's own user validate tokens: give it the role service or admin",
        )),
        other => Err(unexpected(other, "a token")),
    }
}

/// What another status says: Keystone may be down, or have a difficulty with what it was asked about.
pub(super) fn unexpected(status: StatusCode, about: &str) -> Failure {
    let cause = format!("Keystone answers {status} about {about}");
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Failure::outage(cause),
        _ => Failure::single(cause),
    }
}

/// Why there is no verdict.
pub(super) struct Failure {
    cause: String,
    kind: Kind,
}

/// What a failure says about the requests to come.
enum Kind {
    /// Nothing: it may be due to this one token or id, and whoever sent it is not to harm others by it.
    Single,
    /// Keystone may be down.
    Outage,
    /// Keystone works, and does nothing for us before something is mended.
    Refusal,
}

impl Failure {
    pub(super) fn single(cause: String) -> Self {
        Self { cause, kind: Kind::Single }
    }

    pub(super) fn outage(cause: String) -> Self {
        Self { cause, kind: Kind::Outage }
    }

    fn refusal(cause: &str) -> Self {
        Self { cause: cause.to_owned(), kind: Kind::Refusal }
    }
}
