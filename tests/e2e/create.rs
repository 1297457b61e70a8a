//! `POST /secrets`: every field and every rule, and that a refusal stores nothing.

use serde_json::{Value, json};
use strongroom_tests::{Client, Server};

const OCTETS: &str = "application/octet-stream";

fn post(client: &Client, secret: &Value) -> strongroom_tests::Reply {
    client.json("POST", "/v1/secrets", secret)
}

fn described(client: &Client, secret: &Value) -> Value {
    client.get(&client.create(secret)).value()
}

// F-059 to F-063, F-070, F-071, F-080: what is stored is what was meant.
#[test]
fn payloads_are_stored_as_meant() {
    let server = Server::start();
    let client = server.client("demo");
    let text =
        |payload: &str, content_type: &str| json!({"payload": payload, "payload_content_type": content_type});
    let base64 = |payload: &str, content_type: &str| json!({"payload": payload, "payload_content_type": content_type, "payload_content_encoding": "base64"});
    for (secret, stored_type, bytes) in [
        (text("s3cret", "text/plain"), "text/plain", &b"s3cret"[..]),
        (text("  pad  ", "text/plain"), "text/plain", b"pad"),
        (text("\u{e4}\u{1f511}", "text/plain"), "text/plain", "\u{e4}\u{1f511}".as_bytes()),
        (text("a\u{0}b", "text/plain"), "text/plain", b"a\0b"),
        (text("x", "TEXT/plain"), "text/plain", b"x"),
        (text("x", "text/plain;charset=utf-8"), "text/plain", b"x"),
        (text("x", "text/plain; charset=UTF-8"), "text/plain", b"x"),
        (text("x", "  text/plain ; charset = Utf-8 "), "text/plain", b"x"),
        (base64("AAH/", OCTETS), OCTETS, b"\x00\x01\xff"),
        (base64("QU JD\nRA==", OCTETS), OCTETS, b"ABCD"),
        (base64("AAH/", "application/pkcs8"), "application/pkcs8", b"\x00\x01\xff"),
        (base64("AAH/", "Application/Octet-Stream"), OCTETS, b"\x00\x01\xff"),
    ] {
        let reply = post(&client, &secret);
        assert_eq!(reply.status, 201, "{secret}: {}", reply.text());
        let reference = reply.value()["secret_ref"].as_str().unwrap().to_owned();
        assert_eq!(reply.value(), json!({"secret_ref": reference}));
        assert_eq!(reply.header("location"), Some(&*reference));
        assert!(reference.starts_with(&format!("{}/v1/secrets/", server.endpoint())), "{reference}");
        assert_eq!(
            client.get(&reference).value()["content_types"],
            json!({"default": stored_type}),
            "{secret}"
        );
        assert_eq!(client.payload(&reference, OCTETS).body, bytes, "{secret}");
    }
    // what decodes to nothing is a payload, of no bytes.
    let reference = client.create(&base64("!!!!", OCTETS));
    assert_eq!(client.get(&reference).value()["content_types"], json!({"default": OCTETS}));
    let reply = client.payload(&reference, OCTETS);
    assert_eq!((reply.status, reply.body.as_slice(), reply.header("content-type")), (204, &b""[..], None));
    // F-080: nobody looks whether it is a certificate of that many bits.
    let mut odd = text("garbage", "text/plain");
    odd["secret_type"] = "certificate".into();
    odd["bit_length"] = 4096.into();
    client.create(&odd);
}

// F-059, F-072 to F-076, F-078, F-079: the other fields.
#[test]
fn fields_are_kept() {
    let server = Server::start();
    let client = server.client("demo").header("X-User-Id", "ann");
    let bare = described(&client, &json!({}));
    for (field, value) in [
        ("name", Value::Null),
        ("algorithm", Value::Null),
        ("mode", Value::Null),
        ("bit_length", Value::Null),
        ("expiration", Value::Null),
        ("secret_type", json!("opaque")),
        ("status", json!("ACTIVE")),
        ("creator_id", json!("ann")),
    ] {
        assert_eq!(bare[field], value, "{field}");
    }
    let long = "ä".repeat(255);
    for (field, value, kept) in [
        ("name", json!(long), json!(long)),
        ("name", Value::Null, Value::Null),
        ("name", json!(""), json!("")),
        ("algorithm", json!("any thing"), json!("any thing")),
        ("algorithm", json!(long), json!(long)),
        ("mode", json!("xyz"), json!("xyz")),
        ("bit_length", json!(1), json!(1)),
        ("bit_length", json!(7), json!(7)),
        ("bit_length", json!(32_767), json!(32_767)),
        ("secret_type", json!("symmetric"), json!("symmetric")),
        ("secret_type", json!("passphrase"), json!("passphrase")),
        ("secret_type", json!("private"), json!("private")),
        ("secret_type", json!("public"), json!("public")),
        ("secret_type", json!("certificate"), json!("certificate")),
        ("secret_type", json!(" opaque "), json!("opaque")),
        ("expiration", json!(""), Value::Null),
        ("expiration", json!("   "), Value::Null),
        ("expiration", json!("2050"), json!("2050-01-01T00:00:00")),
        ("expiration", json!("2050-02-03"), json!("2050-02-03T00:00:00")),
        ("expiration", json!("20500101T100000Z"), json!("2050-01-01T10:00:00")),
        ("expiration", json!("2050-01-01 10:11:12.5"), json!("2050-01-01T10:11:12.500000")),
        ("expiration", json!("2050-01-01T10:00:00+05:00"), json!("2050-01-01T05:00:00")),
        ("transport_key_needed", json!("false"), Value::Null),
        ("payload_content_encoding", json!("base64"), Value::Null),
        ("creator_id", json!("eve"), json!("ann")),
        ("project_id", json!("elsewhere"), Value::Null),
        ("status", json!("PENDING"), json!("ACTIVE")),
        ("whatever", json!({"x": [1, null]}), Value::Null),
    ] {
        assert_eq!(described(&client, &json!({field: value}))[field], kept, "{field}: {value}");
    }
}

