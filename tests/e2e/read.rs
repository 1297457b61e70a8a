//! `GET /secrets/{id}`, as metadata and as payload.

use std::thread;
use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::{Value, json};
use strongroom_tests::Server;

const OCTETS: &str = "application/octet-stream";

// F-092 to F-094.
#[test]
fn the_document() {
    let server = Server::start();
    let client = server.client("demo").header("X-User-Id", "ann");
    let reference = client.create(&json!({
        "name": "n", "algorithm": "aes", "mode": "cbc", "bit_length": 256, "secret_type": "symmetric",
        "expiration": "2050", "payload": "QUJD", "payload_content_type": OCTETS,
        "payload_content_encoding": "base64",
    }));
    let full = client.get(&reference).value();
    assert_eq!(
        full,
        json!({
            "created": full["created"], "updated": full["created"], "status": "ACTIVE", "name": "n",
            "secret_type": "symmetric", "expiration": "2050-01-01T00:00:00", "algorithm": "aes",
            "mode": "cbc", "bit_length": 256, "creator_id": "ann",
            "content_types": {"default": OCTETS}, "secret_ref": reference,
        })
    );
    let bare = client.without("X-User-Id").create(&json!({}));
    let document = client.get(&bare).value();
    assert_eq!(
        document,
        json!({
            "created": document["created"], "updated": document["created"], "status": "ACTIVE",
            "name": null, "secret_type": "opaque", "expiration": null, "algorithm": null, "mode": null,
            "bit_length": null, "creator_id": null, "secret_ref": bare,
        })
    );
    for (version, consumers) in [("1.0", None), ("1.1", Some(json!([]))), ("1.2", Some(json!([])))] {
        let asking = client.header("OpenStack-API-Version", &format!("key-manager {version}"));
        assert_eq!(asking.get(&reference).value().get("consumers"), consumers.as_ref(), "{version}");
        let list = asking.get("/v1/secrets").value();
        assert_eq!(list["secrets"][0].get("consumers"), consumers.as_ref(), "{version}");
        // An item of the list is the document.
        assert_eq!(list["secrets"][0], asking.get(&reference).value());
    }
}

// F-095, F-096: what the raw header means on the item.
#[test]
fn the_item_is_its_metadata_for_three_accepts_only() {
    let server = Server::start();
    let client = server.client("demo");
    let secret = client.create(&json!({"payload": "s3cret", "payload_content_type": "text/plain"}));
    assert!(client.get(&secret).value()["secret_ref"].is_string());
    for accept in ["application/json", "*/*"] {
        let reply = client.header("Accept", accept).get(&secret);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{accept}");
    }
    for (accept, status) in [
        ("text/plain", 200),
        (OCTETS, 200),
        ("", 200),
        ("application/json;q=0.9", 406),
        ("application/json, */*", 406),
        ("application/json, text/plain", 406),
        ("*/*;q=0.5", 406),
        ("image/png", 406),
    ] {
        let reply = client.header("Accept", accept).get(&secret);
        assert_eq!(reply.status, status, "{accept:?}: {}", reply.text());
        if status == 200 {
            assert_eq!(reply.text(), "s3cret", "{accept:?}");
        }
    }
    // The payload's rule applies, not the metadata's: a foreign admin may read only the latter.
    let foreign = server.client("elsewhere").header("X-Roles", "admin");
    assert_eq!(foreign.get(&secret).status, 200);
    assert_eq!(foreign.payload(&secret, "text/plain").status, 403);
    assert_eq!(foreign.header("Accept", "text/plain").get(&secret).status, 403);
    assert_eq!(foreign.header("Accept", "application/json, */*").get(&secret).status, 403);
}

// F-097 to F-104.
#[test]
fn payloads_come_as_asked() {
    let server = Server::start();
    let client = server.client("demo");
    let stored = |bytes: &[u8], content_type: &str| {
        let secret = client.create(&json!({}));
        let reply = client.header("Content-Type", content_type).send("PUT", &secret, bytes);
        assert_eq!(reply.status, 204);
        secret
    };
    let text = stored("gr\u{fc}n".as_bytes(), "text/plain");
    let binary = stored(b"\xff\xef\x00", OCTETS);
    let odd_text = stored(b"\xff\xef\x00", "text/plain");
    let pkcs8 = client.create(&json!({"payload": "QUJD", "payload_content_type": "application/pkcs8",
        "payload_content_encoding": "base64"}));
    let utf8 = "text/plain; charset=UTF-8";
    for (secret, accept, content_type) in [
        (&text, None, Some(OCTETS)),
        (&text, Some(""), Some(OCTETS)),
        (&text, Some("*/*"), Some(utf8)),
        (&text, Some("text/plain"), Some(utf8)),
        (&text, Some("text/plain;charset=utf-8"), Some("text/plain; charset=utf-8")),
        (&text, Some("text/plain; charset=Utf-8"), Some("text/plain; charset=Utf-8")),
        (&text, Some("text/plain; charset=utf-8; x=y"), Some("text/plain; charset=utf-8")),
        (&text, Some(OCTETS), Some(OCTETS)),
        (&text, Some("application/pkcs8"), Some("application/pkcs8")),
        (&binary, None, Some(OCTETS)),
        (&binary, Some("*/*"), Some(OCTETS)),
        (&binary, Some(OCTETS), Some(OCTETS)),
        (&binary, Some("application/pkcs8"), Some("application/pkcs8")),
        (&binary, Some("text/plain"), None),
        (&binary, Some("text/plain;charset=utf-8"), None),
        (&odd_text, Some("text/plain"), None),
        (&odd_text, Some(OCTETS), Some(OCTETS)),
        (&odd_text, Some("*/*"), Some(OCTETS)),
        (&pkcs8, Some("*/*"), Some("application/pkcs8")),
        (&pkcs8, Some("text/plain"), Some(utf8)),
        (&text, Some("application/json"), None),
        (&text, Some("text/*"), None),
        (&text, Some("text/plain, */*"), None),
        (&text, Some("text/plain;charset=latin-1"), None),
        (&text, Some("text/plain;q=0.9"), None),
        (&text, Some("application/pkix-cert"), None),
        (&text, Some("image/png"), None),
    ] {
        let asking = accept.map_or(client.clone(), |value| client.header("Accept", value));
        let reply = asking.get(&format!("{secret}/payload"));
        let bytes: &[u8] = match secret {
            _ if *secret == text => "gr\u{fc}n".as_bytes(),
            _ if *secret == pkcs8 => b"ABC",
            _ => b"\xff\xef\x00",
        };
        match content_type {
            Some(expected) => {
                assert_eq!(reply.status, 200, "{accept:?}: {}", reply.text());
                assert_eq!(reply.header("content-type"), Some(expected), "{accept:?}");
                assert_eq!(reply.header("content-encoding"), None);
                assert_eq!(reply.body, bytes, "{accept:?}");
            }
            None => assert!(reply.error(406).is_string(), "{accept:?}"),
        }
    }
    let query = "trans_wrapped_session_key=eA==";
    client.get(&format!("{text}/payload?{query}")).error(400);
}

