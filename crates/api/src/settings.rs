use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderValue, Uri};
use thiserror::Error;

/// How the API answers.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// The base of every reference; derived from each request when absent.
    pub host_href: Option<BaseUrl>,
    /// Largest JSON body in bytes.
    pub max_request_bytes: usize,
    /// Largest payload in bytes: as sent in JSON (base64 text), or as uploaded.
    pub max_secret_bytes: usize,
    /// Items on a page when the client does not say.
    pub default_page: u32,
    /// Most items on a page.
    pub largest_page: u32,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// While this file exists the health check answers that the service is disabled.
    pub disable_file: Option<PathBuf>,
    /// How long placing an order may wait for it to be carried out, so that reading it right after shows
    /// how it ended.
    pub order_wait: Duration,
    /// What browsers on pages of other origins may do; nothing when absent.
    pub cors: Option<CorsSettings>,
}

/// What browsers on pages of other origins may do (spec section 3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsSettings {
    /// Where those pages come from.
    pub allowed_origins: Vec<AllowedOrigin>,
    /// Whether browsers may send cookies and the like, and show the answers to the page.
    pub allow_credentials: bool,
    /// How long browsers may remember what they were told.
    pub max_age: Duration,
}

impl Default for ApiSettings {
    /// The reference's values (spec section 23).
    fn default() -> Self {
        Self {
            host_href: None,
            max_request_bytes: 25_000,
            max_secret_bytes: 20_000,
            default_page: 10,
            largest_page: 100,
            body_timeout: Duration::from_secs(30),
            disable_file: None,
            order_wait: Duration::from_millis(500),
            cors: None,
        }
    }
}

/// An origin as browsers name it, such as `https://dashboard.example`; or `*` for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigin(HeaderValue);

/// The text is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("neither \"*\" nor an http or https URL of nothing but a host and perhaps a port")]
pub struct InvalidOrigin;

impl AllowedOrigin {
    /// Checks a configured origin.
    pub fn new(text: &str) -> Result<Self, InvalidOrigin> {
        let is_origin = || BaseUrl::new(text).is_ok() && text.matches('/').count() == 2;
        let value = HeaderValue::from_str(text).map_err(|_| InvalidOrigin)?;
        if text == "*" || is_origin() { Ok(Self(value)) } else { Err(InvalidOrigin) }
    }

    pub(crate) fn is_any(&self) -> bool {
        self.0 == "*"
    }

    pub(crate) fn as_header(&self) -> &HeaderValue {
        &self.0
    }
}

/// An `http` or `https` URL without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// The text is no base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an http or https URL with a host and without a query")]
pub struct InvalidBaseUrl;

impl BaseUrl {
    /// Checks a configured URL and strips trailing slashes.
    pub fn new(text: &str) -> Result<Self, InvalidBaseUrl> {
        let uri: Uri = text.parse().map_err(|_| InvalidBaseUrl)?;
        let sound = matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none();
        if sound { Ok(Self(text.trim_end_matches('/').to_owned())) } else { Err(InvalidBaseUrl) }
    }

    pub(crate) fn derived(scheme: &str, authority: &str) -> Self {
        Self(format!("{scheme}://{authority}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a reference is to something of this service.
    pub(crate) fn covers(&self, reference: &str) -> bool {
        reference.strip_prefix(&self.0).is_some_and(|path| path.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_nothing_but_a_host() {
        for good in ["*", "https://dashboard.example", "http://localhost:8080"] {
            assert!(AllowedOrigin::new(good).is_ok(), "{good}");
        }
        for bad in
            ["", "dashboard.example", "https://dashboard.example/", "https://d/x", "null", "https://d\n"]
        {
            assert!(AllowedOrigin::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn base_urls_are_absolute_and_end_without_slash() {
        assert_eq!(
            BaseUrl::new("https://kms.example:9311/").unwrap().reference("secrets").to_string(),
            "https://kms.example:9311/v1/secrets"
        );
        let base = BaseUrl::new("http://kms").unwrap();
        assert!(base.covers("http://kms/v1/secrets/x"));
        assert!(!base.covers("http://kms.evil/v1/secrets/x") && !base.covers("https://kms/v1/secrets/x"));
        for bad in ["", "kms.example", "ftp://kms.example", "/v1", "http://h/?q"] {
            assert!(BaseUrl::new(bad).is_err(), "{bad}");
        }
    }
}
