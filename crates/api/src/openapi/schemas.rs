//! The documents that go in and out. What the domain lists is taken from there.

use serde_json::{Map, Value, json};
use strongroom_core::SecretType;
use strongroom_core::container::ContainerType;
use strongroom_core::order::OrderType;

/// A reference to a schema.
pub(super) fn named(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Every schema by its name.
pub(super) fn all() -> Map<String, Value> {
    let groups = [errors(), secrets(), consumers(), containers(), orders(), stores(), others()];
    groups.into_iter().flatten().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

type Group = Vec<(&'static str, Value)>;

/// An object of exactly these properties, of which `required` have to be there.
fn object(properties: Value, required: &[&str]) -> Value {
    let mut schema = fields(properties, required);
    schema.insert("additionalProperties".to_owned(), false.into());
    Value::Object(schema)
}

/// An object in which more than these properties is let pass.
fn open(properties: Value, required: &[&str]) -> Value {
    Value::Object(fields(properties, required))
}

fn fields(properties: Value, required: &[&str]) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties);
    schema.insert("required".to_owned(), required.into());
    schema
}

fn page(key: &str, items: &Value) -> Value {
    let link = json!({"type": "string", "format": "uri"});
    let list = json!({"type": "array", "items": items});
    object(json!({key: list, "total": {"type": "integer"}, "next": link, "previous": link}), &[key, "total"])
}

fn reference(key: &str) -> Value {
    object(json!({key: uri()}), &[key])
}

fn uri() -> Value {
    json!({"type": "string", "format": "uri"})
}

/// A time in UTC without a zone (spec section 5).
fn time() -> Value {
    json!({"type": "string"})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn maybe_text() -> Value {
    json!({"type": ["string", "null"]})
}

fn label() -> Value {
    json!({"type": "string", "maxLength": 255})
}

fn maybe_label() -> Value {
    json!({"type": ["string", "null"], "maxLength": 255})
}

fn required_label() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 255})
}

fn errors() -> Group {
    vec![
        (
            "Error",
            object(
                json!({"code": {"type": "integer"}, "title": text(), "description": maybe_text()}),
                &["code", "title", "description"],
            ),
        ),
        (
            "OuterError",
            object(
                json!({"code": text(), "title": text(), "message": text()}),
                &["code", "title", "message"],
            ),
        ),
        ("Nothing", json!({"type": "null"})),
        ("Payload", json!({"type": "string", "description": "The payload's bytes."})),
    ]
}

fn secrets() -> Group {
    let types: Vec<_> = SecretType::ALL.iter().map(|kind| kind.as_str()).collect();
    let bits = json!({"type": "integer", "minimum": 1, "maximum": 32_767});
    vec![
        (
            "Secret",
            object(
                json!({
                    "created": time(), "updated": time(), "status": {"const": "ACTIVE"},
                    "name": maybe_text(), "secret_type": {"enum": types}, "expiration": maybe_text(),
                    "algorithm": maybe_text(), "mode": maybe_text(),
                    "bit_length": {"type": ["integer", "null"]}, "creator_id": maybe_text(),
                    "consumers": {"type": "array", "items": named("SecretUse")},
                    "content_types": object(json!({"default": text()}), &["default"]),
                    "secret_ref": uri(),
                }),
                &[
                    "created",
                    "updated",
                    "status",
                    "name",
                    "secret_type",
                    "expiration",
                    "algorithm",
                    "mode",
                    "bit_length",
                    "creator_id",
                    "secret_ref",
                ],
            ),
        ),
        (
            "NewSecret",
            open(
                json!({
                    "name": maybe_label(), "expiration": label(), "algorithm": label(), "mode": label(),
                    "bit_length": bits, "secret_type": {"enum": types}, "payload": text(),
                    "payload_content_type": maybe_label(),
                    "payload_content_encoding": {"const": "base64"},
                    "transport_key_needed": {"enum": ["true", "false"]},
                    "transport_key_id": text(),
                }),
                &[],
            ),
        ),
        ("SecretRef", reference("secret_ref")),
        ("SecretPage", page("secrets", &named("Secret"))),
        (
            "Metadata",
            object(
                json!({"metadata": {"type": "object", "additionalProperties": {"type": "string"}}}),
                &["metadata"],
            ),
        ),
        ("MetadataRef", reference("metadata_ref")),
        ("Metadatum", object(json!({"key": text(), "value": text()}), &["key", "value"])),
        (
            "Acl",
            object(
                json!({"read": object(
                    json!({
                        "project-access": {"type": "boolean"},
                        "users": {"type": "array", "items": text()},
                        "created": time(), "updated": time(),
                    }),
                    &["project-access"],
                )}),
                &["read"],
            ),
        ),
        ("AclRef", reference("acl_ref")),
        (
            "AclChange",
            object(
                json!({"read": object(
                    json!({
                        "project-access": {"type": "boolean"},
                        "users": {"type": "array", "items": required_label(), "maxItems": 1000},
                    }),
                    &[],
                )}),
                &[],
            ),
        ),
    ]
}

