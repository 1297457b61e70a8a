//! Every request leaves one record of how it ended, whoever sent it and whatever came of it; and no payload
//! is in any record or in the log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_tests::{Client, Reply, Server, outcomes};

const CANARY: &str = "canary-9c1f-the-payload-that-must-not-be-seen";
const UNKNOWN: &str = "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";
const OCTETS: &str = "application/octet-stream";

/// What a record has to say: action, reason (empty for success), and whether it is about the secret.
struct Expected {
    status: u16,
    action: &'static str,
    reason: &'static str,
    target: Option<String>,
}

/// The server, a client, and the two secrets that requests are about: one with a payload, one without.
struct Scene {
    server: Server,
    client: Client,
    full: String,
    empty: String,
}

impl Scene {
    fn new() -> Self {
        let server = Server::start_with(&[("LOG__LEVEL", "trace")]);
        let client = server.client("demo").header("X-User-Id", "ann");
        let id = |reference: String| reference.rsplit('/').next().unwrap().to_owned();
        let full = id(client.create(&json!({"payload": CANARY, "payload_content_type": "text/plain"})));
        let empty = id(client.create(&json!({})));
        let metadata = format!("/v1/secrets/{full}/metadata");
        assert_eq!(client.json("PUT", &metadata, &json!({"metadata": {"k": "v"}})).status, 201);
        Self { server, client, full, empty }
    }

    fn reader(&self) -> Client {
        self.client.header("X-Roles", "Reader")
    }

    /// Sends, and checks what is on record, that only a success changes anything, and whom it names.
    fn check(&self, client: &Client, method: &str, path: &str, body: &[u8], expected: &Expected) -> Reply {
        let before = self.state();
        let reply = client.send(method, path, body);
        let label = format!("{method} {path} -> {}: {}", reply.status, reply.text());
        assert_eq!(reply.status, expected.status, "{label}");
        let records = self.server.records();
        let ended = outcomes(&records, &reply);
        assert_eq!(ended.len(), 1, "{label}: {ended:#?}");
        let record = ended[0];
        assert_eq!(record["action"], expected.action, "{label}");
        assert_eq!(record["reason"]["code"].as_str().unwrap_or_default(), expected.reason, "{label}");
        let outcome = if expected.reason.is_empty() { "success" } else { "refused" };
        assert_eq!(record["outcome"], outcome, "{label}");
        assert_eq!(record["target"].as_str(), expected.target.as_deref(), "{label}");
        assert_eq!(record["origin"]["address"], "127.0.0.1");

        let id = reply.header("x-openstack-request-id").unwrap();
        let ours = || records.iter().filter(|record| record["origin"]["request_id"] == id);
        for intent in ours().filter(|record| record["phase"] == "intent") {
            let same = |other: &&Value| other["change"] == intent["change"] && other["phase"] == "outcome";
            let closing = ours().find(same).expect("every intent has its outcome");
            assert!(intent["seq"].as_u64() < closing["seq"].as_u64(), "{label}");
        }
        let changes = ["secret.create", "secret.payload.store", "secret.delete", "secret.metadata.update"];
        if expected.reason.is_empty() {
            assert_eq!(record["change"].is_string(), changes.contains(&expected.action), "{label}");
        } else {
            assert_eq!(self.state(), before, "a refusal changed something: {label}");
        }
        reply
    }

    /// Everything a refusal must not change.
    fn state(&self) -> [Value; 3] {
        let secret = |id: &str, child: &str| self.client.get(&format!("/v1/secrets/{id}{child}")).value();
        [self.client.get("/v1/secrets").value(), secret(&self.full, "/metadata"), secret(&self.empty, "")]
    }
}

fn expect(status: u16, action: &'static str, reason: &'static str) -> Expected {
    Expected { status, action, reason, target: None }
}

/// As [`expect`], for an act on that secret.
fn about(id: &str, status: u16, action: &'static str, reason: &'static str) -> Expected {
    Expected { target: Some(format!("secret/{id}")), ..expect(status, action, reason) }
}

