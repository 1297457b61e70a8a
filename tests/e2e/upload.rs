//! `PUT /secrets/{id}`: the second step of a two-step creation.

use serde_json::json;
use strongroom_tests::Server;

const TEXT: &str = "text/plain";
const OCTETS: &str = "application/octet-stream";

// F-082, F-086, F-089, F-090: bytes arrive as they were sent, or as they were encoded.
#[test]
fn bodies_are_stored_verbatim() {
    let server = Server::start();
    let client = server.client("demo");
    for (content_type, encoding, body, stored_type, stored) in [
        (TEXT, None, &b"s3cret"[..], TEXT, &b"s3cret"[..]),
        (TEXT, None, b"  \n pad \t", TEXT, b"  \n pad \t"),
        (TEXT, None, b"a\0b", TEXT, b"a\0b"),
        (TEXT, None, b"\xff\xef", TEXT, b"\xff\xef"),
        ("text/plain; charset=latin-1", None, b"x", TEXT, b"x"),
        (TEXT, Some("base64"), b"eA==", TEXT, b"eA=="),
        (TEXT, Some("gzip"), b"x", TEXT, b"x"),
        (OCTETS, None, b" \0\xff ", OCTETS, b" \0\xff "),
        ("application/octet-stream; x=y", None, b"x", OCTETS, b"x"),
        (OCTETS, Some("base64"), b"AAH/", OCTETS, b"\x00\x01\xff"),
        (OCTETS, Some("BASE64"), b"QU JD\nRA==", OCTETS, b"ABCD"),
    ] {
        let secret = client.create(&json!({"name": "two steps"}));
        let before = client.get(&secret).value();
        assert!(before.get("content_types").is_none());
        let mut sending = client.header("Content-Type", content_type);
        if let Some(encoding) = encoding {
            sending = sending.header("Content-Encoding", encoding);
        }
        let reply = sending.send("PUT", &secret, body);
        assert_eq!((reply.status, reply.body.as_slice()), (204, &b""[..]), "{content_type} {encoding:?}");
        assert_eq!(reply.header("content-type"), None);
        assert_eq!(client.payload(&secret, OCTETS).body, stored, "{content_type} {encoding:?}");
        // Nothing else changes but the time of the last change.
        let mut after = client.get(&secret).value();
        assert_eq!(after["content_types"], json!({"default": stored_type}));
        assert!(after["updated"].as_str() > before["updated"].as_str(), "{after}");
        after["updated"] = before["updated"].clone();
        after.as_object_mut().unwrap().remove("content_types");
        assert_eq!(after, before);
    }
}

// F-083 to F-085, F-087, F-088, F-091: refusals, after which the secret still takes its payload.
#[test]
fn refusals_leave_the_secret_without_a_payload() {
    let server = Server::start();
    let client = server.client("demo");
    let secret = client.create(&json!({}));
    for (content_type, encoding, body, status) in [
        (Some(TEXT), None, &b""[..], 400),
        (Some(OCTETS), None, b"", 400),
        (Some("TEXT/PLAIN"), None, b"x", 415),
        (Some("Application/Octet-Stream"), None, b"x", 415),
        (Some("application/json"), None, b"{}", 415),
        (Some("application/pkcs8"), None, b"x", 415),
        (Some("application/x-www-form-urlencoded"), None, b"x", 415),
        (Some(""), None, b"x", 415),
        (None, None, b"x", 415),
        (None, None, b"", 415),
        (Some(OCTETS), Some("gzip"), b"x", 400),
        (Some(OCTETS), Some("binary"), b"x", 400),
        (Some(OCTETS), Some("base64, gzip"), b"eA==", 400),
        (Some(OCTETS), Some("base64"), b"abc", 400),
        (Some(OCTETS), Some("base64"), b"eA=", 400),
    ] {
        let mut sending = client.clone();
        for (name, value) in [("Content-Type", content_type), ("Content-Encoding", encoding)] {
            if let Some(value) = value {
                sending = sending.header(name, value);
            }
        }
        let reply = sending.send("PUT", &secret, body);
        assert_eq!(reply.status, status, "{content_type:?} {encoding:?} {body:?}: {}", reply.text());
        reply.error(status);
    }
    assert_eq!(client.payload(&secret, TEXT).status, 404);
    let text = client.header("Content-Type", TEXT);
    text.send("PUT", &format!("{secret}?transport_key_id=94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f"), b"x")
        .error(400);
    assert_eq!(text.send("PUT", &secret, b"first").status, 204);
    text.send("PUT", &secret, b"second").error(409);
    // What the body would be worth does not matter any more.
    client
        .header("Content-Type", OCTETS)
        .header("Content-Encoding", "gzip")
        .send("PUT", &secret, b"x")
        .error(409);
    assert_eq!(client.payload(&secret, TEXT).text(), "first");
    let one_step = client.create(&json!({"payload": "x", "payload_content_type": TEXT}));
    text.send("PUT", &one_step, b"second").error(409);
    for id in ["94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f", "94C3E0A2-6B8B-4B7E-8E9F-0A1B2C3D4E5F", "x"] {
        text.send("PUT", &format!("/v1/secrets/{id}"), b"x").error(404);
    }
}

// F-083: of many uploads at once exactly one is acknowledged, and its bytes are the ones kept.
#[test]
fn one_of_many_uploads_wins() {
    let server = Server::start();
    let client = server.client("demo").header("Content-Type", TEXT);
    let secret = server.client("demo").create(&json!({}));
    let statuses: Vec<(u16, String)> = std::thread::scope(|scope| {
        let uploads: Vec<_> = (0..8)
            .map(|number| {
                let (client, secret) = (client.clone(), &secret);
                scope.spawn(move || {
                    let body = format!("upload {number}");
                    (client.send("PUT", secret, body.as_bytes()).status, body)
                })
            })
            .collect();
        uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
    });
    let won: Vec<_> = statuses.iter().filter(|(status, _)| *status == 204).collect();
    assert_eq!(won.len(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|(status, _)| matches!(status, 204 | 409)), "{statuses:?}");
    assert_eq!(client.payload(&secret, TEXT).text(), won[0].1);
}
