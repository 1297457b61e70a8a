//! Who handles what.

use strongroom_core::{Error, Missing};

use crate::call::{Call, Handled};
use crate::operation::Operation;
use crate::{
    acls, consumers, containers, discovery, metadata, orders, quotas, secrets, stores, transport_keys,
};

/// Carries the call out.
pub(crate) async fn carry_out(call: &Call<'_>) -> Handled {
    match call.operation {
        Operation::VersionRead => discovery::v1(call).await,
        Operation::SecretList => secrets::list(call).await,
        Operation::SecretCreate => secrets::create(call).await,
        Operation::SecretRead => secrets::describe(call).await,
        Operation::PayloadRead => secrets::payload(call).await,
        Operation::PayloadStore => secrets::upload(call).await,
        Operation::SecretDelete => secrets::delete(call).await,
        Operation::MetadataRead => metadata::all(call).await,
        Operation::MetadataReplace => metadata::replace(call).await,
        Operation::MetadatumAdd => metadata::add(call).await,
        Operation::MetadatumRead => metadata::get(call).await,
        Operation::MetadatumSet => metadata::set(call).await,
        Operation::MetadatumRemove => metadata::remove(call).await,
        Operation::AclRead(kind) => acls::get(call, kind).await,
        Operation::AclReplace(kind) => acls::replace(call, kind).await,
        Operation::AclMerge(kind) => acls::merge(call, kind).await,
        Operation::AclRemove(kind) => acls::remove(call, kind).await,
        Operation::ConsumerList(kind) => consumers::list(call, kind).await,
        Operation::ConsumerAdd(kind) => consumers::add(call, kind).await,
        Operation::ConsumerRemove(kind) => consumers::remove(call, kind).await,
        Operation::ConsumerRead(kind) => consumers::get(call, kind).await,
        Operation::ContainerList => containers::list(call).await,
        Operation::ContainerCreate => containers::create(call).await,
        Operation::ContainerRead => containers::describe(call).await,
        Operation::ContainerDelete => containers::delete(call).await,
        Operation::MemberAdd => containers::add_member(call).await,
        Operation::MemberRemove => containers::remove_member(call).await,
        Operation::OrderList => orders::list(call).await,
        Operation::OrderPlace => orders::place(call).await,
        Operation::OrdersUpdate => orders::update(call).await,
        Operation::OrderRead => orders::describe(call).await,
        Operation::OrderDelete => orders::delete(call).await,
        Operation::QuotasRead => quotas::effective(call).await,
        Operation::ProjectQuotasList => quotas::list(call).await,
        Operation::ProjectQuotasRead => quotas::get(call).await,
        Operation::ProjectQuotasSet => quotas::set(call).await,
        Operation::ProjectQuotasRemove => quotas::remove(call).await,
        Operation::StoreList => stores::list(call).await,
        Operation::StoreDefault => stores::global_default(call).await,
        Operation::StorePreferred => stores::preferred(call).await,
        Operation::StoreRead => stores::get(call).await,
        Operation::StorePrefer => stores::prefer(call).await,
        Operation::StorePreferenceForget => stores::forget_preference(call).await,
        Operation::NoStoreRead | Operation::NoStoreChoose => Err(Error::NotFound(Missing::SecretStore)),
        Operation::TransportKeyList => transport_keys::list(call).await,
        Operation::TransportKeyCreate => transport_keys::create(call).await,
        Operation::TransportKeyRead => transport_keys::get(call).await,
        Operation::TransportKeyDelete => transport_keys::delete(call).await,
        // A request that got here has been routed.
        Operation::Unrouted => Err(Error::Internal("a call without a route")),
    }
}
