use serde_json::Value;
use strongroom_core::access::IdentitySource;
use strongroom_core::{Caller, ProjectId, Roles, UserId};
use thiserror::Error;

/// Where in a token's claims something is: a JSON pointer (RFC 6901), or names with dots between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath(String);

/// A text that leads to no claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("neither a JSON pointer, such as \"/realm_access/roles\", nor names with dots between them")]
pub struct InvalidClaimPath;

impl ClaimPath {
    /// Reads a JSON pointer when the text begins with a slash, and otherwise a dotted path.
    pub fn new(text: &str) -> Result<Self, InvalidClaimPath> {
        if text.starts_with('/') {
            return Ok(Self(text.to_owned()));
        }
        let parts: Vec<_> = text.split('.').collect();
        if parts.contains(&"") {
            return Err(InvalidClaimPath);
        }
        let escaped = parts.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1")));
        Ok(Self(escaped.collect()))
    }

    /// What is there; a `null` is nothing.
    fn find<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        claims.pointer(&self.0).filter(|found| !found.is_null())
    }
}

/// Where a token says who the caller is, and what holds when it does not say.
#[derive(Debug, Clone)]
pub struct Claims {
    /// The user's id, a text.
    pub user: ClaimPath,
    /// The project's id, a text.
    pub project: Option<ClaimPath>,
    /// Roles: a list of texts, or one text with spaces or commas between them.
    pub roles: Option<ClaimPath>,
    /// The project of tokens that name none; without it they are refused.
    pub default_project: Option<ProjectId>,
    /// The roles of tokens that name none.
    pub default_roles: Roles,
}

impl Claims {
    /// Whom the claims stand for. What is there in another form than expected is a refusal, not an absence.
    pub(super) fn caller(&self, claims: &Value) -> Option<Caller> {
        let user = UserId::new(self.user.find(claims)?.as_str()?).ok()?;
        let project = match self.project.as_ref().and_then(|path| path.find(claims)) {
            Some(named) => ProjectId::new(named.as_str()?).ok()?,
            None => self.default_project.clone()?,
        };
        let roles = match self.roles.as_ref().and_then(|path| path.find(claims)) {
            Some(named) => roles(named)?,
            None => self.default_roles.clone(),
        };
        Some(Caller { user: Some(user), project: Some(project), roles, source: IdentitySource::Jwt })
    }
}

fn roles(named: &Value) -> Option<Roles> {
    match named {
        Value::String(text) => Some(Roles::new(text.split([' ', ',']))),
        Value::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
            Some(Roles::new(texts?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> ClaimPath {
        ClaimPath::new(text).unwrap()
    }

    fn mapping() -> Claims {
        Claims {
            user: path("sub"),
            project: Some(path("cloud.project")),
            roles: Some(path("/realm_access/roles")),
            default_project: None,
            default_roles: Roles::default(),
        }
    }

    fn claims() -> Value {
        json!({"sub": "ada", "cloud": {"project": "p"}, "realm_access": {"roles": ["Member", "reader"]}})
    }

    #[test]
    fn paths_lead_through_objects() {
        let claims = json!({"a": {"b": 1, "x/y": 2}, "https://a.example/roles": 3});
        for (text, found) in [("a.b", 1), ("/a/b", 1), ("a.x/y", 2), ("/https:~1~1a.example~1roles", 3)] {
            assert_eq!(path(text).find(&claims), Some(&json!(found)), "{text}");
        }
        for text in ["", ".", "a.", ".a", "a..b"] {
            assert_eq!(ClaimPath::new(text), Err(InvalidClaimPath), "{text}");
        }
    }

    #[test]
    fn claims_name_user_project_and_roles() {
        let caller = mapping().caller(&claims()).unwrap();
        assert_eq!((caller.user.unwrap().as_str(), caller.project.unwrap().as_str()), ("ada", "p"));
        assert_eq!(caller.roles.names(), ["member", "reader"]);
        assert_eq!(caller.source, IdentitySource::Jwt);
        let mut spaced = claims();
        spaced["realm_access"]["roles"] = json!("member reader,audit");
        assert_eq!(mapping().caller(&spaced).unwrap().roles.names(), ["member", "reader", "audit"]);
    }

    #[test]
    fn defaults_stand_in_for_what_is_absent_and_for_nothing_else() {
        let absent = json!({"sub": "ada", "cloud": {"project": null}});
        assert_eq!(mapping().caller(&absent), None);
        let defaults = Claims {
            default_project: Some(ProjectId::new("common").unwrap()),
            default_roles: Roles::new(["reader"]),
            ..mapping()
        };
        let caller = defaults.caller(&absent).unwrap();
        assert_eq!(
            (caller.project.unwrap().as_str(), caller.roles.names()),
            ("common", &["reader".to_owned()][..])
        );
        for (pointer, value) in [
            ("/sub", json!(null)),
            ("/sub", json!(7)),
            ("/sub", json!("")),
            ("/sub", json!("a\nb")),
            ("/cloud/project", json!("")),
            ("/cloud/project", json!(["p"])),
            ("/cloud/project", json!("p".repeat(256))),
            ("/realm_access/roles", json!({"member": true})),
            ("/realm_access/roles", json!(["member", 7])),
            ("/realm_access/roles", json!(true)),
        ] {
            let mut odd = claims();
            *odd.pointer_mut(pointer).unwrap() = value;
            assert_eq!(defaults.caller(&odd), None, "{odd}");
        }
        // No roles is not the same as not telling.
        let mut none = claims();
        none["realm_access"]["roles"] = json!([]);
        assert!(defaults.caller(&none).unwrap().roles.names().is_empty());
    }
}
