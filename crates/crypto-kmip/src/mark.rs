//! Whose an object is, as the server is told with the object: so that what a crash left behind is found again, and
//! nothing else is taken for it.
//!
//! A deployment is told by the object that was its newest master key then. Whoever has that master key has these
//! objects; another deployment on the same server has another one.

use strongroom_core::audit::Target;
use strongroom_core::disposal::Owner;
use strongroom_core::{OrderId, SecretId};

use crate::protocol::Mark;

/// A mark in the making.
pub(crate) struct Whose {
    pub(crate) deployment: String,
    pub(crate) purpose: String,
}

impl Whose {
    pub(crate) fn mark(&self) -> Mark<'_> {
        Mark { deployment: &self.deployment, purpose: &self.purpose }
    }
}

/// What an object is made for, as it is written into its mark.
pub(crate) fn purpose(owner: Owner) -> String {
    Target::from(owner).to_string()
}

/// What an object was made for, by its mark.
pub(crate) fn owner(purpose: &str) -> Option<Owner> {
    let (kind, id) = purpose.split_once('/')?;
    match kind {
        "secret" => SecretId::parse(id).ok().map(Owner::Secret),
        "order" => OrderId::parse(id).ok().map(Owner::Order),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_read_back_and_others_do_not() {
        for of in [Owner::Secret(SecretId::random()), Owner::Order(OrderId::random())] {
            assert_eq!(owner(&purpose(of)), Some(of));
        }
        for other in ["", "secret", "secret/", "secret/1", "key/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f"] {
            assert_eq!(owner(other), None, "{other}");
        }
    }
}
