//! Transport keys, which are kept and shown, and can't be used.

use serde_json::{Value, json};
use strongroom_tests::Server;

const ID: &str = "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";

// F-239, F-240, Q-16.
#[test]
fn keys_are_kept() {
    let server = Server::start();
    let client = server.client("demo").header("Accept", "application/json");
    let add = |plugin: &str| {
        let reply = client.json(
            "POST",
            "/v1/transport_keys/",
            &json!({"plugin_name": plugin, "transport_key": "PEM"}),
        );
        assert_eq!(reply.status, 201, "{}", reply.text());
        let reference = reply.value()["transport_key_ref"].as_str().unwrap().to_owned();
        assert_eq!(
            (reply.value(), reply.header("location")),
            (json!({"transport_key_ref": reference}), Some(&*reference))
        );
        reference
    };
    let (one, other) = (add("one"), add("other"));
    for (query, found) in
        [("", vec![&one, &other]), ("?plugin_name=other", vec![&other]), ("?plugin_name=x", vec![])]
    {
        let list = client.get(&format!("/v1/transport_keys{query}")).value();
        assert_eq!(
            (&list["transport_keys"], &list["total"]),
            (&json!(found), &json!(found.len())),
            "{query}"
        );
    }
    let page = client.get("/v1/transport_keys?limit=1&plugin_name=").value();
    assert_eq!(page["next"], format!("{}/v1/transport_keys?limit=1&offset=1", server.endpoint()));
    let key = client.get(&one).value();
    let created = key["created_at"].as_str().unwrap();
    assert!(created.as_bytes()[10] == b' ', "{created}");
    assert_eq!(
        key,
        json!({
            "id": one.rsplit('/').next(), "plugin_name": "one", "transport_key": "PEM", "status": "ACTIVE",
            "created_at": created, "updated_at": created, "deleted_at": null, "deleted": false,
        })
    );
    assert_eq!(client.delete(&one).status, 204);
    for path in [one, format!("/v1/transport_keys/{ID}")] {
        assert_eq!(client.get(&path).error(404), "There is no such transport key.");
        assert_eq!(client.delete(&path).error(404), "There is no such transport key.");
    }
    client.get("/v1/transport_keys/nonsense").error(404);
    client.get("/v1/transport-keys").error(404);
    for body in [
        json!({}),
        json!({"plugin_name": "p"}),
        json!({"transport_key": "k"}),
        json!({"plugin_name": " ", "transport_key": "k"}),
        json!({"plugin_name": "p", "transport_key": ""}),
        json!({"plugin_name": 5, "transport_key": "k"}),
        json!({"plugin_name": "p", "transport_key": null}),
    ] {
        client.json("POST", "/v1/transport_keys", &body).error(400);
    }
    client.header("Content-Type", "text/plain").send("POST", "/v1/transport_keys", b"{}").error(415);
    for (path, methods, allow) in [
        ("/v1/transport_keys", ["PUT", "DELETE", "HEAD"], "GET, POST"),
        (&*other, ["PUT", "POST", "HEAD"], "DELETE, GET"),
    ] {
        for method in methods {
            let reply = client.send(method, path, b"");
            assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {path}");
        }
    }
}

// F-241: what asks for one can't be met.
#[test]
fn no_backend_takes_wrapped_payloads() {
    let server = Server::start();
    let client = server.client("demo");
    let secret = client.create(&json!({"payload": "x", "payload_content_type": "text/plain"}));
    let empty = client.create(&json!({}));
    let key = client.json("POST", "/v1/transport_keys", &json!({"plugin_name": "p", "transport_key": "k"}));
    let key = key.value()["transport_key_ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    for body in [
        json!({"transport_key_needed": "true"}),
        json!({"transport_key_id": ID}),
        json!({"transport_key_id": key}),
    ] {
        client.json("POST", "/v1/secrets", &body).error(400);
    }
    client.get(&format!("{secret}?transport_key_needed=true")).error(400);
    assert_eq!(
        client.get(&format!("{secret}?transport_key_needed=false")).value().get("transport_key_ref"),
        None::<&Value>
    );
    let octets = client.header("Accept", "application/octet-stream");
    for query in [
        "trans_wrapped_session_key=x".to_owned(),
        format!("trans_wrapped_session_key=x&transport_key_id={key}"),
    ] {
        octets.get(&format!("{secret}/payload?{query}")).error(400);
    }
    let upload = client.header("Content-Type", "text/plain");
    upload.send("PUT", &format!("{empty}?transport_key_id={ID}"), b"x").error(400);
    assert_eq!(client.total(), 2);
}
