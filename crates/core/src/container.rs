//! Containers: secrets that belong together, under names (spec section 9).

use std::collections::HashSet;
use std::fmt;

use crate::error::Violation;
use crate::id::{ContainerId, ProjectId, SecretId, UserId};
use crate::secret::{Label, Paging};
use crate::time::Timestamp;

/// What a container holds, which decides the names its members have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerType {
    /// Anything.
    Generic,
    /// An RSA key pair.
    Rsa,
    /// A certificate and what goes with it.
    Certificate,
    /// A DSA key pair; made by orders only.
    Dsa,
    /// An elliptic-curve or Edwards-curve key pair; made by orders only.
    Ec,
}

impl ContainerType {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Generic, Self::Rsa, Self::Certificate, Self::Dsa, Self::Ec];

    /// The name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Rsa => "rsa",
            Self::Certificate => "certificate",
            Self::Dsa => "dsa",
            Self::Ec => "ec",
        }
    }

    /// A type that a caller may ask for.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        Self::OFFERED
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or(Violation::new("type", "is none of generic, rsa, certificate"))
    }

    /// Those that clients can make; the others are made by orders.
    pub const OFFERED: [Self; 3] = [Self::Generic, Self::Rsa, Self::Certificate];

    /// The stored name read back.
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// The names that must be there and those that may be; `None` when any name may.
    fn names(self) -> Option<(&'static [&'static str], &'static [&'static str])> {
        match self {
            Self::Generic => None,
            Self::Rsa | Self::Dsa | Self::Ec => {
                Some((&["public_key", "private_key"], &["private_key_passphrase"]))
            }
            Self::Certificate => {
                Some((&["certificate"], &["private_key", "private_key_passphrase", "intermediates"]))
            }
        }
    }
}

impl fmt::Display for ContainerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret in a container, under a name or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name; need not be there in a generic container.
    pub name: Option<Label>,
    /// The secret.
    pub secret: SecretId,
}

impl Member {
    /// The name, by which members differ; to have none is to have the empty one.
    pub fn name_or_empty(&self) -> &str {
        self.name.as_ref().map_or("", Label::as_str)
    }
}

/// A container with its members, in the order in which they were put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its id, made by the key manager.
    pub id: ContainerId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// The user who created it.
    pub creator: Option<UserId>,
    /// Its name, not necessarily unique.
    pub name: Option<Label>,
    /// What it holds.
    pub container_type: ContainerType,
    /// What is in it. A member whose secret has expired is still listed.
    pub members: Vec<Member>,
    /// When it was created.
    pub created: Timestamp,
    /// When its ACL or consumers last changed.
    pub updated: Timestamp,
}

/// A container about to be made, its members' names already checked.
#[derive(Debug, Clone)]
pub struct NewContainer {
    pub(crate) name: Option<Label>,
    pub(crate) container_type: ContainerType,
    pub(crate) members: Vec<Member>,
}

impl NewContainer {
    /// Checks the members (spec section 9.2): names differ, secrets differ, and the names are those that
    /// the type wants. A container without members is allowed for every type.
    pub fn new(
        container_type: ContainerType,
        name: Option<Label>,
        members: Vec<Member>,
    ) -> Result<Self, Violation> {
        let mut names = HashSet::new();
        if !members.iter().all(|member| names.insert(member.name_or_empty())) {
            return Err(Violation::new("secret_refs", "has a name twice"));
        }
        let mut secrets = HashSet::new();
        if !members.iter().all(|member| secrets.insert(member.secret)) {
            return Err(Violation::new("secret_refs", "has a secret twice"));
        }
        if let Some((required, optional)) = container_type.names().filter(|_| !members.is_empty()) {
            if !required.iter().all(|name| names.contains(name)) {
                return Err(Violation::new(
                    "secret_refs",
                    "lacks a member that this type of container needs",
                ));
            }
            if !names.iter().all(|name| required.contains(name) || optional.contains(name)) {
                return Err(Violation::new(
                    "secret_refs",
                    "has a name that this type of container does not know",
                ));
            }
        }
        drop(names);
        Ok(Self { name, container_type, members })
    }
}

/// Which containers to list, in order of creation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerQuery {
    /// Name pattern in the language of SQL `LIKE`.
    pub name: Option<String>,
    /// Exact type; one that does not exist matches nothing.
    pub container_type: Option<String>,
    /// Which part of the matches.
    pub paging: Paging,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(container_type: ContainerType, names: &[Option<&str>]) -> Result<NewContainer, Violation> {
        let member = |name: Option<&str>| Member {
            name: name.map(|name| Label::new("name", name).unwrap()),
            secret: SecretId::random(),
        };
        NewContainer::new(container_type, None, names.iter().copied().map(member).collect())
    }

    #[test]
    fn each_type_has_its_names() {
        use ContainerType::{Certificate, Generic, Rsa};
        for (container_type, names) in [
            (Generic, &[][..]),
            (Rsa, &[]),
            (Certificate, &[]),
            (Generic, &[None, Some("any")]),
            (Rsa, &[Some("public_key"), Some("private_key")]),
            (Rsa, &[Some("public_key"), Some("private_key"), Some("private_key_passphrase")]),
            (Certificate, &[Some("certificate"), Some("intermediates")]),
        ] {
            assert!(make(container_type, names).is_ok(), "{container_type} {names:?}");
        }
        for (container_type, names) in [
            (Generic, &[None, None][..]),
            (Generic, &[None, Some("")]),
            (Generic, &[Some("a"), Some("a")]),
            (Rsa, &[Some("public_key")]),
            (Rsa, &[Some("public_key"), Some("private_key"), Some("other")]),
            (Rsa, &[Some("public_key"), Some("private_key"), None]),
            (Certificate, &[Some("private_key")]),
        ] {
            assert!(make(container_type, names).is_err(), "{container_type} {names:?}");
        }
    }

    #[test]
    fn a_secret_is_in_a_new_container_once() {
        let secret = SecretId::random();
        let member = |name| Member { name: Some(Label::new("name", name).unwrap()), secret };
        assert!(NewContainer::new(ContainerType::Generic, None, vec![member("a"), member("b")]).is_err());
    }

    #[test]
    fn callers_can_ask_for_three_types() {
        assert!(ContainerType::parse("rsa").is_ok());
        assert!(ContainerType::parse("dsa").is_err());
        assert!(ContainerType::parse("Generic").is_err());
        assert_eq!(ContainerType::from_stored("dsa"), Some(ContainerType::Dsa));
    }
}