// F-104, F-106, F-220: what is not there, and what is not theirs.
#[test]
fn absence_is_told_before_refusal() {
    let server = Server::start();
    let client = server.client("demo");
    let secret = client.create(&json!({}));
    let no_payload = client.payload(&secret, "text/plain").error(404);
    let unknown = client.get("/v1/secrets/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f").error(404);
    let invalid = client.get("/v1/secrets/nonsense").error(404);
    assert!(no_payload != unknown && unknown != invalid, "{no_payload} {unknown} {invalid}");
    let nobody = server.client("elsewhere").header("X-Roles", "nobody");
    for id in [
        "94c3e0a2-6b8b-1b7e-8e9f-0a1b2c3d4e5f",
        "94C3E0A2-6B8B-4B7E-8E9F-0A1B2C3D4E5F",
        "94c3e0a26b8b4b7e8e9f0a1b2c3d4e5f",
        "%00",
        "..%2F..",
        "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f",
    ] {
        for child in ["", "/payload", "/metadata", "/metadata/k"] {
            assert_eq!(nobody.get(&format!("/v1/secrets/{id}{child}")).status, 404, "{id}{child}");
        }
    }
    for child in ["", "/payload", "/metadata", "/metadata/k"] {
        assert_eq!(nobody.get(&format!("{secret}{child}")).status, 403, "{child}");
    }
}

// 18, F-120: from its expiration on a secret does not exist for any call.
#[test]
fn an_expired_secret_is_gone() {
    let server = Server::start();
    let client = server.client("demo");
    let keeper = client.create(&json!({"name": "keeper"}));
    let now: NaiveDateTime = client.get(&keeper).value()["created"].as_str().unwrap().parse().unwrap();
    let soon = (now + TimeDelta::seconds(3)).format("%FT%T%.6f").to_string();
    let secret = client.create(&json!({"name": "brief", "expiration": soon, "payload": "x",
        "payload_content_type": "text/plain"}));
    assert_eq!(client.get(&secret).status, 200);
    assert_eq!(client.total(), 2);
    let deadline = Instant::now() + Duration::from_secs(10);
    while client.get(&secret).status == 200 {
        assert!(Instant::now() < deadline, "it does not expire");
        thread::sleep(Duration::from_millis(50));
    }
    let text = client.header("Content-Type", "text/plain");
    let metadata = format!("{secret}/metadata");
    for reply in [
        client.get(&secret),
        client.payload(&secret, "text/plain"),
        text.send("PUT", &secret, b"x"),
        client.delete(&secret),
        client.get(&metadata),
        client.json("PUT", &metadata, &json!({"metadata": {}})),
        client.json("POST", &metadata, &json!({"key": "k", "value": "v"})),
        client.delete(&format!("{metadata}/k")),
    ] {
        assert_eq!(reply.error(404), "There is no such secret.");
    }
    let list = client.get("/v1/secrets").value();
    assert_eq!((&list["total"], &list["secrets"][0]["secret_ref"]), (&json!(1), &json!(keeper)));
    assert_eq!(client.get("/v1/secrets?expiration=lt:2051").value()["total"], 0);
}

// 6.1: what `updated` does not follow.
#[test]
fn a_document_stays_the_same_when_read() {
    let server = Server::start();
    let client = server.client("demo");
    let secret = client.create(&json!({"payload": "x", "payload_content_type": "text/plain"}));
    let before: Value = client.get(&secret).value();
    client.payload(&secret, "text/plain");
    client.get(&format!("{secret}/metadata"));
    client.json("PUT", &format!("{secret}/metadata"), &json!({"metadata": {"k": "v"}}));
    assert_eq!(client.get(&secret).value(), before, "neither reading nor metadata changes it");
}
