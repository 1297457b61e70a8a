//! Access control lists: who besides the project may read one secret or container (spec section 11).

use serde::Serialize;

use crate::error::Violation;
use crate::id::UserId;
use crate::time::Timestamp;

/// Most users in one list.
const MAX_USERS: usize = 1000;

/// Who may read, and whether the whole project may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl {
    /// Users of any project who may read, whatever roles they hold; no user twice.
    pub users: Vec<UserId>,
    /// Whether the project's own roles give access; `false` makes the object private.
    pub project_access: bool,
    /// When the list was first set.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// What a caller wants an access control list to say. What is absent is left as it is, or is as by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AclRequest {
    /// Whether the project's own roles give access.
    pub project_access: Option<bool>,
    /// The whole list of users.
    pub users: Option<Users>,
}

/// Users without repetition, in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users(Vec<UserId>);

impl Users {
    /// Drops repetitions, and refuses a list that is too long.
    pub fn new(given: impl IntoIterator<Item = UserId>) -> Result<Self, Violation> {
        let mut users = Vec::new();
        for user in given {
            if !users.contains(&user) {
                users.push(user);
            }
            if users.len() > MAX_USERS {
                return Err(Violation::new("users", "has more than 1000 entries"));
            }
        }
        Ok(Self(users))
    }
}

impl AclRequest {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The list that results. `old` is what merging starts from; replacing starts from nothing.
    pub(crate) fn applied_to(self, old: Option<&Acl>, now: Timestamp) -> Acl {
        Acl {
            users: self
                .users
                .map_or_else(|| old.map(|acl| acl.users.clone()).unwrap_or_default(), |given| given.0),
            project_access: self.project_access.unwrap_or(old.is_none_or(|acl| acl.project_access)),
            created: old.map_or(now, |acl| acl.created),
            updated: now,
        }
    }
}

/// Who gained and who lost access by a change of an access control list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AccessChange {
    /// Users who may read now and could not before.
    pub gained: Vec<UserId>,
    /// Users who could read before and may not now.
    pub lost: Vec<UserId>,
    /// Whether the project's roles give access now, when that has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_access: Option<bool>,
}

impl AccessChange {
    /// The difference between two lists; absent is the default list.
    pub(crate) fn between(old: Option<&Acl>, new: Option<&Acl>) -> Self {
        let users = |acl: Option<&Acl>| acl.map(|acl| acl.users.clone()).unwrap_or_default();
        let project = |acl: Option<&Acl>| acl.is_none_or(|acl| acl.project_access);
        let (before, after) = (users(old), users(new));
        let missing_in = |list: &[UserId], user: &UserId| !list.contains(user);
        Self {
            gained: after.iter().filter(|user| missing_in(&before, user)).cloned().collect(),
            lost: before.iter().filter(|user| missing_in(&after, user)).cloned().collect(),
            project_access: (project(old) != project(new)).then(|| project(new)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000).unwrap()
    }

    #[test]
    fn replacing_starts_from_the_default_and_merging_from_what_is_there() {
        let ask = |project_access, names: Option<&[&str]>| AclRequest {
            project_access,
            users: names.map(|names| Users::new(names.iter().copied().map(user)).unwrap()),
        };
        let first = ask(Some(false), Some(&["a", "b", "a"])).applied_to(None, at(1));
        assert_eq!((first.users.len(), first.project_access), (2, false));
        let merged = ask(None, Some(&["c"])).applied_to(Some(&first), at(2));
        assert_eq!((merged.users, merged.project_access), (vec![user("c")], false));
        assert_eq!((merged.created, merged.updated), (at(1), at(2)));
        let replaced = ask(None, None).applied_to(None, at(3));
        assert_eq!((replaced.users, replaced.project_access), (vec![], true));
    }

    #[test]
    fn a_change_tells_who_gained_and_who_lost() {
        let acl = |names: &[&str], project_access| Acl {
            users: names.iter().copied().map(user).collect(),
            project_access,
            created: at(1),
            updated: at(1),
        };
        let change = AccessChange::between(Some(&acl(&["a", "b"], true)), Some(&acl(&["b", "c"], false)));
        assert_eq!(change.gained, [user("c")]);
        assert_eq!(change.lost, [user("a")]);
        assert_eq!(change.project_access, Some(false));
        assert_eq!(AccessChange::between(None, Some(&acl(&[], true))), AccessChange::default());
    }
}
