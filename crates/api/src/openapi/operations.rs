//! What each operation takes and gives.

use crate::operation::Operation;
use crate::routes::Kind;

/// Media types and the schemas of what is in them.
type Content = &'static [(&'static str, &'static str)];

/// What an operation takes and gives.
pub(super) struct Described {
    /// Names and meanings of the query's parameters.
    pub(super) query: Vec<(&'static str, &'static str)>,
    /// The body; empty where none is read.
    pub(super) request: Content,
    /// Every success.
    pub(super) answers: Vec<Answered>,
    /// The refusals that not every operation knows.
    pub(super) refusals: &'static [u16],
}

/// One success.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) meaning: &'static str,
    /// Empty where there is no body.
    pub(super) content: Content,
}

const PAGING: [(&str, &str); 2] = [
    ("limit", "Most items to show; what can't be is replaced by what can."),
    ("offset", "How many items to pass over."),
];
const SECRET_FILTERS: [(&str, &str); 10] = [
    ("name", "The name."),
    ("alg", "The algorithm."),
    ("mode", "The mode."),
    ("bits", "The length of the key."),
    ("secret_type", "The type."),
    ("created", "When it was made: times with `gt:`, `gte:`, `lt:`, `lte:`, separated by commas."),
    ("updated", "When it was last changed, likewise."),
    ("expiration", "When it expires, likewise."),
    ("acl_only", "With `true` only what is shared with the caller by an access control list."),
    ("sort", "Keys with `:asc` or `:desc`, separated by commas."),
];

macro_rules! json {
    ($schema:literal) => {
        &[("application/json", $schema)]
    };
}

impl Described {
    fn giving(status: u16, meaning: &'static str, content: Content) -> Self {
        Self {
            query: Vec::new(),
            request: &[],
            answers: vec![Answered { status, meaning, content }],
            refusals: &[],
        }
    }

    fn shown(content: Content) -> Self {
        Self::giving(200, "It is this.", content)
    }

    fn made(content: Content) -> Self {
        Self::giving(201, "It has been made.", content)
    }

    fn done() -> Self {
        Self::giving(204, "It has been done.", &[])
    }

    fn page(content: Content) -> Self {
        Self { query: PAGING.to_vec(), ..Self::shown(content) }
    }

    fn asking(mut self, query: &[(&'static str, &'static str)]) -> Self {
        self.query.extend(query);
        self
    }

    fn taking(self, request: Content) -> Self {
        Self { request, ..self }
    }

    fn refusing(self, refusals: &'static [u16]) -> Self {
        Self { refusals, ..self }
    }

    fn or(mut self, status: u16, meaning: &'static str, content: Content) -> Self {
        self.answers.push(Answered { status, meaning, content });
        self
    }
}

/// A payload, as whatever it is asked for.
const PAYLOAD: Content = &[
    ("text/plain", "Payload"),
    ("application/octet-stream", "Payload"),
    ("application/pkcs8", "Payload"),
    ("application/pkix-cert", "Payload"),
];
const SECRET_OR_PAYLOAD: Content = &[
    ("application/json", "Secret"),
    ("text/plain", "Payload"),
    ("application/octet-stream", "Payload"),
    ("application/pkcs8", "Payload"),
    ("application/pkix-cert", "Payload"),
];
const UPLOAD: Content = &[("text/plain", "Payload"), ("application/octet-stream", "Payload")];
const EMPTY_PAYLOAD: &str = "The payload is empty.";

