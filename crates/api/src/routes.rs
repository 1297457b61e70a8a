//! Which resource a path names and what can be done with it (spec section 1).

use http::Method;
use matchit::{InsertError, Router};
use percent_encoding::percent_decode_str;

use crate::operation::{self, Operation};

/// A resource under `/v1`, with what the path says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    Version,
    Secrets,
    Secret(String),
    Payload(String),
    Metadata(String),
    Metadatum(String, String),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Version,
    Secrets,
    Secret,
    Payload,
    Metadata,
    Metadatum,
}

/// The paths under `/v1`.
#[derive(Debug, Clone)]
pub(crate) struct Routes(Router<Kind>);

impl Routes {
    pub(crate) fn new() -> Result<Self, InsertError> {
        let mut router = Router::new();
        router.insert("/v1", Kind::Version)?;
        router.insert("/v1/secrets", Kind::Secrets)?;
        router.insert("/v1/secrets/{id}", Kind::Secret)?;
        router.insert("/v1/secrets/{id}/payload", Kind::Payload)?;
        router.insert("/v1/secrets/{id}/metadata", Kind::Metadata)?;
        router.insert("/v1/secrets/{id}/metadata/{key}", Kind::Metadatum)?;
        Ok(Self(router))
    }

    /// The resource of a path; slashes may be repeated, and one may trail.
    pub(crate) fn find(&self, path: &str) -> Option<Resource> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let path = format!("/{}", segments.join("/"));
        let found = self.0.at(&path).ok()?;
        let segment = |name| {
            let raw = found.params.get(name).unwrap_or_default();
            percent_decode_str(raw).decode_utf8_lossy().into_owned()
        };
        Some(match found.value {
            Kind::Version => Resource::Version,
            Kind::Secrets => Resource::Secrets,
            Kind::Secret => Resource::Secret(segment("id")),
            Kind::Payload => Resource::Payload(segment("id")),
            Kind::Metadata => Resource::Metadata(segment("id")),
            Kind::Metadatum => Resource::Metadatum(segment("id"), segment("key")),
        })
    }
}

impl Resource {
    /// What the method asks for; `None` when the resource has no such method.
    pub(crate) fn operation(&self, method: &Method) -> Option<&'static Operation> {
        Some(match (self, method.as_str()) {
            (Self::Version, "GET") => &operation::VERSION_READ,
            (Self::Secrets, "GET") => &operation::SECRET_LIST,
            (Self::Secrets, "POST") => &operation::SECRET_CREATE,
            (Self::Secret(_), "GET") => &operation::SECRET_READ,
            (Self::Secret(_), "PUT") => &operation::PAYLOAD_STORE,
            (Self::Secret(_), "DELETE") => &operation::SECRET_DELETE,
            (Self::Payload(_), "GET") => &operation::PAYLOAD_READ,
            (Self::Metadata(_), "GET") => &operation::METADATA_READ,
            (Self::Metadata(_), "PUT") => &operation::METADATA_REPLACE,
            (Self::Metadata(_), "POST") => &operation::METADATUM_ADD,
            (Self::Metadatum(..), "GET") => &operation::METADATUM_READ,
            (Self::Metadatum(..), "PUT") => &operation::METADATUM_SET,
            (Self::Metadatum(..), "DELETE") => &operation::METADATUM_REMOVE,
            _ => return None,
        })
    }

    /// The methods to list in `Allow`, in alphabetical order. Two resources list none, as in the
    /// reference.
    pub(crate) fn allow(&self) -> Option<&'static str> {
        match self {
            Self::Version => Some("GET"),
            Self::Secrets => Some("GET, POST"),
            Self::Secret(_) => Some("DELETE, GET, PUT"),
            Self::Metadata(_) => Some("GET, POST, PUT"),
            Self::Payload(_) | Self::Metadatum(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_resources() {
        let routes = Routes::new().unwrap();
        let id = || "a".to_owned();
        for (path, resource) in [
            ("/v1", Some(Resource::Version)),
            ("/v1/", Some(Resource::Version)),
            ("/v1//secrets///", Some(Resource::Secrets)),
            ("/v1/secrets/a", Some(Resource::Secret(id()))),
            ("/v1/secrets/a/payload/", Some(Resource::Payload(id()))),
            ("/v1/secrets/a/metadata", Some(Resource::Metadata(id()))),
            ("/v1/secrets/a/metadata/k%20k", Some(Resource::Metadatum(id(), "k k".to_owned()))),
            ("/v1/foo", None),
            ("/v1/transport-keys", None),
            ("/v1/secrets/a/foo", None),
            ("/v1/secrets/a/payload/x", None),
            ("/v1/secrets/a/metadata/a/b", None),
        ] {
            assert_eq!(routes.find(path), resource, "{path}");
        }
    }

    #[test]
    fn every_listed_method_exists_and_no_other() {
        for resource in [
            Resource::Version,
            Resource::Secrets,
            Resource::Secret(String::new()),
            Resource::Metadata(String::new()),
        ] {
            let listed: Vec<_> = resource.allow().unwrap().split(", ").collect();
            for method in ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"] {
                let has = resource.operation(&method.parse().unwrap()).is_some();
                assert_eq!(has, listed.contains(&method), "{resource:?} {method}");
            }
        }
    }
}
