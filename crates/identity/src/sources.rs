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
pub struct Sources(Vec<Box<dyn Source>>);

impl Sources {
    /// These sources, the preferred one first.
    pub fn new(sources: Vec<Box<dyn Source>>) -> Self {
        Self(sources)
    }
}

#[async_trait]
impl Authenticator for Sources {
    async fn authenticate(&self, credentials: &dyn Credentials) -> Result<Caller, IdentityError> {
        let mut chosen: Option<&dyn Source> = None;
        let mut tokens = 0;
        for source in &self.0 {
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
            None => Err(IdentityError::Unauthenticated),
        }
    }

    fn challenges(&self) -> Vec<String> {
        self.0.iter().flat_map(|source| source.challenges()).collect()
    }
}
