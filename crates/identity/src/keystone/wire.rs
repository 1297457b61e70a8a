//! What is said to Keystone, and what it says (Identity API v3, "Authentication and token management").

use bytes::Bytes;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_core::access::IdentitySource;
use strongroom_core::{Caller, ProjectId, Roles, Timestamp, UserId};

use super::settings::{KeystoneSettings, Named};

/// What the service's own token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// What the user may do in its project, such as validating tokens.
    Project,
    /// What it may do in the whole system, such as looking up projects and users.
    System,
}

/// The request for the service's own token.
pub(super) fn login(settings: &KeystoneSettings, scope: Scope) -> Bytes {
    let mut user = reference(&settings.user, &settings.user_domain);
    if let Some(fields) = user.as_object_mut() {
        fields.insert("password".to_owned(), settings.password.expose_secret().into());
    }
    let scope = match scope {
        Scope::Project => json!({"project": reference(&settings.project, &settings.project_domain)}),
        Scope::System => json!({"system": {"all": true}}),
    };
    let identity = json!({"methods": ["password"], "password": {"user": user}});
    json!({"auth": {"identity": identity, "scope": scope}}).to_string().into()
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

/// Whether a project or a user may be used, by the answer about it; `None` when it is no such answer, or one about
/// another.
pub(super) fn read_enabled(what: &str, id: &str, body: &[u8]) -> Option<bool> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let about = body.get(what)?;
    if about.get("id")?.as_str()? == id { about.get("enabled")?.as_bool() } else { None }
}

/// Whether an answer says of that id that there is no such thing. Something between here and Keystone, or a wrong
/// URL, gives the same status for everything.
pub(super) fn denies(id: &str, body: &[u8]) -> bool {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let error = body.as_ref().and_then(|body| body.get("error"));
    let message =
        error.filter(|error| error.get("code") == Some(&json!(404))).and_then(|error| error.get("message"));
    message.and_then(Value::as_str).is_some_and(|message| message.contains(id))
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
    fn only_what_keystone_says_of_that_very_id_is_believed() {
        let about = |id: &str, enabled: Value| json!({"project": {"id": id, "enabled": enabled}}).to_string();
        let enabled = |body: &str| read_enabled("project", "p1", body.as_bytes());
        assert_eq!(enabled(&about("p1", json!(true))), Some(true));
        assert_eq!(enabled(&about("p1", json!(false))), Some(false));
        for no_answer in [&about("p2", json!(false)), &about("p1", json!("no")), "{}", "", "<html>"] {
            assert_eq!(enabled(no_answer), None, "{no_answer}");
        }
        let error =
            |code: u16, message: &str| json!({"error": {"code": code, "message": message}}).to_string();
        assert!(denies("p1", error(404, "Could not find project: p1.").as_bytes()));
        for (code, message) in [(404, "The requested URL was not found"), (403, "not allowed: p1"), (404, "")]
        {
            assert!(!denies("p1", error(code, message).as_bytes()), "{message}");
        }
        assert!(!denies("p1", b"<html>p1 not found</html>"));
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
