use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_tests::Client;

use super::ledger::{Change, Entry, Ledger, path_of};
use super::secret::{Content, content_type, is_text, payload_of};

/// A change and the request for it.
struct Step {
    change: Change,
    method: &'static str,
    path: String,
    content_type: &'static str,
    body: Vec<u8>,
    /// What a change that is made is answered by.
    status: u16,
}

impl Step {
    /// By a request with a JSON body, or with none.
    fn json(change: Change, method: &'static str, path: String, body: Option<&Value>, status: u16) -> Self {
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        Self { change, method, path, content_type: "application/json", body, status }
    }
}

/// Changes one thing after the other until the server is gone.
pub(super) fn work(ledger: &mut Ledger, client: &Client) {
    loop {
        let Step { change, method, path, content_type, body, status } = next(ledger);
        let client = client.header("X-Project-Id", &change.project).header("Content-Type", content_type);
        let Ok(reply) = client.try_send(method, &path, &body) else {
            ledger.doubt = Some(change);
            return;
        };
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
        ledger.acknowledged.push(reply.header("x-openstack-request-id").unwrap().to_owned());
        let path = change.path.clone();
        let path = path.unwrap_or_else(|| path_of(reply.value()["secret_ref"].as_str().unwrap()));
        ledger.enter(change, path);
    }
}

fn next(ledger: &mut Ledger) -> Step {
    let there: Vec<_> = ledger.secrets.iter().filter(|(_, entry)| entry.content.is_some()).collect();
    if there.len() < 5 || ledger.dice.below(3) == 0 {
        return create(ledger);
    }
    let (path, entry) = *ledger.dice.pick(&there);
    let (path, entry) = (path.clone(), entry.clone());
    match (ledger.dice.below(4), &entry.content) {
        (0, _) => delete(&path, entry),
        (_, Some(content)) if content.payload.is_none() => upload(&path, entry),
        (1, _) => replace_metadata(&path, entry, ledger.dice.below(1000)),
        _ => set_metadatum(&path, entry, ledger.dice.below(1000)),
    }
}

/// Now and then in a project that has no key yet; with or without its payload.
fn create(ledger: &mut Ledger) -> Step {
    ledger.names += 1;
    let end = ledger.dice.pick(&["t", "b"]);
    let name = format!("writer-{}-{}-{end}", ledger.writer, ledger.names);
    let fresh = ledger.dice.below(10) == 0;
    let project = if fresh { format!("of-{name}") } else { "shared".to_owned() };
    let mut body = json!({"name": name});
    let payload = (ledger.dice.below(2) == 0).then(|| payload_of(&name));
    if let Some(payload) = &payload {
        body["payload_content_type"] = content_type(&name).into();
        if is_text(&name) {
            body["payload"] = String::from_utf8(payload.clone()).unwrap().into();
        } else {
            body["payload"] = STANDARD.encode(payload).into();
            body["payload_content_encoding"] = "base64".into();
        }
    }
    let after = Some(Content { payload, metadata: BTreeMap::new() });
    let change = Change { project, name, path: None, before: None, after };
    Step::json(change, "POST", "/v1/secrets".to_owned(), Some(&body), 201)
}

fn upload(path: &str, entry: Entry) -> Step {
    let body = payload_of(&entry.name);
    let content_type = content_type(&entry.name);
    let change = changed(path, entry, |content| content.payload = Some(body.clone()));
    Step { change, method: "PUT", path: path.to_owned(), content_type, body, status: 204 }
}

fn delete(path: &str, entry: Entry) -> Step {
    let Entry { project, name, content } = entry;
    let change = Change { project, name, path: Some(path.to_owned()), before: content, after: None };
    Step::json(change, "DELETE", path.to_owned(), None, 204)
}

fn replace_metadata(path: &str, entry: Entry, number: u64) -> Step {
    let pairs = BTreeMap::from([("a", number), ("b", number + 1), ("c", number + 2)]);
    let pairs: BTreeMap<_, _> =
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_string())).collect();
    let body = json!({"metadata": pairs});
    let change = changed(path, entry, |content| content.metadata = pairs);
    Step::json(change, "PUT", format!("{path}/metadata"), Some(&body), 201)
}

/// Adds a pair, or sets the value of one that is there.
fn set_metadatum(path: &str, entry: Entry, number: u64) -> Step {
    let (key, value) = (format!("k{}", number % 3), number.to_string());
    let body = json!({"key": key, "value": value});
    let known = entry.content.as_ref().is_some_and(|content| content.metadata.contains_key(&key));
    let (method, path_end, status) =
        if known { ("PUT", format!("/{key}"), 200) } else { ("POST", String::new(), 201) };
    let change = changed(path, entry, |content| {
        content.metadata.insert(key, value);
    });
    Step::json(change, method, format!("{path}/metadata{path_end}"), Some(&body), status)
}

fn changed(path: &str, entry: Entry, change: impl FnOnce(&mut Content)) -> Change {
    let Entry { project, name, content } = entry;
    let mut after = content.clone().unwrap_or_default();
    change(&mut after);
    Change { project, name, path: Some(path.to_owned()), before: content, after: Some(after) }
}

/// Lists and reads until the server is gone. Whatever is read is whole.
pub(super) fn read(client: &Client) {
    let client = client.header("X-Project-Id", "shared");
    let mut offset = 0;
    while let Ok(page) = client.try_send("GET", &format!("/v1/secrets?limit=5&offset={offset}"), b"") {
        assert_eq!(page.status, 200, "{}", page.text());
        let page = page.value();
        let secrets = page["secrets"].as_array().unwrap();
        for secret in secrets {
            let name = secret["name"].as_str().unwrap();
            let path = format!("{}/payload", path_of(secret["secret_ref"].as_str().unwrap()));
            let Ok(payload) = client.header("Accept", content_type(name)).try_send("GET", &path, b"") else {
                return;
            };
            match payload.status {
                200 => assert_eq!(payload.body, payload_of(name), "{name}"),
                // Deleted since it was listed, or not uploaded yet.
                status => assert_eq!(status, 404, "{}", payload.text()),
            }
        }
        offset = if secrets.is_empty() { 0 } else { offset + 5 };
    }
}
