use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;
use thiserror::Error;

/// The URL of a service that identities are asked of: `https`, or `http` where that can't be overheard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Uri);

/// Where plain HTTP may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// To this machine only.
    Loopback,
    /// Anywhere: the operator vouches for the network.
    Anywhere,
}

/// A text that is no usable endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidEndpoint {
    /// It is no URL, or has a user, a query or a fragment.
    #[error("no http or https URL of host, port and path")]
    Form,
    /// It would carry secrets over the network in the clear.
    #[error("plain HTTP to another machine, where tokens could be overheard; give an https URL")]
    PlainHttp,
}

impl Endpoint {
    /// Checks the URL; a slash at its end does not matter.
    pub fn new(text: &str, plain: PlainHttp) -> Result<Self, InvalidEndpoint> {
        let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| InvalidEndpoint::Form)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(InvalidEndpoint::Form)?;
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if has_user || uri.query().is_some() || text.contains('#') {
            return Err(InvalidEndpoint::Form);
        }
        let is_plain = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => false,
            Some(scheme) if *scheme == Scheme::HTTP => true,
            _ => return Err(InvalidEndpoint::Form),
        };
        if is_plain && plain == PlainHttp::Loopback && !is_loopback(host) {
            return Err(InvalidEndpoint::PlainHttp);
        }
        Ok(Self(uri))
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }

    /// The URL itself.
    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }

    /// A URL below this one; `rest` begins with a slash.
    pub(crate) fn join(&self, rest: &str) -> Result<Uri, InvalidEndpoint> {
        format!("{self}{rest}").parse().map_err(|_| InvalidEndpoint::Form)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

impl fmt::Display for Endpoint {
    /// Without a slash at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine_unless_the_operator_says_so() {
        for good in ["https://keystone.example/v3/", "http://localhost:5000", "http://[::1]:5000/v3"] {
            let endpoint = Endpoint::new(good, PlainHttp::Loopback).unwrap();
            assert_eq!(endpoint.to_string(), good.trim_end_matches('/'));
        }
        let far = "http://keystone.example:5000/v3";
        assert_eq!(Endpoint::new(far, PlainHttp::Loopback), Err(InvalidEndpoint::PlainHttp));
        assert_eq!(
            Endpoint::new(far, PlainHttp::Anywhere).unwrap().join("/auth").unwrap().path(),
            "/v3/auth"
        );
        // A name that merely looks like this machine's.
        assert!(Endpoint::new("http://localhost.example", PlainHttp::Loopback).is_err());
        assert!(Endpoint::new("http://127.0.0.1.example", PlainHttp::Loopback).is_err());
    }

    #[test]
    fn what_is_no_plain_url_is_refused() {
        for bad in [
            "",
            "keystone",
            "/v3",
            "ftp://keystone.example",
            "https://",
            "https://user:password@keystone.example",
            "https://keystone.example/v3?x=1",
            "https://keystone.example/#v3",
        ] {
            assert_eq!(Endpoint::new(bad, PlainHttp::Anywhere), Err(InvalidEndpoint::Form), "{bad}");
        }
    }
}
