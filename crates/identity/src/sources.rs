//! Several identity sources side by side.

use async_trait::async_trait;
use strongroom_core::Caller;
use strongroom_core::ports::{Authenticator, Credentials, IdentityError};

/// An identity source that can stand beside others.
pub trait Source: Authenticator {
    /// Whether the request brings what this source judges, good or bad.
    fn is_presented(&self, credentials: &dyn Credentials) -> Result<bool, IdentityError>;

    /// Whether it judges something that the request was given, such as a token, rather than something that
    /// the connection has anyway.
    fn is_token(&self) -> bool {
        true
    }
}

/// Identity sources in order of preference. The first whose credential is presented decides: what it refuses
/// is refused, whatever else the request brings.
pub struct Sources {
    sources: Vec<Box<dyn Source>>,
    anonymous: bool,
}

impl Sources {
    /// These sources, the preferred one first.
    pub fn new(sources: Vec<Box<dyn Source>>) -> Self {
        Self { sources, anonymous: false }
    }

    /// Lets those in, as nobody, who bring no credential at all: without user, project and roles, which no rule
    /// on a resource allows anything (spec section 12.1, `allow_anonymous_access`). A bad credential is refused
    /// as ever.
    #[must_use]
    pub fn with_anonymous(mut self, anonymous: bool) -> Self {
        self.anonymous = anonymous;
        self
    }
}

#[async_trait]
impl Authenticator for Sources {
    async fn authenticate(&self, credentials: &dyn Credentials) -> Result<Caller, IdentityError> {
        let mut chosen: Option<&dyn Source> = None;
        let mut tokens = 0;
        for source in &self.sources {
            if source.is_presented(credentials)? {
                tokens += usize::from(source.is_token());
                chosen = chosen.or(Some(source.as_ref()));
            }
        }
        if tokens > 1 {
            // Whoever wrote them may have meant either.
            return Err(IdentityError::Malformed("The request brings more than one kind of token."));
        }
        match chosen {
            Some(source) => source.authenticate(credentials).await,
            None if self.anonymous => Ok(Caller::anonymous()),
            None => Err(IdentityError::Unauthenticated),
        }
    }

    fn challenges(&self) -> Vec<String> {
        self.sources.iter().flat_map(|source| source.challenges()).collect()
    }
}
