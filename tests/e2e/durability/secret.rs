use std::collections::BTreeMap;

use serde_json::Value;
use strongroom_tests::Client;

/// What there is to know about a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) payload: Option<Vec<u8>>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// The payload that a secret of that name is given, so that whoever meets one knows what it must hold.
pub(super) fn payload_of(name: &str) -> Vec<u8> {
    let sum: usize = name.bytes().map(usize::from).sum();
    let mut payload = name.repeat(1 + sum % 40).into_bytes();
    if !is_text(name) {
        payload.extend((0..=255).cycle().take(sum % 300 + 1));
    }
    payload
}

/// Whether the payload of a secret of that name is text.
pub(super) fn is_text(name: &str) -> bool {
    name.ends_with('t')
}

pub(super) fn content_type(name: &str) -> &'static str {
    if is_text(name) { "text/plain" } else { "application/octet-stream" }
}

/// What the server tells about the secret at `path`; `None` when there is none. A payload that is announced
/// and missing, or the other way round, is an error.
pub(super) fn look(client: &Client, path: &str, name: &str) -> Option<Content> {
    let secret = client.get(path);
    let payload = client.payload(path, content_type(name));
    let metadata = client.get(&format!("{path}/metadata"));
    if secret.status == 404 {
        assert_eq!((payload.status, metadata.status), (404, 404), "{path} is half there");
        return None;
    }
    assert_eq!((secret.status, metadata.status), (200, 200), "{}", secret.text());
    let secret = secret.value();
    assert_eq!(secret["name"], name);
    let announced = secret.get("content_types").is_some();
    assert_eq!(payload.status, if announced { 200 } else { 404 }, "{path} is half there: {secret}");
    Some(Content {
        payload: announced.then_some(payload.body),
        metadata: pairs(&metadata.value()["metadata"]),
    })
}

fn pairs(object: &Value) -> BTreeMap<String, String> {
    let pairs = object.as_object().unwrap().iter();
    pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect()
}
