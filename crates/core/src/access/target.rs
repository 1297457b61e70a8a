use std::borrow::Cow;

use super::caller::Caller;
use crate::id::{ProjectId, UserId};
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

    /// A secret that has no ACL: its whole project may read it, and nobody is listed.
    pub fn secret(secret: &'a Secret, _caller: &Caller) -> Self {
        Self {
            kind: "secret",
            project: Some(&secret.project),
            creator: secret.creator.as_ref(),
            project_access: Some(true),
            listed_reader: false,
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
