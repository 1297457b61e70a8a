//! References: how the API names one of its objects to its clients (spec section 3.6).

use std::fmt;

use serde::{Serialize, Serializer};
use strongroom_core::{Object, SecretId};

use crate::settings::BaseUrl;

/// A reference to a collection, or to something in one. A page has a hundred of them, so it becomes a text only where it
/// is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference<'a, P = ObjectPath> {
    base: &'a BaseUrl,
    path: P,
}

/// Where a secret or a container is, below `/v1`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ObjectPath(pub(crate) Object);

impl BaseUrl {
    /// The reference to what is at that path, below `/v1`.
    pub(crate) fn reference<P: fmt::Display>(&self, path: P) -> Reference<'_, P> {
        Reference { base: self, path }
    }
}

/// The reference to a secret.
pub(crate) fn secret(base: &BaseUrl, id: SecretId) -> Reference<'_> {
    object(base, Object::Secret(id))
}

/// The reference to a secret or a container.
pub(crate) fn object(base: &BaseUrl, object: Object) -> Reference<'_> {
    base.reference(ObjectPath(object))
}

impl<P: fmt::Display> fmt::Display for Reference<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/v1/{}", self.base.as_str(), self.path)
    }
}

impl<P: fmt::Display> Serialize for Reference<'_, P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Object::Secret(id) => write!(f, "secrets/{id}"),
            Object::Container(id) => write!(f, "containers/{id}"),
        }
    }
}

/// The secret that a reference names: the last segment counts, whatever is before it, and a slash may
/// trail. A name that is no id names a secret that is not there, so it becomes an id that nobody has.
pub(crate) fn named_secret(reference: &str) -> SecretId {
    let trimmed = reference.trim_end_matches('/');
    let last = trimmed.rsplit('/').next().unwrap_or(trimmed);
    SecretId::parse(last).unwrap_or_else(|_| SecretId::random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_leads_back_to_its_secret() {
        let base = BaseUrl::new("http://kms:9311").unwrap();
        let id = SecretId::random();
        for text in
            [secret(&base, id).to_string(), format!("{}/", secret(&base, id)), format!("http://x/y/{id}")]
        {
            assert_eq!(named_secret(&text), id, "{text}");
        }
        assert_ne!(named_secret("http://kms:9311/v1/secrets/x"), id);
    }
}