// F-064 to F-069, F-072 to F-077: every refusal, and nothing left behind.
#[test]
fn what_breaks_a_rule_is_refused_and_stores_nothing() {
    let server = Server::start();
    let client = server.client("demo");
    let long = "x".repeat(256);
    let text = "text/plain";
    let refused = [
        json!({"name": 5}),
        json!({"name": ["n"]}),
        json!({"name": long}),
        json!({"algorithm": long}),
        json!({"algorithm": null}),
        json!({"algorithm": 1}),
        json!({"mode": long}),
        json!({"mode": null}),
        json!({"mode": {}}),
        json!({"bit_length": 0}),
        json!({"bit_length": -8}),
        json!({"bit_length": 32_768}),
        json!({"bit_length": null}),
        json!({"bit_length": "256"}),
        json!({"secret_type": null}),
        json!({"secret_type": "Opaque"}),
        json!({"secret_type": "unknown"}),
        json!({"secret_type": ""}),
        json!({"expiration": null}),
        json!({"expiration": 2050}),
        json!({"expiration": "soon"}),
        json!({"expiration": "2020-01-01"}),
        json!({"expiration": "2050-02-30"}),
        json!({"expiration": format!("2050{}", " ".repeat(0) + &"0".repeat(255))}),
        json!({"transport_key_needed": true}),
        json!({"transport_key_needed": "true"}),
        json!({"transport_key_needed": "yes"}),
        json!({"transport_key_id": "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f"}),
        // A payload without its type, or of a type that is not taken.
        json!({"payload": "x"}),
        json!({"payload": "x", "payload_content_type": null}),
        json!({"payload": "x", "payload_content_type": 5}),
        json!({"payload": "x", "payload_content_type": ""}),
        json!({"payload": "x", "payload_content_type": "text/plain;charset=latin-1"}),
        json!({"payload": "x", "payload_content_type": "text/html"}),
        json!({"payload": "x", "payload_content_type": long}),
        json!({"payload": "eA==", "payload_content_encoding": "base64", "payload_content_type": "application/aes"}),
        json!({"payload": "eA==", "payload_content_encoding": "base64", "payload_content_type": "application/pkix-cert"}),
        // A type without its payload.
        json!({"payload_content_type": text}),
        json!({"payload_content_type": null}),
        json!({"payload_content_type": ""}),
        // An encoding that does not fit.
        json!({"payload": "eA==", "payload_content_type": text, "payload_content_encoding": "base64"}),
        json!({"payload": "eA==", "payload_content_type": OCTETS}),
        json!({"payload": "eA==", "payload_content_type": "application/pkcs8"}),
        json!({"payload": "eA==", "payload_content_type": OCTETS, "payload_content_encoding": "binary"}),
        json!({"payload": "eA==", "payload_content_type": OCTETS, "payload_content_encoding": "BASE64"}),
        json!({"payload": "eA==", "payload_content_type": OCTETS, "payload_content_encoding": null}),
        json!({"payload_content_encoding": "gzip"}),
        // No payload to speak of.
        json!({"payload": "", "payload_content_type": text}),
        json!({"payload": " \n\t ", "payload_content_type": text}),
        json!({"payload": null, "payload_content_type": text}),
        json!({"payload": 5, "payload_content_type": text}),
        json!({"payload": ["x"], "payload_content_type": text}),
        json!({"payload": "", "payload_content_type": OCTETS, "payload_content_encoding": "base64"}),
        json!({"payload": "abc", "payload_content_type": OCTETS, "payload_content_encoding": "base64"}),
    ];
    for secret in &refused {
        let reply = post(&client, secret);
        assert_eq!(reply.status, 400, "{secret}: {}", reply.text());
        let description = reply.error(400);
        assert!(description.as_str().unwrap().contains("schema 'Secret'"), "{secret}: {description}");
    }
    assert_eq!(client.total(), 0);
}

// F-066, 6.2: of several faults the first in the order of the rules is told.
#[test]
fn the_first_broken_rule_is_told() {
    let server = Server::start();
    let client = server.client("demo");
    let long = "!".repeat(20_001);
    for (secret, property) in [
        (json!({"payload": long, "payload_content_encoding": "base64"}), "payload"),
        (
            json!({"payload": long, "payload_content_type": "text/html", "payload_content_encoding": "base64"}),
            "payload_content_type",
        ),
        (
            json!({"payload": long, "payload_content_type": "text/plain", "payload_content_encoding": "base64"}),
            "payload_content_encoding",
        ),
    ] {
        let description = post(&client, &secret).error(400);
        let ending = format!("Invalid property: '{property}'");
        assert!(description.as_str().unwrap().ends_with(&ending), "{description}");
    }
    let secret =
        json!({"payload": long, "payload_content_type": OCTETS, "payload_content_encoding": "base64"});
    post(&client, &secret).error(413);
    assert_eq!(client.total(), 0);
}
