//! Consumers of secrets and containers.

use serde_json::{Value, json};
use strongroom_tests::{Client, Server};

const ID: &str = "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";

fn consumer(service: &str) -> Value {
    json!({"service": service, "resource_type": "volume", "resource_id": "v1"})
}

fn container(client: &Client) -> String {
    let reply = client.json("POST", "/v1/containers", &json!({"type": "generic"}));
    reply.value()["container_ref"].as_str().expect("a reference").to_owned()
}

/// A user of another project, without roles, who is on the object's list.
fn listed(server: &Server, owner: &Client, object: &str) -> Client {
    let list = json!({"read": {"users": ["bob"]}});
    assert_eq!(owner.json("PUT", &format!("{object}/acl"), &list).status, 200);
    server.client("elsewhere").header("X-User-Id", "bob").header("X-Roles", "none")
}

// F-139 to F-142, F-145, F-150.
#[test]
fn a_secret_shows_who_uses_it() {
    let server = Server::start();
    let client = server.client("demo");
    let secret = client.create(&json!({"name": "n"}));
    let path = format!("{secret}/consumers");
    let reply = client.json("POST", &format!("{path}/"), &consumer("a"));
    assert_eq!((reply.status, reply.header("location")), (200, Some(&*path)), "{}", reply.text());
    assert_eq!(reply.value()["consumers"], json!([consumer("a")]));
    assert_eq!((&reply.value()["name"], &reply.value()["secret_ref"]), (&json!("n"), &json!(secret)));
    let updated = reply.value()["updated"].clone();
    assert_ne!(updated, reply.value()["created"]);
    let again = client.json("POST", &path, &consumer("a"));
    assert_eq!((again.status, again.value()), (200, reply.value()));
    let both = client.json("POST", &path, &consumer("b")).value();
    assert_eq!(both["consumers"], json!([consumer("a"), consumer("b")]));
    for (version, shown) in [("1.0", None), ("1.1", Some(&both["consumers"]))] {
        let asking = client.header("OpenStack-API-Version", &format!("key-manager {version}"));
        assert_eq!(asking.get(&secret).value().get("consumers"), shown, "{version}");
        assert_eq!(asking.get("/v1/secrets").value()["secrets"][0].get("consumers"), shown, "{version}");
    }
    let list = client.get(&path).value();
    let first = &list["consumers"][0];
    let mut expected = consumer("a");
    expected["created"] = first["created"].clone();
    expected["updated"] = first["created"].clone();
    expected["status"] = "ACTIVE".into();
    assert_eq!((first, &list["total"]), (&expected, &json!(2)));
    let page = client.get(&format!("{path}?limit=1&x=y")).value();
    assert_eq!((&page["consumers"][0], &page["next"]), (first, &json!(format!("{path}?limit=1&offset=1"))));

    client.header("Content-Type", "text/plain").send("DELETE", &path, b"{}").error(415);
    client.json("DELETE", &path, &json!({"service": "a"})).error(400);
    client.json("DELETE", &path, &consumer("never")).error(404);
    let left = client.json("DELETE", &path, &consumer("a"));
    assert_eq!((left.status, &left.value()["consumers"]), (200, &json!([consumer("b")])));
    client.json("DELETE", &path, &consumer("a")).error(404);
    let back = client.json("POST", &path, &consumer("a")).value();
    assert_eq!(back["consumers"].as_array().unwrap().len(), 2);

    assert_eq!(client.get(&format!("{path}/nonsense")).error(404), "The id is not a valid one.");
    assert_eq!(client.get(&format!("{path}/{ID}")).error(404), "There is no such consumer.");
    for (path, methods, allow) in [
        (path.clone(), ["PUT", "PATCH", "HEAD"], "DELETE, GET, POST"),
        (format!("{path}/{ID}"), ["PUT", "DELETE", "HEAD"], "GET"),
    ] {
        for method in methods {
            let reply = client.send(method, &path, b"");
            assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {path}");
        }
    }
}

