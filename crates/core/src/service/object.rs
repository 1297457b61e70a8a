//! Secrets and containers as the use cases that treat both alike see them.

use std::collections::HashMap;

use super::engine::Engine;
use crate::access::{Caller, PolicyTarget};
use crate::acl::Acl;
use crate::consumer::Use;
use crate::container::Container;
use crate::error::{Error, Missing};
use crate::id::{ContainerId, ProjectId, SecretId};
use crate::object::Object;
use crate::ports::{Reader, Writer};
use crate::secret::Secret;
use crate::time::Timestamp;

/// A secret or a container that is there, with its access control list.
pub(super) enum Found {
    Secret(Secret, Option<Acl>),
    Container(Container, Option<Acl>),
}

/// A secret and everybody who uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretView {
    /// The secret.
    pub secret: Secret,
    /// Who uses it, in the order of registration.
    pub uses: Vec<Use>,
}

/// A container and everybody who uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerView {
    /// The container.
    pub container: Container,
    /// Who uses it, by name.
    pub uses: Vec<Use>,
}

/// A secret or a container, and everybody who uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectView {
    /// A secret.
    Secret(SecretView),
    /// A container.
    Container(ContainerView),
}

/// Finds an object, unless it is missing or expired.
pub(super) fn find(reader: &mut dyn Reader, object: Object, now: Timestamp) -> Result<Found, Error> {
    match object {
        Object::Secret(id) => live_secret(reader, id, now).map(|(secret, acl)| Found::Secret(secret, acl)),
        Object::Container(id) => container(reader, id).map(|(found, acl)| Found::Container(found, acl)),
    }
}

/// Finds a secret with its access control list. An expired one does not exist for anybody (spec section 18).
pub(super) fn live_secret(
    reader: &mut dyn Reader,
    id: SecretId,
    now: Timestamp,
) -> Result<(Secret, Option<Acl>), Error> {
    let found = reader.secret(id)?.filter(|secret| !secret.is_expired(now));
    let secret = found.ok_or(Error::NotFound(Missing::Secret))?;
    Ok((secret, reader.acl(id.into())?))
}

/// Finds a container with its access control list.
pub(super) fn container(reader: &mut dyn Reader, id: ContainerId) -> Result<(Container, Option<Acl>), Error> {
    let container = reader.container(id)?.ok_or(Error::NotFound(Missing::Container))?;
    Ok((container, reader.acl(id.into())?))
}

/// Everybody who uses one object.
pub(super) fn uses_of(reader: &mut dyn Reader, object: Object) -> Result<Vec<Use>, Error> {
    Ok(reader.uses(&[object])?.remove(&object).unwrap_or_default())
}

impl Found {
    /// What an access rule may know about it.
    pub(super) fn target(&self, caller: &Caller) -> PolicyTarget<'_> {
        match self {
            Self::Secret(secret, acl) => PolicyTarget::secret(secret, acl.as_ref(), caller),
            Self::Container(container, acl) => PolicyTarget::container(container, acl.as_ref(), caller),
        }
    }

    /// The project it belongs to.
    pub(super) fn project(&self) -> &ProjectId {
        match self {
            Self::Secret(secret, _) => &secret.project,
            Self::Container(container, _) => &container.project,
        }
    }

    /// Its access control list.
    pub(super) fn acl(&self) -> Option<&Acl> {
        match self {
            Self::Secret(_, acl) | Self::Container(_, acl) => acl.as_ref(),
        }
    }

    /// It and everybody who uses it.
    pub(super) fn viewed(self, uses: Vec<Use>) -> ObjectView {
        match self {
            Self::Secret(secret, _) => ObjectView::Secret(SecretView { secret, uses }),
            Self::Container(container, _) => ObjectView::Container(ContainerView { container, uses }),
        }
    }
}

/// Sets when an object last changed.
pub(super) fn touch(writer: &mut dyn Writer, object: Object, now: Timestamp) -> Result<(), Error> {
    match object {
        Object::Secret(id) => writer.touch_secret(id, now)?,
        Object::Container(id) => writer.touch_container(id, now)?,
    }
    Ok(())
}

/// Puts beside each object everybody who uses it.
pub(super) fn with_uses<T, V>(
    mut uses: HashMap<Object, Vec<Use>>,
    objects: Vec<T>,
    id: impl Fn(&T) -> Object,
    view: impl Fn(T, Vec<Use>) -> V,
) -> Vec<V> {
    objects
        .into_iter()
        .map(|object| {
            let found = uses.remove(&id(&object)).unwrap_or_default();
            view(object, found)
        })
        .collect()
}

impl Engine {
    /// Finds an object in a state of its own.
    pub(super) async fn find(&self, object: Object) -> Result<Found, Error> {
        let now = self.clock.now();
        self.read(move |reader| find(reader, object, now)).await
    }
}
