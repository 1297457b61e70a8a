use std::borrow::Cow;

use super::caller::Caller;
use crate::acl::Acl;
use crate::container::Container;
use crate::id::{ProjectId, UserId};
use crate::order::Order;
use crate::secret::Secret;

/// What a rule may know about the object it decides on; its attributes are named as the reference names
/// them (`target.secret.project_id`). An attribute that is not there makes a check fail.
#[derive(Debug, Clone, Default)]
pub struct PolicyTarget<'a> {
    kind: &'static str,
    project: Option<&'a ProjectId>,
    creator: Option<&'a UserId>,
    project_access: Option<bool>,
    listed_reader: bool,
}

impl<'a> PolicyTarget<'a> {
    /// For rules about no object in particular, such as creating or listing.
    pub fn none() -> Self {
        Self::default()
    }

    /// A secret, with its access control list when it has one.
    pub fn secret(secret: &'a Secret, acl: Option<&Acl>, caller: &Caller) -> Self {
        let Secret { project, creator, .. } = secret;
        Self {
            kind: "secret",
            project: Some(project),
            creator: creator.as_ref(),
            ..Self::listed(acl, caller)
        }
    }

    /// A container, with its access control list when it has one.
    pub fn container(container: &'a Container, acl: Option<&Acl>, caller: &Caller) -> Self {
        let Container { project, creator, .. } = container;
        Self {
            kind: "container",
            project: Some(project),
            creator: creator.as_ref(),
            ..Self::listed(acl, caller)
        }
    }

    /// An order.
    pub fn order(order: &'a Order) -> Self {
        Self { kind: "order", project: Some(&order.project), ..Self::default() }
    }

    /// What an access control list says: without one, the whole project may read and nobody is listed.
    fn listed(acl: Option<&Acl>, caller: &Caller) -> Self {
        let listed = |user| acl.is_some_and(|acl| acl.users.contains(user));
        Self {
            project_access: Some(acl.is_none_or(|acl| acl.project_access)),
            listed_reader: caller.user.as_ref().is_some_and(listed),
            ..Self::default()
        }
    }

    /// The attribute of that name.
    pub(super) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        let field = name.strip_prefix("target.")?.strip_prefix(self.kind)?.strip_prefix('.')?;
        match field {
            "project_id" => self.project.map(|id| Cow::Borrowed(id.as_str())),
            "creator_id" => self.creator.map(|id| Cow::Borrowed(id.as_str())),
            // Python's spelling of a Boolean: operators' own policy files compare with it.
            "read_project_access" => {
                self.project_access.map(|flag| Cow::Borrowed(if flag { "True" } else { "False" }))
            }
            "read" => self.listed_reader.then_some(Cow::Borrowed("read")),
            _ => None,
        }
    }
}