// F-143, F-147.
#[test]
fn lengths_are_limited() {
    let server = Server::start();
    let client = server.client("demo");
    let x = |length| "x".repeat(length);
    let of_secret = |service: Value, kind: Value, id: Value| json!({"service": service, "resource_type": kind, "resource_id": id});
    let secret = format!("{}/consumers", client.create(&json!({})));
    for (body, status) in [
        (of_secret(json!(x(255)), json!(x(255)), json!(x(36))), 200),
        (of_secret(json!("ä".repeat(255)), json!("t"), json!("i")), 200),
        (of_secret(json!(x(256)), json!("t"), json!("i")), 400),
        (of_secret(json!("s"), json!(x(256)), json!("i")), 400),
        (of_secret(json!("s"), json!("t"), json!(x(37))), 400),
        (of_secret(json!(""), json!("t"), json!("i")), 400),
        (of_secret(json!("s"), json!(" "), json!("i")), 400),
        (of_secret(json!("s"), json!("t"), json!("")), 400),
        (of_secret(json!(5), json!("t"), json!("i")), 400),
        (of_secret(json!("s"), Value::Null, json!("i")), 400),
        (json!({"service": "s", "resource_type": "t"}), 400),
    ] {
        let reply = client.json("POST", &secret, &body);
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert!(status == 200 || reply.text().contains("schema 'Secret Consumer'"), "{}", reply.text());
    }
    let of_container = |name: String, url: String| json!({"name": name, "URL": url, "more": 1});
    let path = format!("{}/consumers", container(&client));
    for (body, status) in [
        (of_container(x(36), x(255)), 200),
        (of_container(x(37), x(1)), 400),
        (of_container(x(1), x(256)), 400),
        (of_container(x(0), x(1)), 400),
        (of_container(x(1), x(0)), 400),
        (json!({"name": "n", "url": "u"}), 400),
    ] {
        let reply = client.json("POST", &path, &body);
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert!(status == 200 || reply.text().contains("schema 'Consumer'"), "{}", reply.text());
    }
}

// F-146, F-148.
#[test]
fn a_container_shows_who_uses_it_by_name() {
    let server = Server::start();
    let client = server.client("demo");
    let container = container(&client);
    let path = format!("{container}/consumers");
    let used = |name: &str| json!({"name": name, "URL": "http://u"});
    client.json("POST", &path, &used("b"));
    let reply = client.json("POST", &path, &used("a"));
    assert_eq!((reply.status, reply.header("location")), (200, Some(&*path)));
    assert_eq!(reply.value()["consumers"], json!([used("a"), used("b")]));
    assert_eq!(reply.value(), client.get(&container).value());
    let list = client.get(&path).value();
    assert_eq!((&list["consumers"][0]["name"], &list["total"]), (&json!("a"), &json!(2)));
    let left = client.json("DELETE", &path, &used("a"));
    assert_eq!((left.status, &left.value()["consumers"]), (200, &json!([used("b")])));
    // At no version do consumers stand in a container's way.
    let latest = client.header("OpenStack-API-Version", "key-manager 1.2");
    assert_eq!(latest.delete(&container).status, 204);
}

// F-144, F-149: who may take a consumer away.
#[test]
fn only_its_project_and_the_objects_may_remove_a_consumer() {
    let server = Server::start();
    let owner = server.client("demo");
    let secret = owner.create(&json!({}));
    let path = format!("{secret}/consumers");
    let bob = listed(&server, &owner, &secret);
    let third = bob.header("X-Project-Id", "third");
    assert_eq!(bob.json("POST", &path, &consumer("a")).status, 200);
    third.json("DELETE", &path, &consumer("a")).error(403);
    assert_eq!(bob.json("DELETE", &path, &consumer("a")).status, 200);
    assert_eq!(bob.json("POST", &path, &consumer("a")).status, 200);
    assert_eq!(owner.json("DELETE", &path, &consumer("a")).status, 200);
    assert_eq!(bob.header("X-User-Id", "eve").json("POST", &path, &consumer("a")).status, 403);
}

// 6.6, Q-06: consumers stand in the way of deleting a secret, from 1.2 on.
#[test]
fn a_secret_in_use_is_deleted_by_force_only() {
    let server = Server::start();
    let client = server.client("demo");
    let used = |client: &Client| {
        let secret = client.create(&json!({}));
        for number in 0..11 {
            client.json("POST", &format!("{secret}/consumers"), &consumer(&number.to_string()));
        }
        secret
    };
    let latest = client.header("OpenStack-API-Version", "key-manager latest");
    let secret = used(&client);
    for query in ["", "?force=0", "?force=No", "?force=false&x=1"] {
        let told = latest.delete(&format!("{secret}{query}")).error(400);
        let literal = "Secret cannot be deleted as it has consumers.";
        assert!(told.as_str().unwrap().contains(literal), "{query}: {told}");
    }
    for query in ["?force", "?force=", "?force=maybe", "?force=2"] {
        latest.delete(&format!("{secret}{query}")).error(400);
    }
    assert_eq!(latest.delete(&format!("{secret}?force=TRUE")).status, 204);
    for version in ["1.0", "1.1"] {
        let older = client.header("OpenStack-API-Version", &format!("key-manager {version}"));
        assert_eq!(older.delete(&format!("{}?force=nonsense", used(&client))).status, 204, "{version}");
    }
    assert_eq!(latest.delete(&client.create(&json!({}))).status, 204);
}
