//! References: how the API names one of its objects to its clients (spec section 3.6).

use strongroom_core::{Object, SecretId};

use crate::settings::BaseUrl;

/// The reference to a secret.
pub(crate) fn secret(base: &BaseUrl, id: SecretId) -> String {
    object(base, Object::Secret(id))
}

/// The reference to a secret or a container.
pub(crate) fn object(base: &BaseUrl, object: Object) -> String {
    base.reference(&object_path(object))
}

/// Where an object is, below `/v1`.
pub(crate) fn object_path(object: Object) -> String {
    match object {
        Object::Secret(id) => format!("secrets/{id}"),
        Object::Container(id) => format!("containers/{id}"),
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
        for text in [secret(&base, id), format!("{}/", secret(&base, id)), format!("http://x/y/{id}")] {
            assert_eq!(named_secret(&text), id, "{text}");
        }
        assert_ne!(named_secret("http://kms:9311/v1/secrets/x"), id);
    }
}
