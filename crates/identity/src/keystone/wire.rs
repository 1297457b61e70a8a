//! What is said to Keystone, and what it says (Identity API v3, "Authentication and token management").

use bytes::Bytes;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_core::access::IdentitySource;
use strongroom_core::{Caller, ProjectId, Roles, Timestamp, UserId};

use super::settings::{KeystoneSettings, Named};

/// The request for the service's own token.
pub(super) fn login(settings: &KeystoneSettings) -> Bytes {
    let mut user = reference(&settings.user, &settings.user_domain);
    if let Some(fields) = user.as_object_mut() {
        fields.insert("password".to_owned(), settings.password.expose_secret().into());
    }
    let project = reference(&settings.project, &settings.project_domain);
    let identity = json!({"methods": ["password"], "password": {"user": user}});
    json!({"auth": {"identity": identity, "scope": {"project": project}}}).to_string().into()
}

/// A user or project: an id says all, a name needs its domain.
fn reference(named: &Named, domain: &Named) -> Value {
    match named {
        Named::Id(id) => json!({"id": id}),
        Named::Name(name) => {
            let domain = match domain {
                Named::Id(id) => json!({"id": id}),
                Named::Name(name) => json!({"name": name}),
            };
            json!({"name": name, "domain": domain})
        }
    }
}

/// A token's validity and whom it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Confirmed {
    /// When the token ends.
    pub(super) expires: Timestamp,
    /// Whom it stands for; `None` when it has no project: such tokens are for no request here
    /// (spec section 12.1).
    pub(super) caller: Option<Caller>,
}

/// Reads the answer about a token; `None` when it is no such answer.
pub(super) fn read(body: &[u8]) -> Option<Confirmed> {
    #[derive(Deserialize)]
    struct Body {
        token: Token,
    }
    #[derive(Deserialize)]
    struct Token {
        expires_at: String,
        user: Identified,
        project: Option<Identified>,
        #[serde(default)]
        roles: Vec<Role>,
    }
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    #[derive(Deserialize)]
    struct Role {
        name: String,
    }

    let Body { token } = serde_json::from_slice(body).ok()?;
    let expires = Timestamp::parse(&token.expires_at).ok()?;
    let user = UserId::new(token.user.id).ok()?;
    let project = token.project.map(|project| ProjectId::new(project.id)).transpose().ok()?;
    let caller = project.map(|project| Caller {
        user: Some(user),
        project: Some(project),
        roles: Roles::new(token.roles.iter().map(|role| role.name.as_str())),
        source: IdentitySource::Keystone,
    });
    Some(Confirmed { expires, caller })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> Value {
        json!({"token": {
            "expires_at": "2026-11-24T09:56:21.000000Z",
            "user": {"id": "u", "name": "ada", "domain": {"id": "default"}},
            "project": {"id": "p", "name": "demo"},
            "roles": [{"id": "1", "name": "Member"}, {"id": "2", "name": "reader"}],
            "methods": ["password"],
        }})
    }

    fn read_value(value: &Value) -> Option<Confirmed> {
        read(value.to_string().as_bytes())
    }

    #[test]
    fn a_project_token_names_user_project_and_roles() {
        let confirmed = read_value(&token()).unwrap();
        let caller = confirmed.caller.unwrap();
        assert_eq!(confirmed.expires.to_string(), "2026-11-24T09:56:21");
        assert_eq!((caller.user.unwrap().as_str(), caller.project.unwrap().as_str()), ("u", "p"));
        assert_eq!(caller.roles.names(), ["member", "reader"]);
        assert_eq!(caller.source, IdentitySource::Keystone);
    }

    #[test]
    fn without_a_project_there_is_nobody() {
        let mut unscoped = token();
        unscoped["token"].as_object_mut().unwrap().remove("project");
        unscoped["token"]["system"] = json!({"all": true});
        assert_eq!(read_value(&unscoped).unwrap().caller, None);
    }

    #[test]
    fn what_lacks_a_part_or_has_it_in_another_form_is_no_answer() {
        for (pointer, value) in [
            ("/token", json!([])),
            ("/token/expires_at", json!(null)),
            ("/token/expires_at", json!("soon")),
            ("/token/expires_at", json!(1)),
            ("/token/user", json!("u")),
            ("/token/user/id", json!("")),
            ("/token/user/id", json!(["u"])),
            ("/token/project", json!("p")),
            ("/token/project/id", json!("")),
            ("/token/project/id", json!("p\u{0}")),
            ("/token/project/id", json!({})),
            ("/token/roles", json!("admin")),
            ("/token/roles/0/name", json!(7)),
        ] {
            let mut lie = token();
            *lie.pointer_mut(pointer).unwrap() = value;
            assert_eq!(read_value(&lie), None, "{lie}");
        }
        assert_eq!(read_value(&json!({"error": {"code": 200}})), None);
    }

    proptest! {
        #[test]
        fn an_answer_that_is_cut_short_is_none(cut in 1_usize..100) {
            let whole = token().to_string();
            let end = whole.len().saturating_sub(cut);
            prop_assert_eq!(read(&whole.as_bytes()[..end]), None);
        }

        #[test]
        fn garbage_is_no_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(read(&bytes), None);
        }
    }
}
