use serde::Serialize;

use crate::id::{ProjectId, UserId};

/// Most roles a caller may bring; more is a sign of an attack on the audit journal's size.
pub const MAX_ROLES: usize = 64;
/// Longest role name in characters.
const MAX_ROLE: usize = 255;

/// Who is calling, as an identity source has found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// The user; absent in the unauthenticated mode when none was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The project the caller acts in; absent for an anonymous caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The roles held in that project.
    pub roles: Roles,
    /// Which identity source let the caller in.
    pub source: IdentitySource,
}

/// Which identity source let a caller in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IdentitySource {
    /// Nobody was identified.
    Anonymous,
    /// The request's headers were believed (unauthenticated-context mode, loopback only).
    Unauthenticated,
    /// Keystone knows the token (`X-Auth-Token`).
    Keystone,
    /// A signed token whose issuer is trusted (`Authorization: Bearer`).
    Jwt,
    /// A client certificate that the TLS listener has verified.
    Certificate,
    /// Nobody calls now: the service carries out an order that was placed earlier.
    Order,
    /// The embedding program vouches for its own call.
    Embedded,
    /// The operator's tool, which runs on the service's own machine with the service's own rights, by the name of who
    /// ran it.
    Operator,
}

impl Caller {
    /// Nobody in particular: no user, no project, no roles.
    pub fn anonymous() -> Self {
        Self { user: None, project: None, roles: Roles::default(), source: IdentitySource::Anonymous }
    }

    /// An operator, who is not asked for roles: whoever runs the tool has the keys.
    pub(crate) fn operator(name: UserId) -> Self {
        Self { user: Some(name), project: None, roles: Roles::default(), source: IdentitySource::Operator }
    }

    /// The embedding program's own caller: a member of `project`, as `user`.
    pub fn embedded(project: ProjectId, user: UserId) -> Self {
        Self {
            user: Some(user),
            project: Some(project),
            roles: Roles::new(["member", "reader"]),
            source: IdentitySource::Embedded,
        }
    }
}

/// Role names in lower case: they compare without regard to case (spec section 12.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Roles(Vec<String>);

impl Roles {
    /// Lower-cases and trims; empty names and what exceeds the bounds are left out.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().map(str::trim);
        let sound = names.filter(|name| !name.is_empty() && name.len() <= MAX_ROLE);
        Self(sound.take(MAX_ROLES).map(str::to_lowercase).collect())
    }

    /// Whether a role of that name, in any case, is held.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|held| held.eq_ignore_ascii_case(name) || *held == name.to_lowercase())
    }

    /// The role names in lower case.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}