fn consumers() -> Group {
    let secret_use = json!({
        "service": required_label(), "resource_type": required_label(), "resource_id": required_label(),
    });
    let container_use = json!({"name": required_label(), "URL": {"type": "string", "minLength": 1}});
    let registered = |used: &Value| {
        let mut properties = used.as_object().cloned().unwrap_or_default();
        properties.insert("created".to_owned(), time());
        properties.insert("updated".to_owned(), time());
        properties.insert("status".to_owned(), json!({"const": "ACTIVE"}));
        let required: Vec<_> = properties.keys().map(String::as_str).collect();
        object(json!(properties), &required)
    };
    vec![
        ("SecretConsumer", registered(&secret_use)),
        ("SecretConsumerPage", page("consumers", &named("SecretConsumer"))),
        ("SecretUse", open(secret_use, &["service", "resource_type", "resource_id"])),
        ("ContainerConsumer", registered(&container_use)),
        ("ContainerConsumerPage", page("consumers", &named("ContainerConsumer"))),
        ("ContainerUse", open(container_use, &["name", "URL"])),
    ]
}

fn containers() -> Group {
    let names = |kinds: &[ContainerType]| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
    let (types, offered) = (names(&ContainerType::ALL), names(&ContainerType::OFFERED));
    vec![
        (
            "Container",
            object(
                json!({
                    "created": time(), "updated": time(), "status": {"const": "ACTIVE"},
                    "name": maybe_text(), "type": {"enum": types}, "creator_id": maybe_text(),
                    "secret_refs": {"type": "array", "items": object(
                        json!({"name": maybe_text(), "secret_ref": uri()}), &["name", "secret_ref"],
                    )},
                    "consumers": {"type": "array", "items": named("ContainerUse")},
                    "container_ref": uri(),
                }),
                &[
                    "created",
                    "updated",
                    "status",
                    "name",
                    "type",
                    "creator_id",
                    "secret_refs",
                    "consumers",
                    "container_ref",
                ],
            ),
        ),
        ("ContainerPage", page("containers", &named("Container"))),
        ("ContainerRef", reference("container_ref")),
        ("Member", open(json!({"name": label(), "secret_ref": uri()}), &["secret_ref"])),
        (
            "NewContainer",
            open(
                json!({
                    "name": maybe_label(), "type": {"enum": offered},
                    "secret_refs": {"type": "array", "items": open(
                        json!({"name": maybe_label(), "secret_ref": uri()}), &["secret_ref"],
                    )},
                }),
                &["type"],
            ),
        ),
    ]
}

