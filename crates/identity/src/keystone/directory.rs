//! Which projects and users there are in a Keystone.

use bytes::Bytes;
use http::{Response, StatusCode};
use strongroom_core::ports::IdentityError;
use strongroom_core::{ProjectId, UserId};

use super::service::{Failure, Service, unexpected};
use super::settings::KeystoneSettings;
use super::wire::{self, Scope};
use crate::error::SetupError;

/// Longest id of Keystone's.
const LONGEST_ID: usize = 64;

/// How a project or user stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is there and can be used.
    Enabled,
    /// It is there, and Keystone lets nobody use it.
    Disabled,
    /// Keystone knows of none.
    Gone,
}

/// Looks up projects and users in a Keystone, as the service's own user, which needs the role `reader` on the system.
/// Nothing is remembered.
pub struct KeystoneDirectory(Service);

impl KeystoneDirectory {
    /// Reads what the settings name. Keystone itself is asked when something is looked up.
    pub fn new(settings: KeystoneSettings) -> Result<Self, SetupError> {
        Service::new(settings, Scope::System).map(Self)
    }

    /// How that project stands. An error says why that is not known.
    pub async fn project(&self, id: &ProjectId) -> Result<Standing, IdentityError> {
        self.standing("project", id.as_str()).await
    }

    /// How that user stands. An error says why that is not known.
    pub async fn user(&self, id: &UserId) -> Result<Standing, IdentityError> {
        self.standing("user", id.as_str()).await
    }

    async fn standing(&self, what: &'static str, id: &str) -> Result<Standing, IdentityError> {
        if !is_keystones(id) {
            return Err(IdentityError::Unavailable("Keystone makes no such ids".to_owned()));
        }
        self.0.look_up(&format!("/{what}s/{id}"), |answer| standing(what, id, answer)).await
    }
}

/// Whether it can be an id that Keystone has made, which also is safe in a URL.
fn is_keystones(id: &str) -> bool {
    let form = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(form)
}

fn standing(what: &str, id: &str, answer: &Response<Bytes>) -> Result<Standing, Failure> {
    match answer.status() {
        StatusCode::OK => match wire::read_enabled(what, id, answer.body()) {
            Some(true) => Ok(Standing::Enabled),
            Some(false) => Ok(Standing::Disabled),
            None => Err(Failure::single(format!("Keystone's answer about a {what} is not one"))),
        },
        StatusCode::NOT_FOUND if wire::denies(id, answer.body()) => Ok(Standing::Gone),
        StatusCode::FORBIDDEN => Err(Failure::single(format!(
            "Keystone does not let this service's own user look up the {what}: give it the role reader on the system"
        ))),
        other => Err(unexpected(other, &format!("a {what}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_keystones_form_are_asked_about() {
        assert!(is_keystones("6f70656e737461636b2d4b6579") && is_keystones("default"));
        for other in ["", ".", "..", "a/b", "a b", "demo?x", "caf\u{e9}", &"a".repeat(65)] {
            assert!(!is_keystones(other), "{other}");
        }
    }

    #[test]
    fn nothing_is_gone_but_what_keystone_says_is_not_there() {
        let answer = |status: u16, body: &str| {
            let response = Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap();
            standing("user", "u1", &response).ok()
        };
        assert_eq!(answer(200, r#"{"user": {"id": "u1", "enabled": true}}"#), Some(Standing::Enabled));
        assert_eq!(answer(200, r#"{"user": {"id": "u1", "enabled": false}}"#), Some(Standing::Disabled));
        let gone = r#"{"error": {"code": 404, "message": "Could not find user: u1."}}"#;
        assert_eq!(answer(404, gone), Some(Standing::Gone));
        assert_eq!(answer(404, "<html>not found</html>"), None);
        for status in [200, 204, 301, 400, 401, 403, 410, 429, 500, 503] {
            assert_eq!(answer(status, gone), None, "{status}");
        }
    }
}
