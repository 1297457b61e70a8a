//! `DELETE /secrets/{id}`.

use serde_json::json;
use strongroom_tests::{Server, Wire};

// F-121, F-123 to F-125.
#[test]
fn a_deleted_secret_is_gone_with_everything_it_had() {
    let server = Server::start();
    let client = server.client("demo");
    let secret = json!({"name": "n", "payload": "x", "payload_content_type": "text/plain"});
    for (version, query, status) in [
        ("1.0", "", 204),
        ("1.0", "?force=maybe", 204),
        ("1.1", "?force=", 204),
        ("1.2", "", 204),
        ("1.2", "?force=true", 204),
        ("1.2", "?force=YES", 204),
        ("1.2", "?force=on", 204),
        ("1.2", "?force=t", 204),
        ("1.2", "?force=y", 204),
        ("1.2", "?force=1", 204),
        ("1.2", "?force=False", 204),
        ("1.2", "?force=off", 204),
        ("1.2", "?force=f", 204),
        ("1.2", "?force=n", 204),
        ("1.2", "?force=no", 204),
        ("1.2", "?force=0", 204),
        ("latest", "?force", 400),
        ("1.2", "?force=", 400),
        ("1.2", "?force=maybe", 400),
        ("1.2", "?force=2", 400),
        ("1.2", "?force=true&force=x", 400),
    ] {
        let reference = client.create(&secret);
        let metadata = format!("{reference}/metadata");
        assert_eq!(client.json("PUT", &metadata, &json!({"metadata": {"k": "v"}})).status, 201);
        let asking = client.header("OpenStack-API-Version", &format!("key-manager {version}"));
        let reply = asking.delete(&format!("{reference}{query}"));
        assert_eq!(reply.status, status, "{version} {query}: {}", reply.text());
        if status == 400 {
            reply.error(400);
            assert_eq!(client.payload(&reference, "text/plain").text(), "x", "{query}");
            assert_eq!(client.get(&metadata).value(), json!({"metadata": {"k": "v"}}));
            assert_eq!(client.delete(&reference).status, 204);
        } else {
            assert_eq!((reply.body.as_slice(), reply.header("content-type")), (&b""[..], None));
        }
        for reply in [
            client.get(&reference),
            client.payload(&reference, "text/plain"),
            client.get(&metadata),
            client.get(&format!("{metadata}/k")),
            client.delete(&reference),
            client.delete(&format!("{metadata}/k")),
            client.json("POST", &metadata, &json!({"key": "k2", "value": "v"})),
            client.header("Content-Type", "text/plain").send("PUT", &reference, b"x"),
        ] {
            assert_eq!(reply.error(404), "There is no such secret.");
        }
        assert_eq!(client.total(), 0);
    }
}

// 6.6: a body is ignored, whatever it is.
#[test]
fn a_body_is_ignored() {
    let server = Server::start();
    let client = server.client("demo");
    let mut wire = Wire::connect(server.address());
    for body in ["{}", "nonsense", "\u{0}", ""] {
        let reference = client.create(&json!({}));
        let path = reference.strip_prefix(&server.endpoint()).unwrap();
        let head = format!("DELETE {path} HTTP/1.1\r\nHost: h\r\nX-Project-Id: demo\r\n");
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        wire.send(request.as_bytes()).unwrap();
        assert_eq!(wire.reply("DELETE").unwrap().unwrap().status, 204, "{body:?}");
    }
}

// F-106, and a race: of many deletions exactly one is the one that deleted.
#[test]
fn what_is_not_there_is_not_deleted() {
    let server = Server::start();
    let client = server.client("demo");
    for id in ["94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f", "94C3E0A2-6B8B-4B7E-8E9F-0A1B2C3D4E5F", "x"] {
        client.delete(&format!("/v1/secrets/{id}")).error(404);
    }
    let reference = client.create(&json!({"payload": "x", "payload_content_type": "text/plain"}));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let deletions: Vec<_> = (0..8)
            .map(|_| {
                let (client, reference) = (client.clone(), &reference);
                scope.spawn(move || client.delete(reference).status)
            })
            .collect();
        deletions.into_iter().map(|deletion| deletion.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 204 | 404)), "{statuses:?}");
    assert_eq!(client.total(), 0);
}