/// The table.
pub(super) fn describe(operation: Operation) -> Described {
    use Kind::{Container, Secret};
    match operation {
        Operation::VersionRead => Described::shown(json!("Version")),
        Operation::SecretList => Described::page(json!("SecretPage")).asking(&SECRET_FILTERS),
        Operation::SecretCreate => {
            Described::made(json!("SecretRef")).taking(json!("NewSecret")).refusing(&[413])
        }
        Operation::SecretRead => {
            let query = [("transport_key_needed", "Can't be met: no backend has transport keys.")];
            Described::shown(SECRET_OR_PAYLOAD).or(204, EMPTY_PAYLOAD, &[]).asking(&query)
        }
        Operation::PayloadRead => Described::shown(PAYLOAD).or(204, EMPTY_PAYLOAD, &[]),
        Operation::PayloadStore => Described::done().taking(UPLOAD).refusing(&[409, 413]),
        Operation::SecretDelete => Described::done()
            .asking(&[("force", "From 1.2 on: whether to delete a secret although it has consumers.")]),
        Operation::MetadataRead => Described::shown(json!("Metadata")),
        Operation::MetadataReplace => Described::made(json!("MetadataRef")).taking(json!("Metadata")),
        Operation::MetadatumAdd => {
            Described::made(json!("Metadatum")).taking(json!("Metadatum")).refusing(&[409])
        }
        Operation::MetadatumRead => Described::shown(json!("Metadatum")),
        Operation::MetadatumSet => {
            Described::shown(json!("Metadatum")).taking(json!("Metadatum")).refusing(&[409])
        }
        Operation::AclRead(_) => Described::shown(json!("Acl")),
        Operation::AclReplace(_) | Operation::AclMerge(_) => {
            Described::shown(json!("AclRef")).taking(json!("AclChange"))
        }
        Operation::AclRemove(_) => Described::shown(json!("Nothing")),
        Operation::ConsumerList(Secret) => Described::page(json!("SecretConsumerPage")),
        Operation::ConsumerList(Container) => Described::page(json!("ContainerConsumerPage")),
        Operation::ConsumerRead(Secret) => Described::shown(json!("SecretConsumer")),
        Operation::ConsumerRead(Container) => Described::shown(json!("ContainerConsumer")),
        Operation::ConsumerAdd(Secret) | Operation::ConsumerRemove(Secret) => {
            Described::shown(json!("Secret")).taking(json!("SecretUse"))
        }
        Operation::ConsumerAdd(Container) | Operation::ConsumerRemove(Container) => {
            Described::shown(json!("Container")).taking(json!("ContainerUse"))
        }
        Operation::ContainerList => Described::page(json!("ContainerPage"))
            .asking(&[("name", "The name; `%` stands for anything."), ("type", "The type.")]),
        Operation::ContainerCreate => {
            Described::made(json!("ContainerRef")).taking(json!("NewContainer")).refusing(&[404])
        }
        Operation::ContainerRead => Described::shown(json!("Container")),
        Operation::MemberAdd => {
            Described::made(json!("ContainerRef")).taking(json!("Member")).refusing(&[409])
        }
        Operation::MemberRemove => Described::done().taking(json!("Member")),
        Operation::OrderList => {
            Described::page(json!("OrderPage")).asking(&[("meta", "A part of the order's `meta`.")])
        }
        Operation::OrderPlace => {
            Described::giving(202, "It is on record and will be carried out.", json!("OrderRef"))
                .taking(json!("NewOrder"))
        }
        Operation::OrderRead => Described::shown(json!("Order")),
        Operation::QuotasRead => Described::shown(json!("Quotas")),
        Operation::ProjectQuotasList => Described::page(json!("ProjectQuotasPage")),
        Operation::ProjectQuotasRead => Described::shown(json!("ProjectQuotas")),
        Operation::ProjectQuotasSet => Described::done().taking(json!("ProjectQuotasChange")),
        // Where clients can't choose among stores there is nothing of that name.
        Operation::StoreList => Described::shown(json!("SecretStores")).refusing(&[404]),
        Operation::StoreDefault | Operation::StorePreferred => {
            Described::shown(json!("SecretStore")).refusing(&[404])
        }
        Operation::StoreRead => Described::shown(json!("SecretStore")),
        Operation::TransportKeyList => Described::page(json!("TransportKeyPage"))
            .asking(&[("plugin_name", "The plug-in that the keys are for.")]),
        Operation::TransportKeyCreate => {
            Described::made(json!("TransportKeyRef")).taking(json!("NewTransportKey"))
        }
        Operation::TransportKeyRead => Described::shown(json!("TransportKey")),
        Operation::MetadatumRemove
        | Operation::ContainerDelete
        | Operation::OrderDelete
        | Operation::ProjectQuotasRemove
        | Operation::StorePrefer
        | Operation::StorePreferenceForget
        | Operation::TransportKeyDelete
        | Operation::OrdersUpdate
        | Operation::NoStoreRead
        | Operation::NoStoreChoose
        | Operation::Unrouted => Described::done(),
    }
}
