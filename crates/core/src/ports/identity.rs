use std::net::IpAddr;

use async_trait::async_trait;
use thiserror::Error;

use crate::access::Caller;

/// What a request brings along to say who sends it, whatever protocol carried it.
pub trait Credentials: Send + Sync {
    /// The text of a named attribute, such as an HTTP header; names are in lower case. One that is given more
    /// than once, or is no plain text, is malformed: which part of it would count depends on who reads it.
    fn attribute(&self, name: &str) -> Result<Option<&str>, IdentityError>;

    /// Where the request comes from, when it came over a network.
    fn source(&self) -> Option<IpAddr>;

    /// The client's certificate in DER, when it proved possession of its key.
    fn client_certificate(&self) -> Option<&[u8]> {
        None
    }
}

/// Finds out who is calling.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Names the caller, or says why nobody is let in. Never guesses: a doubt is a refusal.
    async fn authenticate(&self, credentials: &dyn Credentials) -> Result<Caller, IdentityError>;

    /// How callers are to identify themselves, told to those who did not: challenges in the form of RFC 9110,
    /// section 11.6.1, the preferred one first. None where there is no such form.
    fn challenges(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why nobody is let in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// No identity, or one that is not valid (HTTP 401).
    #[error("no valid identity was given")]
    Unauthenticated,
    /// The request lacks or garbles something that this way of identifying needs (HTTP 400).
    #[error("{0}")]
    Malformed(&'static str),
    /// The identity service can't be asked (HTTP 503).
    #[error("the identity service can't be reached: {0}")]
    Unavailable(String),
}
