//! The API's description in the OpenAPI 3.1 form, made from the same tables that requests are routed and
//! answered by, so that it can't tell of a path or a method that is not there, nor leave one out.

mod operations;
mod schemas;

use std::sync::LazyLock;

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};

use self::operations::{Answered, Described};
use crate::http::json::to_ascii;
use crate::http::microversion::{HEADER, Microversion};
use crate::operation::{Form, Operation};
use crate::routes::{PATHS, Resource};

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Every refusal that is told of.
const REFUSALS: [u16; 10] = [400, 401, 403, 404, 406, 408, 409, 413, 415, 503];
/// Those that any operation can end in.
const COMMON_REFUSALS: [u16; 5] = [400, 401, 403, 406, 503];

/// The description, made once.
static DOCUMENT: LazyLock<Value> = LazyLock::new(make);

/// The description as it is served: whoever asks for it need not be known, so it must cost little to give.
static SERVED: LazyLock<Bytes> = LazyLock::new(|| to_ascii(document()).into());

/// The description of the whole API.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// The description as JSON.
pub(crate) fn served() -> Bytes {
    SERVED.clone()
}

fn make() -> Value {
    let paths: Map<String, Value> = PATHS
        .iter()
        .filter(|(path, _)| !path.contains("{*"))
        .map(|(path, resource)| ((*path).to_owned(), path_item(path, *resource)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Strongroom, an OpenStack Key Manager",
            "version": "1",
            "description": "The OpenStack Key Manager API, version 1, microversions 1.0 to 1.2.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"bearer": []}, {"certificate": []}, {"context": []}],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": REFUSALS.iter().map(|status| (status.to_string(), refusal(*status))).collect::<Map<_, _>>(),
            "securitySchemes": {
                "token": {
                    "type": "apiKey", "in": "header", "name": "X-Auth-Token",
                    "description": "A token of the identity service (Keystone).",
                },
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "certificate": {"type": "mutualTLS"},
                "context": {
                    "type": "apiKey", "in": "header", "name": "X-Project-Id",
                    "description": "The unauthenticated mode, on loopback only: the project is believed.",
                },
            },
        },
    })
}

fn path_item(path: &str, resource: Resource) -> Value {
    let mut item = Map::new();
    let names: Vec<_> =
        ["id", "part"].into_iter().filter(|name| path.contains(&format!("{{{name}}}"))).collect();
    let in_path = names.iter().map(|name| {
        json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}})
    });
    let version = json!({
        "name": HEADER, "in": "header", "required": false,
        "description": format!(
            "The microversion, as `key-manager {}`; the oldest when absent.", Microversion::LATEST
        ),
        "schema": {
            "type": "string",
            "enum": ["key-manager 1.0", "key-manager 1.1", "key-manager 1.2", "key-manager latest"],
        },
    });
    item.insert("parameters".to_owned(), in_path.chain([version]).collect());
    for method in METHODS {
        if let Some(operation) = resource.operation(&method)
            && operation.facts().form != Form::Refusal
        {
            let described = described(operation, &method, !names.is_empty());
            item.insert(method.as_str().to_lowercase(), described);
        }
    }
    Value::Object(item)
}

fn described(operation: Operation, method: &Method, names_something: bool) -> Value {
    let facts = operation.facts();
    let Described { query, request, answers, refusals } = operations::describe(operation);
    let mut body = Map::new();
    body.insert("operationId".to_owned(), operation_id(operation).into());
    body.insert("summary".to_owned(), facts.name.into());
    if !query.is_empty() {
        let parameters = query.iter().map(|(name, meaning)| {
            json!({"name": name, "in": "query", "required": false, "description": meaning,
                   "schema": {"type": "string"}})
        });
        body.insert("parameters".to_owned(), parameters.collect());
    }
    let reads_body = !request.is_empty();
    if reads_body {
        let content: Map<String, Value> = request
            .iter()
            .map(|(media_type, schema)| ((*media_type).to_owned(), json!({"schema": schemas::named(schema)})))
            .collect();
        body.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
    }
    let mut responses = Map::new();
    for Answered { status, meaning, content } in answers {
        let content: Map<String, Value> = content
            .iter()
            .map(|(media_type, schema)| ((*media_type).to_owned(), json!({"schema": schemas::named(schema)})))
            .collect();
        responses.insert(status.to_string(), json!({"description": meaning, "content": content}));
    }
    let mut statuses = COMMON_REFUSALS.to_vec();
    statuses.extend(refusals);
    statuses.extend(names_something.then_some(404));
    statuses.extend((*method != Method::GET).then_some(408));
    statuses.extend(reads_body.then_some(415));
    for status in statuses {
        let reference = || json!({"$ref": format!("#/components/responses/{status}")});
        responses.entry(status.to_string()).or_insert_with(reference);
    }
    responses.sort_keys();
    body.insert("responses".to_owned(), Value::Object(responses));
    Value::Object(body)
}

/// How a refusal looks. Those that are raised outside the application take the form that `Accept` asks for
/// (spec section 4.2).
fn refusal(status: u16) -> Value {
    let meaning = match status {
        400 => "The request can't be understood, or asks for what can't be.",
        401 => "No valid identity was given.",
        403 => "The access rules or a quota do not allow it.",
        404 => "There is nothing of that name.",
        406 => "No form or version that is accepted can be given.",
        408 => "The body took too long to arrive.",
        409 => "It is there already.",
        413 => "The payload is too large.",
        415 => "The body's media type is not supported.",
        503 => "A part that is needed is out of order; nothing was done.",
        _ => "Refused.",
    };
    let mut content = Map::new();
    let outer = matches!(status, 400 | 401 | 406 | 503);
    let schema = if outer {
        json!({"anyOf": [schemas::named("Error"), schemas::named("OuterError")]})
    } else {
        schemas::named("Error")
    };
    content.insert("application/json".to_owned(), json!({"schema": schema}));
    if outer {
        for media_type in ["text/html", "text/plain"] {
            content.insert(media_type.to_owned(), json!({"schema": {"type": "string"}}));
        }
    }
    json!({"description": meaning, "content": content})
}

/// `SecretCreate`, or `AclReadOfSecret`.
fn operation_id(operation: Operation) -> String {
    format!("{operation:?}").replace('(', "Of").replace(')', "")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_committed_description_is_the_one_that_is_served() {
        let committed: Value = serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
        assert!(
            committed == *document(),
            "docs/openapi.json is out of date; run: cargo run -p strongroom-api --example openapi > docs/openapi.json"
        );
    }

    #[test]
    fn every_operation_is_there_once() {
        let mut ids = HashSet::new();
        let paths = document()["paths"].as_object().unwrap();
        for (path, item) in paths {
            let operations = item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters");
            for (method, operation) in operations {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id), "{id} is told twice, again at {method} {path}");
            }
        }
        assert_eq!(paths.len(), PATHS.iter().filter(|(path, _)| !path.contains("{*")).count());
    }

    #[test]
    fn every_schema_that_is_referred_to_is_there() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => map.iter().for_each(|(key, value)| match value {
                    Value::String(text) if key == "$ref" => found.push(text.clone()),
                    other => references(other, found),
                }),
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        references(document(), &mut found);
        assert!(found.len() > 50);
        for reference in found {
            assert!(document().pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}