#[test]
fn discovery_routing_and_identity() {
    let scene = Scene::new();
    let client = &scene.client;
    let anonymous = client.without("X-Project-Id");
    let html = client.header("Accept", "text/html");
    let version = |value| client.header("OpenStack-API-Version", value);
    let item = format!("/v1/secrets/{}", scene.full);
    for (client, method, path, expected) in [
        (&anonymous, "GET", "/", expect(300, "version.read", "")),
        (&anonymous, "GET", "/?build", expect(200, "version.read", "")),
        (&anonymous, "POST", "/", expect(405, "request", "method-not-allowed")),
        (&anonymous, "GET", "/nowhere", expect(404, "request", "no-route")),
        (&html, "GET", "/", expect(406, "request", "not-acceptable")),
        (&version("key-manager x"), "GET", "/", expect(400, "request", "malformed-version")),
        (&anonymous, "GET", "/v1", expect(400, "authenticate", "malformed-identity")),
        (&anonymous, "DELETE", &item, expect(400, "authenticate", "malformed-identity")),
        (client, "GET", "/v1", expect(200, "version.read", "")),
        (&html, "GET", "/v1", expect(406, "version.read", "not-acceptable")),
        (client, "POST", "/v1", expect(405, "request", "method-not-allowed")),
        (client, "GET", "/v1/nowhere", expect(404, "request", "no-route")),
        (&version("key-manager x"), "GET", "/v1", expect(400, "request", "malformed-version")),
        (&version("key-manager 9.9"), "GET", "/v1", expect(406, "request", "unsupported-version")),
        (client, "HEAD", &item, expect(405, "request", "method-not-allowed")),
        (client, "PATCH", "/v1/secrets", expect(405, "request", "method-not-allowed")),
    ] {
        scene.check(client, method, path, b"", &expected);
    }
    scene.is_silent_about_payloads();
}

#[test]
fn who_is_named() {
    let scene = Scene::new();
    let reply = scene.reader().get("/v1/secrets");
    let records = scene.server.records();
    let record = outcomes(&records, &reply)[0];
    let caller = json!({"user": "ann", "project": "demo", "roles": ["reader"], "source": "unauthenticated"});
    assert_eq!(record["caller"], caller);
    assert_eq!(record["reason"], json!({"code": "forbidden", "rule": "secrets:get"}));
    let reply = scene.client.get("/v1/secrets?sort=size");
    let records = scene.server.records();
    let record = outcomes(&records, &reply)[0];
    assert_eq!(record["reason"], json!({"code": "invalid", "property": "sort"}));
    let reply = scene.client.without("X-Project-Id").get("/v1/secrets");
    let records = scene.server.records();
    assert_eq!(outcomes(&records, &reply)[0]["caller"], json!({"roles": [], "source": "anonymous"}));
}

