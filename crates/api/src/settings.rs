use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
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
        }
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

    /// The reference to a collection, or to something in one.
    pub(crate) fn reference(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_absolute_and_end_without_slash() {
        assert_eq!(
            BaseUrl::new("https://kms.example:9311/").unwrap().reference("secrets"),
            "https://kms.example:9311/v1/secrets"
        );
        for bad in ["", "kms.example", "ftp://kms.example", "/v1", "http://h/?q"] {
            assert!(BaseUrl::new(bad).is_err(), "{bad}");
        }
    }
}
