//! Which resource a path names and what can be done with it (spec section 1).

use http::Method;
use matchit::{InsertError, Router};
use percent_encoding::percent_decode_str;
use strongroom_core::audit::Target;
use strongroom_core::{Error, Id, Missing, Object, ProjectId};

use crate::operation::Operation;

/// A resource under `/v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    Version,
    Secrets,
    Secret,
    Payload,
    Metadata,
    Metadatum,
    Containers,
    Container,
    Members,
    Acl(Kind),
    Consumers(Kind),
    Consumer(Kind),
    Orders,
    Order,
    Quotas,
    ProjectQuotas,
    ProjectQuota,
    SecretStores,
    GlobalDefaultStore,
    PreferredStore,
    SecretStore,
    StorePreference,
    /// Anything else under a store.
    StorePart,
    /// What would be a store, or of one, if there were several.
    NoStore,
    TransportKeys,
    TransportKey,
}

/// What has access control lists and consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Secret,
    Container,
}

/// The names that a path gives: `{id}` and `{part}` below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    id: String,
    part: String,
}

/// The paths under `/v1`.
#[derive(Debug, Clone)]
pub(crate) struct Routes(Router<(&'static str, Resource)>);

/// Every path.
pub(crate) const PATHS: &[(&str, Resource)] = &[
    ("/v1", Resource::Version),
    ("/v1/secrets", Resource::Secrets),
    ("/v1/secrets/{id}", Resource::Secret),
    ("/v1/secrets/{id}/payload", Resource::Payload),
    ("/v1/secrets/{id}/metadata", Resource::Metadata),
    ("/v1/secrets/{id}/metadata/{part}", Resource::Metadatum),
    ("/v1/secrets/{id}/acl", Resource::Acl(Kind::Secret)),
    ("/v1/secrets/{id}/consumers", Resource::Consumers(Kind::Secret)),
    ("/v1/secrets/{id}/consumers/{part}", Resource::Consumer(Kind::Secret)),
    ("/v1/containers", Resource::Containers),
    ("/v1/containers/{id}", Resource::Container),
    ("/v1/containers/{id}/acl", Resource::Acl(Kind::Container)),
    ("/v1/containers/{id}/consumers", Resource::Consumers(Kind::Container)),
    ("/v1/containers/{id}/consumers/{part}", Resource::Consumer(Kind::Container)),
    ("/v1/containers/{id}/secrets", Resource::Members),
    // What follows is ignored, as in the reference.
    ("/v1/containers/{id}/secrets/{*rest}", Resource::Members),
    ("/v1/orders", Resource::Orders),
    ("/v1/orders/{id}", Resource::Order),
    ("/v1/quotas", Resource::Quotas),
    ("/v1/project-quotas", Resource::ProjectQuotas),
    ("/v1/project-quotas/{id}", Resource::ProjectQuota),
    ("/v1/secret-stores", Resource::SecretStores),
    ("/v1/secret-stores/global-default", Resource::GlobalDefaultStore),
    ("/v1/secret-stores/preferred", Resource::PreferredStore),
    ("/v1/secret-stores/{id}", Resource::SecretStore),
    ("/v1/secret-stores/{id}/preferred", Resource::StorePreference),
    ("/v1/secret-stores/{id}/{*rest}", Resource::StorePart),
    ("/v1/transport_keys", Resource::TransportKeys),
    ("/v1/transport_keys/{id}", Resource::TransportKey),
];

impl Routes {
    pub(crate) fn new() -> Result<Self, InsertError> {
        let mut router = Router::new();
        PATHS.iter().try_for_each(|(path, resource)| router.insert(*path, (*path, *resource)))?;
        Ok(Self(router))
    }

    /// The resource of a path, and the path's template; slashes may be repeated, and one may trail.
    pub(crate) fn find(&self, path: &str) -> Option<(&'static str, Resource, Names)> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let path = format!("/{}", segments.join("/"));
        let found = self.0.at(&path).ok()?;
        let name = |name| {
            let raw = found.params.get(name).unwrap_or_default();
            percent_decode_str(raw).decode_utf8_lossy().into_owned()
        };
        let (template, resource) = *found.value;
        Some((template, resource, Names { id: name("id"), part: name("part") }))
    }
}

impl Names {
    /// The resource's id.
    pub(crate) fn id<K>(&self) -> Result<Id<K>, Error> {
        Id::parse(&self.id).map_err(|_| Error::NotFound(Missing::InvalidId))
    }

    /// The secret or container.
    pub(crate) fn object(&self, kind: Kind) -> Result<Object, Error> {
        match kind {
            Kind::Secret => self.id().map(Object::Secret),
            Kind::Container => self.id().map(Object::Container),
        }
    }

    /// The resource's name, where it need not be an id.
    pub(crate) fn name(&self) -> &str {
        &self.id
    }

    /// The id of something that belongs to the resource.
    pub(crate) fn part_id<K>(&self) -> Result<Id<K>, Error> {
        Id::parse(&self.part).map_err(|_| Error::NotFound(Missing::InvalidId))
    }

    /// The name of something that belongs to the resource.
    pub(crate) fn part(&self) -> &str {
        &self.part
    }
}

impl Resource {
    /// The resource where clients can't choose among stores: those that a path names are not there.
    pub(crate) fn without_stores(self) -> Self {
        match self {
            Self::SecretStore | Self::StorePreference | Self::StorePart => Self::NoStore,
            other => other,
        }
    }

    /// What the method asks for; `None` when the resource has no such method.
    pub(crate) fn operation(self, method: &Method) -> Option<Operation> {
        Some(match (self, method.as_str()) {
            (Self::Version, "GET") => Operation::VersionRead,
            (Self::Secrets, "GET") => Operation::SecretList,
            (Self::Secrets, "POST") => Operation::SecretCreate,
            (Self::Secret, "GET") => Operation::SecretRead,
            (Self::Secret, "PUT") => Operation::PayloadStore,
            (Self::Secret, "DELETE") => Operation::SecretDelete,
            (Self::Payload, "GET") => Operation::PayloadRead,
            (Self::Metadata, "GET") => Operation::MetadataRead,
            (Self::Metadata, "PUT") => Operation::MetadataReplace,
            (Self::Metadata, "POST") => Operation::MetadatumAdd,
            (Self::Metadatum, "GET") => Operation::MetadatumRead,
            (Self::Metadatum, "PUT") => Operation::MetadatumSet,
            (Self::Metadatum, "DELETE") => Operation::MetadatumRemove,
            (Self::Acl(kind), "GET") => Operation::AclRead(kind),
            (Self::Acl(kind), "PUT") => Operation::AclReplace(kind),
            (Self::Acl(kind), "PATCH") => Operation::AclMerge(kind),
            (Self::Acl(kind), "DELETE") => Operation::AclRemove(kind),
            (Self::Consumers(kind), "GET") => Operation::ConsumerList(kind),
            (Self::Consumers(kind), "POST") => Operation::ConsumerAdd(kind),
            (Self::Consumers(kind), "DELETE") => Operation::ConsumerRemove(kind),
            (Self::Consumer(kind), "GET") => Operation::ConsumerRead(kind),
            (Self::Containers, "GET") => Operation::ContainerList,
            (Self::Containers, "POST") => Operation::ContainerCreate,
            (Self::Container, "GET") => Operation::ContainerRead,
            (Self::Container, "DELETE") => Operation::ContainerDelete,
            (Self::Members, "POST") => Operation::MemberAdd,
            (Self::Members, "DELETE") => Operation::MemberRemove,
            (Self::Orders, "GET") => Operation::OrderList,
            (Self::Orders, "POST") => Operation::OrderPlace,
            (Self::Orders, "PUT") => Operation::OrdersUpdate,
            (Self::Order, "GET") => Operation::OrderRead,
            (Self::Order, "DELETE") => Operation::OrderDelete,
            (Self::Quotas, "GET") => Operation::QuotasRead,
            (Self::ProjectQuotas, "GET") => Operation::ProjectQuotasList,
            (Self::ProjectQuota, "GET") => Operation::ProjectQuotasRead,
            (Self::ProjectQuota, "PUT") => Operation::ProjectQuotasSet,
            (Self::ProjectQuota, "DELETE") => Operation::ProjectQuotasRemove,
            (Self::SecretStores, "GET") => Operation::StoreList,
            (Self::GlobalDefaultStore, "GET") => Operation::StoreDefault,
            (Self::PreferredStore, "GET") => Operation::StorePreferred,
            (Self::SecretStore, "GET") => Operation::StoreRead,
            (Self::StorePreference, "POST") => Operation::StorePrefer,
            (Self::StorePreference, "DELETE") => Operation::StorePreferenceForget,
            (Self::NoStore, "POST" | "DELETE") => Operation::NoStoreChoose,
            (Self::NoStore, _) => Operation::NoStoreRead,
            (Self::TransportKeys, "GET") => Operation::TransportKeyList,
            (Self::TransportKeys, "POST") => Operation::TransportKeyCreate,
            (Self::TransportKey, "GET") => Operation::TransportKeyRead,
            (Self::TransportKey, "DELETE") => Operation::TransportKeyDelete,
            _ => return None,
        })
    }

    /// What the record calls the resource, when it has a name of its own there.
    pub(crate) fn target(self, names: &Names) -> Option<Target> {
        match self {
            Self::Secret | Self::Payload | Self::Metadata | Self::Metadatum => {
                names.id().ok().map(Target::Secret)
            }
            Self::Container | Self::Members => names.id().ok().map(Target::Container),
            Self::Acl(kind) | Self::Consumers(kind) | Self::Consumer(kind) => {
                names.object(kind).ok().map(Target::from)
            }
            Self::Order => names.id().ok().map(Target::Order),
            Self::SecretStore | Self::StorePreference => names.id().ok().map(Target::SecretStore),
            Self::TransportKey => names.id().ok().map(Target::TransportKey),
            Self::ProjectQuota => {
                ProjectId::new(names.name()).ok().map(|project| Target::Quotas(project.to_string()))
            }
            Self::Version
            | Self::Secrets
            | Self::Containers
            | Self::Orders
            | Self::Quotas
            | Self::ProjectQuotas
            | Self::SecretStores
            | Self::GlobalDefaultStore
            | Self::PreferredStore
            | Self::StorePart
            | Self::NoStore
            | Self::TransportKeys => None,
        }
    }

    /// The methods to list in `Allow`, in alphabetical order. Some resources list none, as in the
    /// reference.
    pub(crate) fn allow(self) -> Option<&'static str> {
        match self {
            Self::Secrets | Self::Containers | Self::Orders | Self::TransportKeys => Some("GET, POST"),
            Self::Secret | Self::ProjectQuota => Some("DELETE, GET, PUT"),
            Self::Metadata => Some("GET, POST, PUT"),
            Self::Container | Self::Order | Self::TransportKey => Some("DELETE, GET"),
            Self::Members | Self::StorePreference => Some("DELETE, POST"),
            Self::Acl(_) => Some("DELETE, GET, PATCH, PUT"),
            Self::Consumers(_) => Some("DELETE, GET, POST"),
            Self::Version
            | Self::Consumer(_)
            | Self::Quotas
            | Self::ProjectQuotas
            | Self::SecretStores
            | Self::GlobalDefaultStore
            | Self::PreferredStore
            | Self::SecretStore => Some("GET"),
            Self::Payload | Self::Metadatum | Self::StorePart | Self::NoStore => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_resources() {
        let routes = Routes::new().unwrap();
        for (path, resource, id, part) in [
            ("/v1", Resource::Version, "", ""),
            ("/v1/", Resource::Version, "", ""),
            ("/v1//secrets///", Resource::Secrets, "", ""),
            ("/v1/secrets/a", Resource::Secret, "a", ""),
            ("/v1/secrets/a/payload/", Resource::Payload, "a", ""),
            ("/v1/secrets/a/metadata", Resource::Metadata, "a", ""),
            ("/v1/secrets/a/metadata/k%20k", Resource::Metadatum, "a", "k k"),
            ("/v1/secrets/a/acl", Resource::Acl(Kind::Secret), "a", ""),
            ("/v1/containers/a/consumers/b/", Resource::Consumer(Kind::Container), "a", "b"),
            ("/v1/containers/a/secrets", Resource::Members, "a", ""),
            ("/v1/containers/a/secrets/b/c", Resource::Members, "a", ""),
            ("/v1/project-quotas/a%2Fb", Resource::ProjectQuota, "a/b", ""),
            ("/v1/secret-stores/preferred", Resource::PreferredStore, "", ""),
            ("/v1/secret-stores/a/preferred", Resource::StorePreference, "a", ""),
            ("/v1/secret-stores/preferred/x", Resource::StorePart, "preferred", ""),
            ("/v1/transport_keys/a", Resource::TransportKey, "a", ""),
        ] {
            let names = Names { id: id.to_owned(), part: part.to_owned() };
            let found = routes.find(path).map(|(_, resource, names)| (resource, names));
            assert_eq!(found, Some((resource, names)), "{path}");
        }
        for path in [
            "/v1/foo",
            "/v1/transport-keys",
            "/v1/cas",
            "/v1/secrets/a/foo",
            "/v1/secrets/a/acl/x",
            "/v1/secrets/a/payload/x",
            "/v1/secrets/a/metadata/a/b",
            "/v1/containers/a/foo",
            "/v1/orders/a/b",
        ] {
            assert_eq!(routes.find(path), None, "{path}");
        }
    }

    #[test]
    fn every_listed_method_exists_and_no_other() {
        for (path, resource) in PATHS {
            let Some(listed) = resource.allow() else { continue };
            let mut listed: Vec<_> = listed.split(", ").collect();
            assert!(listed.is_sorted(), "{path}");
            // Known, and refused to everybody.
            listed.extend((*resource == Resource::Orders).then_some("PUT"));
            for method in ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"] {
                let has = resource.operation(&method.parse().unwrap()).is_some();
                assert_eq!(has, listed.contains(&method), "{path} {method}");
            }
        }
    }
}