#[test]
fn secrets() {
    let scene = Scene::new();
    let client = &scene.client;
    let json_client = client.header("Content-Type", "application/json");
    let reader = scene.reader();
    let odd = client.header("Accept", "foo/bar");
    let payload = json!({"payload": CANARY, "payload_content_type": "text/plain"}).to_string();
    let encoded = STANDARD.encode(CANARY);
    let not_valid = json!({"payload": encoded, "payload_content_type": "application/aes"}).to_string();
    let too_large = json!({"payload": CANARY.repeat(500), "payload_content_type": "text/plain"}).to_string();
    let malformed = format!("{{\"payload\": \"{CANARY}\"");
    let (list, create) = ("secret.list", "secret.create");
    for (client, method, path, body, expected) in [
        (client, "GET", "/v1/secrets?name=x", "", expect(200, list, "")),
        (client, "GET", "/v1/secrets?created=soon", "", expect(400, list, "invalid")),
        (&reader, "GET", "/v1/secrets", "", expect(403, list, "forbidden")),
        (&odd, "GET", "/v1/secrets", "", expect(406, list, "not-acceptable")),
        (&json_client, "POST", "/v1/secrets", &malformed, expect(400, create, "invalid")),
        (&json_client, "POST", "/v1/secrets", &not_valid, expect(400, create, "invalid")),
        (&json_client, "POST", "/v1/secrets", &too_large, expect(413, create, "too-large")),
        (&reader, "POST", "/v1/secrets", &payload, expect(403, create, "forbidden")),
        (&odd, "POST", "/v1/secrets", &payload, expect(406, create, "not-acceptable")),
        (client, "POST", "/v1/secrets", &payload, expect(415, create, "unsupported-media-type")),
    ] {
        scene.check(client, method, path, body.as_bytes(), &expected);
    }
    scene.check(&json_client, "POST", "/v1/secrets", b"\xff", &expect(400, create, "unreadable"));
    let reply = client.json("POST", "/v1/secrets", &serde_json::from_str(&payload).unwrap());
    let records = scene.server.records();
    let made = reply.value()["secret_ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(outcomes(&records, &reply)[0]["target"], format!("secret/{made}"));
    scene.is_silent_about_payloads();
}

#[test]
fn one_secret() {
    let scene = Scene::new();
    let Scene { client, full, empty, .. } = &scene;
    let reader = scene.reader();
    let foreign = scene.server.client("elsewhere").header("X-Roles", "member");
    let text = client.header("Content-Type", "text/plain");
    let [text_accepted, odd] = ["text/plain", "foo/bar"].map(|value| client.header("Accept", value));
    let latest = client.header("OpenStack-API-Version", "key-manager 1.2");
    let encoded = client.header("Content-Type", OCTETS).header("Content-Encoding", "base64");
    let (read, open, store, delete) =
        ("secret.read", "secret.payload.read", "secret.payload.store", "secret.delete");
    let large = CANARY.repeat(500);
    let [at_full, at_empty, at_unknown] = [full, empty, UNKNOWN].map(|id| format!("/v1/secrets/{id}"));
    let payload = |item: &str| format!("{item}/payload");
    let base64 = STANDARD.encode(CANARY);
    for (client, method, path, body, expected) in [
        (client, "GET", &at_full, "", about(full, 200, read, "")),
        (client, "GET", &at_unknown, "", about(UNKNOWN, 404, read, "not-found")),
        (client, "GET", &"/v1/secrets/x".to_owned(), "", expect(404, read, "invalid-id")),
        (&foreign, "GET", &at_full, "", about(full, 403, read, "forbidden")),
        (&text_accepted, "GET", &payload(&at_full), "", about(full, 200, open, "")),
        (&text_accepted, "GET", &at_full, "", about(full, 200, open, "")),
        (client, "GET", &payload(&at_empty), "", about(empty, 404, open, "not-found")),
        (&reader, "GET", &payload(&at_full), "", about(full, 403, open, "forbidden")),
        (&odd, "GET", &payload(&at_full), "", about(full, 406, open, "not-acceptable")),
        (&odd, "GET", &at_full, "", about(full, 406, open, "not-acceptable")),
        (client, "PUT", &payload(&at_full), CANARY, expect(405, "request", "method-not-allowed")),
        (&text, "PUT", &at_empty, "", about(empty, 400, store, "invalid")),
        (&encoded, "PUT", &at_empty, &base64[1..], about(empty, 400, store, "invalid")),
        (&reader, "PUT", &at_empty, CANARY, about(empty, 403, store, "forbidden")),
        (&text, "PUT", &at_unknown, CANARY, about(UNKNOWN, 404, store, "not-found")),
        (
            &text.header("Accept", "foo/bar"),
            "PUT",
            &at_empty,
            CANARY,
            about(empty, 406, store, "not-acceptable"),
        ),
        (&text, "PUT", &at_full, CANARY, about(full, 409, store, "conflict")),
        (&text, "PUT", &at_empty, &large, about(empty, 413, store, "too-large")),
        (client, "PUT", &at_empty, CANARY, about(empty, 415, store, "unsupported-media-type")),
        (&encoded, "PUT", &at_empty, &base64, about(empty, 204, store, "")),
        (&latest, "DELETE", &format!("{at_full}?force=x"), "", about(full, 400, delete, "invalid")),
        (&reader, "DELETE", &at_full, "", about(full, 403, delete, "forbidden")),
        (client, "DELETE", &at_unknown, "", about(UNKNOWN, 404, delete, "not-found")),
        (&odd, "DELETE", &at_full, "", about(full, 406, delete, "not-acceptable")),
    ] {
        scene.check(client, method, path, body.as_bytes(), &expected);
    }
    let other = client.create(&json!({"payload": CANARY, "payload_content_type": "text/plain"}));
    let id = other.rsplit('/').next().unwrap();
    scene.check(client, "DELETE", &other, b"", &about(id, 204, delete, ""));
    scene.is_silent_about_payloads();
}

#[test]
fn metadata() {
    let scene = Scene::new();
    let Scene { client, full, .. } = &scene;
    let json_client = client.header("Content-Type", "application/json");
    let reader = scene.reader().header("Content-Type", "application/json");
    let odd = json_client.header("Accept", "foo/bar");
    let (read, update) = ("secret.metadata.read", "secret.metadata.update");
    let [all, unknown] = [full, UNKNOWN].map(|id| format!("/v1/secrets/{id}/metadata"));
    let key = |all: &str, key: &str| format!("{all}/{key}");
    let (set, pair) = (r#"{"metadata": {"k": "v"}}"#, r#"{"key": "k", "value": "w"}"#);
    let absent = r#"{"key": "absent", "value": "w"}"#;
    for (client, method, path, body, expected) in [
        (client, "GET", &all, "", about(full, 200, read, "")),
        (client, "GET", &unknown, "", about(UNKNOWN, 404, read, "not-found")),
        (&reader, "GET", &all, "", about(full, 403, read, "forbidden")),
        (&odd, "GET", &all, "", about(full, 406, read, "not-acceptable")),
        (client, "DELETE", &all, "", expect(405, "request", "method-not-allowed")),
        (&json_client, "PUT", &all, "{}", about(full, 400, update, "invalid")),
        (&reader, "PUT", &all, set, about(full, 403, update, "forbidden")),
        (&json_client, "PUT", &unknown, set, about(UNKNOWN, 404, update, "not-found")),
        (&odd, "PUT", &all, set, about(full, 406, update, "not-acceptable")),
        (client, "PUT", &all, set, about(full, 415, update, "unsupported-media-type")),
        (&json_client, "PUT", &all, set, about(full, 201, update, "")),
        (&json_client, "POST", &all, "{}", about(full, 400, update, "invalid")),
        (&reader, "POST", &all, pair, about(full, 403, update, "forbidden")),
        (&json_client, "POST", &unknown, pair, about(UNKNOWN, 404, update, "not-found")),
        (&odd, "POST", &all, pair, about(full, 406, update, "not-acceptable")),
        (&json_client, "POST", &all, pair, about(full, 409, update, "conflict")),
        (client, "POST", &all, pair, about(full, 415, update, "unsupported-media-type")),
        (&json_client, "POST", &all, r#"{"key": "n", "value": "w"}"#, about(full, 201, update, "")),
        (client, "GET", &key(&all, "k"), "", about(full, 200, read, "")),
        (client, "GET", &key(&all, "absent"), "", about(full, 404, read, "not-found")),
        (&reader, "GET", &key(&all, "k"), "", about(full, 403, read, "forbidden")),
        (&odd, "GET", &key(&all, "k"), "", about(full, 406, read, "not-acceptable")),
        (client, "POST", &key(&all, "k"), "", expect(405, "request", "method-not-allowed")),
        (&json_client, "PUT", &key(&all, "k"), "[]", about(full, 400, update, "invalid")),
        (&reader, "PUT", &key(&all, "k"), pair, about(full, 403, update, "forbidden")),
        (&json_client, "PUT", &key(&all, "absent"), absent, about(full, 404, update, "not-found")),
        (&odd, "PUT", &key(&all, "k"), pair, about(full, 406, update, "not-acceptable")),
        (&json_client, "PUT", &key(&all, "n"), pair, about(full, 409, update, "conflict")),
        (client, "PUT", &key(&all, "k"), pair, about(full, 415, update, "unsupported-media-type")),
        (&json_client, "PUT", &key(&all, "k"), pair, about(full, 200, update, "")),
        (&reader, "DELETE", &key(&all, "k"), "", about(full, 403, update, "forbidden")),
        (client, "DELETE", &key(&unknown, "k"), "", about(UNKNOWN, 404, update, "not-found")),
        (&odd, "DELETE", &key(&all, "k"), "", about(full, 406, update, "not-acceptable")),
        (client, "DELETE", &key(&all, "absent"), "", about(full, 204, update, "")),
        (client, "DELETE", &key(&all, "k"), "", about(full, 204, update, "")),
    ] {
        scene.check(client, method, path, body.as_bytes(), &expected);
    }
    scene.is_silent_about_payloads();
}

impl Scene {
    /// The payload is stored and readable, and in no line of the journal or the log, as it is or encoded.
    fn is_silent_about_payloads(&self) {
        let reply = self.client.payload(&format!("/v1/secrets/{}", self.full), "text/plain");
        assert_eq!(reply.text(), CANARY);
        let journal = self.server.data_dir().join("journal");
        let segments = std::fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
        let text: String = segments
            .map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned())
            .collect();
        let log = self.server.log();
        // Enough is said to have given it away.
        assert!(text.contains("secret.payload.read") && log.contains("answered"), "{log}");
        for place in [&text, &log] {
            // Any of the three ways that its middle can fall on base64's groups would do.
            for start in 0..3 {
                let encoded = STANDARD.encode(&CANARY.as_bytes()[start..start + 24]);
                assert!(!place.contains(&encoded[2..]), "a payload is given away");
            }
            assert!(!place.contains("must-not-be-seen"), "a payload is given away");
            assert!(!place.contains(&format!("{:?}", &CANARY.as_bytes()[..8])), "a payload is given away");
        }
    }
}
