//! What the API can be asked to do: the words that its error messages use, and the action that goes on
//! record.

use strongroom_core::audit::Action;

/// One thing that the API can be asked to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// For error messages (spec section 4.3).
    pub(crate) name: &'static str,
    /// The schema that a request body has to match; absent where no body is read.
    pub(crate) schema: Option<&'static str>,
    /// For the record.
    pub(crate) action: Action,
}

impl Operation {
    const fn new(name: &'static str, schema: Option<&'static str>, action: Action) -> Self {
        Self { name, schema, action }
    }
}

pub(crate) const VERSION_READ: Operation = Operation::new("Version retrieval", None, Action::VersionRead);
pub(crate) const SECRET_CREATE: Operation =
    Operation::new("Secret creation", Some("Secret"), Action::SecretCreate);
pub(crate) const SECRET_LIST: Operation = Operation::new("Secret(s) retrieval", None, Action::SecretList);
pub(crate) const SECRET_READ: Operation = Operation::new("Secret retrieval", None, Action::SecretRead);
pub(crate) const PAYLOAD_READ: Operation =
    Operation::new("Secret payload retrieval", None, Action::PayloadRead);
pub(crate) const PAYLOAD_STORE: Operation = Operation::new("Secret update", None, Action::PayloadStore);
pub(crate) const SECRET_DELETE: Operation = Operation::new("Secret deletion", None, Action::SecretDelete);
pub(crate) const METADATA_READ: Operation =
    Operation::new("Secret metadata retrieval", None, Action::MetadataRead);
pub(crate) const METADATA_REPLACE: Operation =
    Operation::new("Secret metadata creation", Some("SecretMetadata"), Action::MetadataUpdate);
pub(crate) const METADATUM_ADD: Operation =
    Operation::new("Secret metadatum creation", Some("SecretMetadatum"), Action::MetadataUpdate);
pub(crate) const METADATUM_READ: Operation =
    Operation::new("Secret metadatum retrieval", None, Action::MetadataRead);
pub(crate) const METADATUM_SET: Operation =
    Operation::new("Secret metadatum update", Some("SecretMetadatum"), Action::MetadataUpdate);
pub(crate) const METADATUM_REMOVE: Operation =
    Operation::new("Secret metadatum removal", None, Action::MetadataUpdate);
/// A request that names nothing there is.
pub(crate) const NONE: Operation = Operation::new("Request", None, Action::Request);
