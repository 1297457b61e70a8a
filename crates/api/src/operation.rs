//! What the API can be asked to do: the words that its error messages use, the action that goes on record,
//! and the form of the answer.

use strongroom_core::audit::Action;

use crate::routes::Kind;

/// One thing that the API can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    VersionRead,
    SecretList,
    SecretCreate,
    SecretRead,
    PayloadRead,
    PayloadStore,
    SecretDelete,
    MetadataRead,
    MetadataReplace,
    MetadatumAdd,
    MetadatumRead,
    MetadatumSet,
    MetadatumRemove,
    AclRead(Kind),
    AclReplace(Kind),
    AclMerge(Kind),
    AclRemove(Kind),
    ConsumerList(Kind),
    ConsumerAdd(Kind),
    ConsumerRemove(Kind),
    ConsumerRead(Kind),
    ContainerList,
    ContainerCreate,
    ContainerRead,
    ContainerDelete,
    MemberAdd,
    MemberRemove,
    OrderList,
    OrderPlace,
    OrdersUpdate,
    OrderRead,
    OrderDelete,
    QuotasRead,
    ProjectQuotasList,
    ProjectQuotasRead,
    ProjectQuotasSet,
    ProjectQuotasRemove,
    StoreList,
    StoreDefault,
    StorePreferred,
    StoreRead,
    StorePrefer,
    StorePreferenceForget,
    /// Asked for a store where there are not several.
    NoStoreRead,
    /// Chose a store where there are not several.
    NoStoreChoose,
    TransportKeyList,
    TransportKeyCreate,
    TransportKeyRead,
    TransportKeyDelete,
    /// A request that names nothing there is.
    Unrouted,
}

/// What is the same for every call of an operation.
pub(crate) struct Facts {
    /// For error messages (spec section 4.3).
    pub(crate) name: &'static str,
    /// The schema that a request body has to match; absent where no body is read.
    pub(crate) schema: Option<&'static str>,
    /// For the record.
    pub(crate) action: Action,
    /// What a successful answer is made of.
    pub(crate) form: Form,
}

/// What a successful answer is made of, which decides the `Accept` headers that fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON.
    Json,
    /// JSON, or the other form in which versions can be told.
    Discovery,
    /// Nothing but a status: every media type that exists will do.
    Empty,
    /// Bytes whose form the use case decides on.
    Payload,
    /// There is no success.
    Refusal,
}