fn orders() -> Group {
    let types: Vec<_> = OrderType::ALL.iter().map(|kind| kind.as_str()).collect();
    vec![
        (
            "Order",
            object(
                json!({
                    "created": time(), "updated": time(), "type": {"enum": types},
                    "status": {"enum": ["PENDING", "ACTIVE", "ERROR"]}, "meta": {"type": "object"},
                    "creator_id": text(), "order_ref": uri(), "secret_ref": uri(), "container_ref": uri(),
                    "sub_status": text(), "sub_status_message": text(),
                    "error_status_code": text(), "error_reason": text(),
                }),
                &["created", "updated", "type", "status", "meta", "order_ref"],
            ),
        ),
        ("OrderPage", page("orders", &named("Order"))),
        ("OrderRef", reference("order_ref")),
        (
            "NewOrder",
            open(
                json!({"type": {"enum": types}, "meta": open(
                    json!({
                        "name": maybe_label(), "expiration": label(), "mode": label(),
                        "algorithm": required_label(),
                        "bit_length": {"type": "integer", "minimum": 8, "maximum": 32_760},
                        "payload_content_type": maybe_label(), "passphrase": maybe_text(),
                    }),
                    &["algorithm", "bit_length"],
                )}),
                &["type", "meta"],
            ),
        ),
    ]
}

fn stores() -> Group {
    vec![
        (
            "SecretStore",
            object(
                json!({
                    "created": time(), "updated": time(), "status": {"const": "ACTIVE"}, "name": text(),
                    "secret_store_plugin": text(), "crypto_plugin": maybe_text(),
                    "global_default": {"type": "boolean"}, "secret_store_ref": uri(),
                }),
                &[
                    "created",
                    "updated",
                    "status",
                    "name",
                    "secret_store_plugin",
                    "crypto_plugin",
                    "global_default",
                    "secret_store_ref",
                ],
            ),
        ),
        (
            "SecretStores",
            object(
                json!({"secret_stores": {"type": "array", "items": named("SecretStore")}}),
                &["secret_stores"],
            ),
        ),
    ]
}

fn others() -> Group {
    const COUNTED: [&str; 5] = ["secrets", "orders", "containers", "consumers", "cas"];
    let limits = |kind: Value, required: &[&str]| {
        let properties: Map<_, _> = COUNTED.iter().map(|name| ((*name).to_owned(), kind.clone())).collect();
        object(json!(properties), required)
    };
    let set = limits(json!({"type": ["integer", "null"]}), &COUNTED);
    vec![
        ("Version", object(json!({"version": {"type": "object"}}), &["version"])),
        ("Quotas", object(json!({"quotas": limits(json!({"type": "integer"}), &COUNTED)}), &["quotas"])),
        ("ProjectQuotas", object(json!({"project_quotas": set.clone()}), &["project_quotas"])),
        (
            "ProjectQuotasChange",
            object(json!({"project_quotas": limits(json!({"type": "integer"}), &[])}), &["project_quotas"]),
        ),
        (
            "ProjectQuotasPage",
            page(
                "project_quotas",
                &object(
                    json!({"project_id": text(), "project_quotas": set}),
                    &["project_id", "project_quotas"],
                ),
            ),
        ),
        (
            "TransportKey",
            object(
                json!({
                    "id": text(), "plugin_name": text(), "transport_key": text(),
                    "status": {"const": "ACTIVE"}, "created_at": text(), "updated_at": text(),
                    "deleted_at": maybe_text(), "deleted": {"type": "boolean"},
                }),
                &[
                    "id",
                    "plugin_name",
                    "transport_key",
                    "status",
                    "created_at",
                    "updated_at",
                    "deleted_at",
                    "deleted",
                ],
            ),
        ),
        ("TransportKeyPage", page("transport_keys", &uri())),
        ("TransportKeyRef", reference("transport_key_ref")),
        (
            "NewTransportKey",
            open(
                json!({"plugin_name": required_label(), "transport_key": {"type": "string", "minLength": 1}}),
                &["plugin_name", "transport_key"],
            ),
        ),
    ]
}
