//! Tokens of a Keystone, v3 (`X-Auth-Token`), each asked about once and remembered for a while.

mod breaker;
mod cache;
mod directory;
mod own_token;
mod service;
mod settings;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use http::HeaderValue;
use strongroom_core::ports::{Authenticator, Credentials, IdentityError};
use strongroom_core::{Caller, Clock as _, SystemClock};
use tokio::time::{Instant, timeout};

pub use self::directory::{KeystoneDirectory, Standing};
pub use self::settings::{KeystoneSettings, Named};

use self::cache::TokenCache;
use self::service::{Expired, Service};
use self::wire::Scope;
use crate::error::SetupError;
use crate::sources::Source;

/// The attribute that carries the token.
const TOKEN: &str = "x-auth-token";
/// The attribute that carries the token of a service which passes on what a user has asked of it.
const SERVICE_TOKEN: &str = "x-service-token";
/// Longest token in bytes. Keystone's own are of some 250.
const LONGEST_TOKEN: usize = 8192;

/// Believes what Keystone says about a token (spec section 12.1). What it said is remembered for a bounded time,
/// and no longer than the token itself is valid; a token that is revoked meanwhile is let in until then.
pub struct Keystone {
    service: Service,
    cache: TokenCache,
    patience: Duration,
    challenge: String,
    service_roles: Vec<String>,
}

impl Keystone {
    /// Reads what the settings name. Keystone itself is asked when the first token comes: it may start later.
    pub fn new(settings: KeystoneSettings) -> Result<Self, SetupError> {
        Ok(Self {
            cache: TokenCache::new(settings.cache_time, settings.cached_tokens)?,
            // Enough for the service's own token to be renewed on the way.
            patience: settings.request_timeout.saturating_mul(2),
            service_roles: settings.service_token_roles.clone(),
            challenge: format!("Keystone uri=\"{}\"", settings.public_url),
            service: Service::new(settings, Scope::Project)?,
        })
    }
}

#[async_trait]
impl Authenticator for Keystone {
    async fn authenticate(&self, credentials: &dyn Credentials) -> Result<Caller, IdentityError> {
        let token = credentials.attribute(TOKEN)?.ok_or(IdentityError::Unauthenticated)?;
        if let Some(caller) = self.verdict(token).await? {
            return Ok(caller);
        }
        match credentials.attribute(SERVICE_TOKEN)? {
            Some(service) if !self.service_roles.is_empty() => self.prolonged(token, service).await,
            _ => Err(IdentityError::Unauthenticated),
        }
    }

    fn challenges(&self) -> Vec<String> {
        vec![self.challenge.clone()]
    }
}

impl Keystone {
    /// Whom a token stands for; `None` when it is not valid.
    async fn verdict(&self, token: &str) -> Result<Option<Caller>, IdentityError> {
        let digest = self.cache.digest(token);
        if let Some(verdict) = self.cache.look(&digest, SystemClock.now(), Instant::now()) {
            return Ok(verdict);
        }
        let Some(token) = sendable(token) else { return Ok(None) };
        let asked = self.cache.ask_once(&digest, || self.service.validate(token, Expired::Refused));
        self.in_time(asked).await
    }

    /// Whom a token stands for that has expired while a service was at work for its user. The service has to
    /// show a valid token of its own, and Keystone says how long ago the other may have expired. This is rare,
    /// and not remembered.
    async fn prolonged(&self, token: &str, service: &str) -> Result<Caller, IdentityError> {
        let service = self.verdict(service).await?.ok_or(IdentityError::Unauthenticated)?;
        if !self.service_roles.iter().any(|role| service.roles.contains(role)) {
            return Err(IdentityError::Unauthenticated);
        }
        let token = sendable(token).ok_or(IdentityError::Unauthenticated)?;
        let confirmed = self.in_time(self.service.validate(token, Expired::Allowed)).await?;
        confirmed.and_then(|confirmed| confirmed.caller).ok_or(IdentityError::Unauthenticated)
    }

    async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, IdentityError>>,
    ) -> Result<T, IdentityError> {
        timeout(self.patience, asked).await.map_err(|_| {
            IdentityError::Unavailable("Keystone has too many tokens to check at once".to_owned())
        })?
    }
}

impl Source for Keystone {
    fn is_presented(&self, credentials: &dyn Credentials) -> Result<bool, IdentityError> {
        Ok(credentials.attribute(TOKEN)?.is_some())
    }
}

/// The token as a header's value, when it can be a token at all: what can't be is not worth a request.
fn sendable(token: &str) -> Option<HeaderValue> {
    let form = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || token.len() > LONGEST_TOKEN || !token.bytes().all(form) {
        return None;
    }
    let mut value = HeaderValue::from_str(token).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_token_is_not_asked_about() {
        assert!(sendable("gAAAAABrBVE1XiR8Ok7svpipynYfr1Uu79HzKCn6pCvC-t9x6L3gd_0r=").is_some());
        assert!(sendable("0123456789abcdef0123456789abcdef").is_some());
        for bad in ["", "a b", "tok\u{e9}n", "a\r\nX-Auth-Token: b", "a,b", &"x".repeat(LONGEST_TOKEN + 1)] {
            assert!(sendable(bad).is_none(), "{bad}");
        }
    }
}