impl Operation {
    /// The table of operations.
    #[rustfmt::skip]
    pub(crate) fn facts(self) -> Facts {
        use Kind::{Container, Secret};
        match self {
            Self::VersionRead => Facts::read("Version retrieval", Action::VersionRead).giving(Form::Discovery),
            Self::SecretList => Facts::read("Secret(s) retrieval", Action::SecretList),
            Self::SecretCreate => Facts::write("Secret creation", "Secret", Action::SecretCreate),
            Self::SecretRead => Facts::read("Secret retrieval", Action::SecretRead),
            Self::PayloadRead => Facts::read("Secret payload retrieval", Action::PayloadRead).giving(Form::Payload),
            Self::PayloadStore => Facts::done("Secret update", Action::PayloadStore),
            Self::SecretDelete => Facts::done("Secret deletion", Action::SecretDelete),
            Self::MetadataRead => Facts::read("Secret metadata retrieval", Action::MetadataRead),
            Self::MetadataReplace => Facts::write("Secret metadata creation", "SecretMetadata", Action::MetadataUpdate),
            Self::MetadatumAdd => Facts::write("Secret metadatum creation", "SecretMetadatum", Action::MetadataUpdate),
            Self::MetadatumRead => Facts::read("Secret metadatum retrieval", Action::MetadataRead),
            Self::MetadatumSet => Facts::write("Secret metadatum update", "SecretMetadatum", Action::MetadataUpdate),
            Self::MetadatumRemove => Facts::done("Secret metadatum removal", Action::MetadataUpdate),
            Self::AclRead(Secret) => Facts::read("SecretACL(s) retrieval", Action::AclRead),
            Self::AclRead(Container) => Facts::read("ContainerACL(s) retrieval", Action::AclRead),
            Self::AclReplace(Secret) | Self::AclMerge(Secret) => Facts::write("SecretACL(s) update", "ACL", Action::AclUpdate),
            Self::AclReplace(Container) | Self::AclMerge(Container) => Facts::write("ContainerACL(s) update", "ACL", Action::AclUpdate),
            Self::AclRemove(Secret) => Facts::read("SecretACL(s) deletion", Action::AclDelete),
            Self::AclRemove(Container) => Facts::read("ContainerACL(s) deletion", Action::AclDelete),
            Self::ConsumerList(Secret) => Facts::read("Secret consumer(s) retrieval", Action::ConsumerRead),
            Self::ConsumerList(Container) => Facts::read("Container consumer(s) retrieval", Action::ConsumerRead),
            Self::ConsumerAdd(Secret) => Facts::write("Secret consumer creation", "Secret Consumer", Action::ConsumerCreate),
            Self::ConsumerAdd(Container) => Facts::write("Container consumer creation", "Consumer", Action::ConsumerCreate),
            Self::ConsumerRemove(Secret) => Facts::write("Secret consumer deletion", "Secret Consumer", Action::ConsumerDelete),
            Self::ConsumerRemove(Container) => Facts::write("Container consumer deletion", "Consumer", Action::ConsumerDelete),
            Self::ConsumerRead(_) => Facts::read("Consumer retrieval", Action::ConsumerRead),
            Self::ContainerList => Facts::read("Container(s) retrieval", Action::ContainerList),
            Self::ContainerCreate => Facts::write("Container creation", "Container", Action::ContainerCreate),
            Self::ContainerRead => Facts::read("Container retrieval", Action::ContainerRead),
            Self::ContainerDelete => Facts::done("Container deletion", Action::ContainerDelete),
            Self::MemberAdd => Facts::write("Container secret creation", "ContainerSecret", Action::MemberAdd),
            Self::MemberRemove => Facts::write("Container secret deletion", "ContainerSecret", Action::MemberRemove).giving(Form::Empty),
            Self::OrderList => Facts::read("Order(s) retrieval", Action::OrderList),
            Self::OrderPlace => Facts::write("Order creation", "Order", Action::OrderCreate),
            Self::OrdersUpdate => Facts::read("Order update", Action::OrderCreate).giving(Form::Refusal),
            Self::OrderRead => Facts::read("Order retrieval", Action::OrderRead),
            Self::OrderDelete => Facts::done("Order deletion", Action::OrderDelete),
            Self::QuotasRead => Facts::read("Quotas retrieval", Action::QuotaRead),
            Self::ProjectQuotasList | Self::ProjectQuotasRead => Facts::read("Project quotas retrieval", Action::QuotaRead),
            Self::ProjectQuotasSet => Facts::write("Project quotas update", "Project Quota", Action::QuotaUpdate),
            Self::ProjectQuotasRemove => Facts::done("Project quotas deletion", Action::QuotaDelete),
            Self::StoreList => Facts::read("Secret store(s) retrieval", Action::StoreRead),
            Self::StoreDefault => Facts::read("Global default secret store retrieval", Action::StoreRead),
            Self::StorePreferred => Facts::read("Preferred secret store retrieval", Action::StoreRead),
            Self::StoreRead => Facts::read("Secret store retrieval", Action::StoreRead),
            Self::StorePrefer => Facts::done("Preferred secret store creation", Action::StoreUpdate),
            Self::StorePreferenceForget => Facts::done("Preferred secret store deletion", Action::StoreUpdate),
            Self::NoStoreRead => Facts::read("Secret store retrieval", Action::StoreRead).giving(Form::Refusal),
            Self::NoStoreChoose => Facts::read("Preferred secret store update", Action::StoreUpdate).giving(Form::Refusal),
            Self::TransportKeyList => Facts::read("Transport key(s) retrieval", Action::TransportKeyRead),
            Self::TransportKeyCreate => Facts::write("Transport key creation", "Transport Key", Action::TransportKeyCreate),
            Self::TransportKeyRead => Facts::read("Transport key retrieval", Action::TransportKeyRead),
            Self::TransportKeyDelete => Facts::done("Transport key deletion", Action::TransportKeyDelete),
            Self::Unrouted => Facts::read("Request", Action::Request).giving(Form::Refusal),
        }
    }
}

impl Facts {
    /// Nothing is read from the request's body, and the answer is JSON.
    const fn read(name: &'static str, action: Action) -> Self {
        Self { name, schema: None, action, form: Form::Json }
    }

    /// The request's body has to match a schema, and the answer is JSON.
    const fn write(name: &'static str, schema: &'static str, action: Action) -> Self {
        Self { schema: Some(schema), ..Self::read(name, action) }
    }

    /// The answer says that it is done, and nothing else.
    const fn done(name: &'static str, action: Action) -> Self {
        Self::read(name, action).giving(Form::Empty)
    }

    const fn giving(self, form: Form) -> Self {
        Self { form, ..self }
    }
}
