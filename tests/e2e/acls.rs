//! Access control lists of secrets and containers.

use serde_json::{Value, json};
use strongroom_tests::{Client, Server};

/// A secret and a container of that client.
fn objects(client: &Client) -> [String; 2] {
    let secret = client.create(&json!({"payload": "x", "payload_content_type": "text/plain"}));
    let reply = client.json("POST", "/v1/containers", &json!({"type": "generic"}));
    [secret, reply.value()["container_ref"].as_str().unwrap().to_owned()]
}

// F-191 to F-195, F-198, F-204.
#[test]
fn lists_are_replaced_merged_and_removed() {
    let server = Server::start();
    let client = server.client("demo");
    let default = json!({"read": {"project-access": true}});
    for object in objects(&client) {
        let path = format!("{object}/acl");
        let change = |method: &str, body: &Value| {
            let before = client.get(&object).value()["updated"].clone();
            let reply = client.json(method, &path, body);
            assert_eq!((reply.status, reply.value()), (200, json!({"acl_ref": path})), "{method} {body}");
            assert_ne!(client.get(&object).value()["updated"], before, "{method} {body}");
            let mut acl = client.get(&format!("{path}/")).value();
            for time in ["created", "updated"] {
                if let Some(read) = acl["read"].as_object_mut().filter(|read| read.contains_key("users")) {
                    assert!(read.remove(time).unwrap().is_string());
                }
            }
            acl
        };
        let told = |access: bool, users: &[&str]| json!({"read": {"project-access": access, "users": users}});
        assert_eq!(client.get(&path).value(), default);
        for (method, body, after) in [
            ("PATCH", json!({}), default.clone()),
            ("PATCH", json!({"read": {}}), default.clone()),
            ("PATCH", json!({"read": {"users": ["a"]}}), told(true, &["a"])),
            ("PATCH", json!({"read": {"project-access": false}}), told(false, &["a"])),
            ("PATCH", json!({"read": {}}), told(false, &["a"])),
            ("PATCH", json!({"read": {"users": [" b ", "c", "b"]}}), told(false, &["b", "c"])),
            ("PATCH", json!({"read": {"users": []}}), told(false, &[])),
            ("PUT", json!({"read": {"users": ["a"]}}), told(true, &["a"])),
            ("PUT", json!({"read": {"project-access": false}}), told(false, &[])),
            ("PUT", json!({"read": {"users": []}}), told(true, &[])),
            ("PUT", json!({"read": {}}), default.clone()),
            ("PUT", json!({"read": {"project-access": true}}), told(true, &[])),
            ("PUT", json!({}), default.clone()),
        ] {
            assert_eq!(change(method, &body), after, "{method} {body}");
        }
        change("PUT", &json!({"read": {"users": ["a"]}}));
        let first = client.get(&path).value();
        change("PUT", &json!({"read": {"users": ["b"]}}));
        let second = client.get(&path).value();
        assert_eq!(first["read"]["created"], second["read"]["created"]);
        assert_ne!(first["read"]["updated"], second["read"]["updated"]);
        for _ in 0..2 {
            let reply = client.delete(&path);
            assert_eq!((reply.status, reply.value()), (200, Value::Null));
            assert_eq!(client.get(&path).value(), default);
        }
        for method in ["POST", "HEAD"] {
            let reply = client.send(method, &path, b"");
            assert_eq!((reply.status, reply.header("allow")), (405, Some("DELETE, GET, PATCH, PUT")));
        }
        client.get(&format!("{path}/x")).error(404);
    }
}

// F-196, F-197.
#[test]
fn what_is_no_list_is_refused_and_changes_nothing() {
    let server = Server::start();
    let client = server.client("demo");
    for object in objects(&client) {
        let path = format!("{object}/acl");
        let x = "x".repeat(256);
        for method in ["PUT", "PATCH"] {
            for body in [
                json!({"write": {"users": []}}),
                json!({"read": {}, "list": {}}),
                json!({"Read": {}}),
                json!({"read": null}),
                json!({"read": []}),
                json!({"read": {"more": 1}}),
                json!({"read": {"project_access": true}}),
                json!({"read": {"project-access": "true"}}),
                json!({"read": {"project-access": 1}}),
                json!({"read": {"project-access": null}}),
                json!({"read": {"users": null}}),
                json!({"read": {"users": "a"}}),
                json!({"read": {"users": ["a", 5]}}),
                json!({"read": {"users": [null]}}),
                json!({"read": {"users": ["a", x]}}),
                json!({"read": {"users": ["a", ""]}}),
            ] {
                let told = client.json(method, &path, &body).error(400);
                assert!(told.as_str().unwrap().contains("schema 'ACL'"), "{body}: {told}");
            }
            for body in ["", "[]", "{", "null"] {
                client
                    .header("Content-Type", "application/json")
                    .send(method, &path, body.as_bytes())
                    .error(400);
            }
            client.header("Content-Type", "text/plain").send(method, &path, b"{}").error(415);
        }
        let longest = json!({"read": {"users": ["x".repeat(255)]}});
        assert_eq!(client.get(&path).value(), json!({"read": {"project-access": true}}));
        assert_eq!(client.json("PUT", &path, &longest).status, 200);
    }
}

// F-202: a container's list says nothing about what is in it, nor the other way round.
#[test]
fn lists_stay_with_their_object() {
    let server = Server::start();
    let client = server.client("demo");
    let bob = server.client("elsewhere").header("X-User-Id", "bob").header("X-Roles", "none");
    let secret = client.create(&json!({"payload": "x", "payload_content_type": "text/plain"}));
    let refs = json!({"type": "generic", "secret_refs": [{"secret_ref": secret}]});
    let reply = client.json("POST", "/v1/containers", &refs);
    let container = reply.value()["container_ref"].as_str().unwrap().to_owned();
    let list = json!({"read": {"users": ["bob"]}});
    client.json("PUT", &format!("{container}/acl"), &list);
    assert_eq!(bob.get(&container).status, 200);
    bob.get(&secret).error(403);
    bob.payload(&secret, "text/plain").error(403);
    client.delete(&format!("{container}/acl"));
    client.json("PUT", &format!("{secret}/acl"), &list);
    bob.get(&container).error(403);
    assert_eq!(bob.payload(&secret, "text/plain").text(), "x");
    // What is shared is found, whatever the project.
    let shared = bob.header("X-Roles", "member").get("/v1/secrets?acl_only=TRUE").value();
    assert_eq!((&shared["total"], &shared["secrets"][0]["secret_ref"]), (&json!(1), &json!(secret)));
    // Who is taken off the list has lost it.
    client.json("PATCH", &format!("{secret}/acl"), &json!({"read": {"users": []}}));
    bob.payload(&secret, "text/plain").error(403);
}

// The record says who gained and who lost access.
#[test]
fn the_record_tells_who_gained_and_lost_access() {
    let server = Server::start();
    let client = server.client("demo");
    let path = format!("{}/acl", client.create(&json!({})));
    client.json("PUT", &path, &json!({"read": {"users": ["a", "b"]}}));
    let reply = client.json("PUT", &path, &json!({"read": {"users": ["b", "c"], "project-access": false}}));
    let records = server.records();
    let outcomes = strongroom_tests::outcomes(&records, &reply);
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0]["action"], "acl.update");
    assert_eq!(outcomes[0]["access"], json!({"gained": ["c"], "lost": ["a"], "project_access": false}));
}
