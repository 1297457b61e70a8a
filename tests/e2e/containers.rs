//! `/containers`: what may be in them, and how it gets there and out again.

use serde_json::{Value, json};
use strongroom_tests::{Client, Reply, Server};

const ID: &str = "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";

fn post(client: &Client, container: &Value) -> Reply {
    client.json("POST", "/v1/containers", container)
}

fn created(client: &Client, container: &Value) -> String {
    let reply = post(client, container);
    assert_eq!(reply.status, 201, "{container}: {}", reply.text());
    let reference = reply.value()["container_ref"].as_str().unwrap().to_owned();
    assert_eq!(reply.value(), json!({"container_ref": reference}));
    assert_eq!(reply.header("location"), Some(&*reference));
    reference
}

/// Members under those names, each a secret of its own.
fn members(client: &Client, names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name, "secret_ref": client.create(&json!({}))})).collect()
}

// F-151 to F-154, F-157, F-158: types and the names they want.
#[test]
fn each_type_has_its_names() {
    let server = Server::start();
    let client = server.client("demo");
    for (container_type, names) in [
        ("generic", &["a", "b", ""][..]),
        ("rsa", &["public_key", "private_key"]),
        ("rsa", &["private_key", "private_key_passphrase", "public_key"]),
        ("certificate", &["certificate"]),
        ("certificate", &["certificate", "private_key", "private_key_passphrase", "intermediates"]),
        ("generic", &[]),
        ("rsa", &[]),
        ("certificate", &[]),
    ] {
        created(&client, &json!({"type": container_type, "secret_refs": members(&client, names)}));
    }
    created(&client, &json!({"type": "rsa"}));
    let before = total(&client);
    for (container_type, names) in [
        ("generic", &["a", "a"][..]),
        ("rsa", &["public_key"]),
        ("rsa", &["public_key", "private_key", "other"]),
        ("rsa", &["public_key", "private_key", "intermediates"]),
        ("rsa", &["Public_Key", "private_key"]),
        ("certificate", &["private_key"]),
        ("certificate", &["certificate", "public_key"]),
    ] {
        let container = json!({"type": container_type, "secret_refs": members(&client, names)});
        let told = post(&client, &container).error(400);
        assert!(told.as_str().unwrap().contains("schema 'Container'"), "{container_type} {names:?}: {told}");
    }
    let (one, other) = (client.create(&json!({})), client.create(&json!({})));
    for refused in [
        json!({}),
        json!({"type": "dsa"}),
        json!({"type": "Generic"}),
        json!({"type": null}),
        json!({"type": 5}),
        json!({"type": "generic", "name": 5}),
        json!({"type": "generic", "name": "x".repeat(256)}),
        json!({"type": "generic", "secret_refs": null}),
        json!({"type": "generic", "secret_refs": {}}),
        json!({"type": "generic", "secret_refs": ["x"]}),
        json!({"type": "generic", "secret_refs": [{}]}),
        json!({"type": "generic", "secret_refs": [{"secret_ref": ""}]}),
        json!({"type": "generic", "secret_refs": [{"secret_ref": null}]}),
        json!({"type": "generic", "secret_refs": [{"secret_ref": one, "name": 5}]}),
        json!({"type": "generic", "secret_refs": [{"secret_ref": one, "name": "x".repeat(256)}]}),
        // F-154, F-155: two without a name, and one secret twice.
        json!({"type": "generic", "secret_refs": [{"secret_ref": one}, {"secret_ref": other, "name": null}]}),
        json!({"type": "generic", "secret_refs": [{"secret_ref": one, "name": "a"}, {"secret_ref": one, "name": "b"}]}),
        // F-156: of another service, by the look of it.
        json!({"type": "generic", "secret_refs": [{"secret_ref": format!("http://elsewhere/v1/secrets/{ID}")}]}),
        json!({"type": "generic", "secret_refs": [{"secret_ref": one.rsplit('/').next()}]}),
        json!({"type": "generic", "secret_refs": [{"secret_ref": one.replacen("http", "https", 1)}]}),
    ] {
        post(&client, &refused).error(400);
    }
    assert_eq!(total(&client), before);
}

// F-159, F-160: the secrets of the project, and of no other.
#[test]
fn members_are_secrets_of_the_project() {
    let server = Server::start();
    let client = server.client("demo");
    let own = client.create(&json!({}));
    let foreign = server.client("elsewhere").create(&json!({}));
    let deleted = client.create(&json!({}));
    client.delete(&deleted);
    let base = format!("{}/v1/secrets", server.endpoint());
    let with = |reference: &str| json!({"type": "generic", "secret_refs": [{"secret_ref": reference}]});
    for good in [own.clone(), format!("{own}/"), own.replace("/v1/secrets/", "/anything/")] {
        let container = client.get(&created(&client, &with(&good))).value();
        assert_eq!(container["secret_refs"], json!([{"name": null, "secret_ref": own}]), "{good}");
    }
    for missing in [&foreign, &deleted, &format!("{base}/{ID}"), &format!("{base}/nonsense")] {
        assert_eq!(post(&client, &with(missing)).error(404), "There is no such secret.", "{missing}");
    }
}

// F-161, F-162, F-164.
#[test]
fn the_document_and_the_list() {
    let server = Server::start();
    let client = server.client("demo").header("X-User-Id", "ann");
    let secret = client.create(&json!({}));
    let reference = created(
        &client,
        &json!({"type": "generic", "name": "one", "secret_refs": [{"secret_ref": secret, "name": "k"}]}),
    );
    let document = client.get(&reference).value();
    assert_eq!(
        document,
        json!({
            "created": document["created"], "updated": document["created"], "status": "ACTIVE", "name": "one",
            "type": "generic", "creator_id": "ann", "consumers": [], "container_ref": reference,
            "secret_refs": [{"name": "k", "secret_ref": secret}],
        })
    );
    created(&client, &json!({"type": "rsa", "name": "two"}));
    created(&client, &json!({"type": "rsa", "name": null}));
    created(&server.client("elsewhere"), &json!({"type": "rsa", "name": "two"}));
    for (query, names) in [
        ("", vec![json!("one"), json!("two"), Value::Null]),
        ("?type=rsa", vec![json!("two"), Value::Null]),
        ("?type=none", vec![]),
        ("?name=two", vec![json!("two")]),
        ("?name=%25o%25", vec![json!("one"), json!("two")]),
        ("?name=&type=", vec![json!("one"), json!("two"), Value::Null]),
        ("?limit=1&offset=1", vec![json!("two")]),
    ] {
        let list = client.get(&format!("/v1/containers{query}")).value();
        let found: Vec<_> = list["containers"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
        assert_eq!(found, names.iter().collect::<Vec<_>>(), "{query}");
    }
    let list = client.get("/v1/containers?limit=1&offset=1&type=rsa").value();
    assert_eq!((&list["total"], list.get("next")), (&json!(2), None));
    assert_eq!(list["previous"], format!("{}/v1/containers?limit=1&offset=0", server.endpoint()));
    for (path, methods, allow) in [
        (&*reference, &["PUT", "PATCH", "POST", "HEAD"][..], "DELETE, GET"),
        ("/v1/containers/", &["PUT", "PATCH", "DELETE", "HEAD"], "GET, POST"),
        (&format!("{reference}/secrets/ignored/too"), &["GET", "PUT", "PATCH", "HEAD"], "DELETE, POST"),
    ] {
        for method in methods {
            let reply = client.send(method, path, b"");
            assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {path}");
        }
    }
}

// F-163, F-169, F-170: what is deleted goes, what it was made of stays.
#[test]
fn secrets_outlive_containers_and_leave_them() {
    let server = Server::start();
    let client = server.client("demo");
    let (one, other) = (client.create(&json!({})), client.create(&json!({})));
    let refs = json!([{"name": "one", "secret_ref": one}, {"name": "other", "secret_ref": other}]);
    let container = created(&client, &json!({"type": "generic", "secret_refs": refs}));
    assert_eq!(client.delete(&one).status, 204);
    let left = client.get(&container).value();
    assert_eq!(left["secret_refs"], json!([{"name": "other", "secret_ref": other}]));
    assert_eq!(client.delete(&format!("{container}/")).status, 204);
    client.get(&container).error(404);
    client.delete(&container).error(404);
    assert_eq!(client.get(&other).status, 200);
    for bad in ["nonsense", &ID.to_uppercase(), "6ba7b810-9dad-11d1-80b4-00c04fd430c8"] {
        let path = format!("/v1/containers/{bad}");
        assert_eq!(client.get(&path).error(404), "The id is not a valid one.", "{bad}");
    }
    assert_eq!(client.get(&format!("/v1/containers/{ID}/foo")).error(404), "");
}

// F-165 to F-168.
#[test]
fn members_come_and_go() {
    let server = Server::start();
    let client = server.client("demo");
    let generic = created(&client, &json!({"type": "generic"}));
    let path = format!("{generic}/secrets");
    let (one, other) = (client.create(&json!({})), client.create(&json!({})));
    let foreign = server.client("elsewhere").create(&json!({}));
    let add = |body: &Value| client.json("POST", &path, body);
    let reply = add(&json!({"secret_ref": one, "name": "k"}));
    assert_eq!((reply.status, reply.header("location")), (201, Some(&*generic)));
    assert_eq!(reply.value(), json!({"container_ref": generic}));
    add(&json!({"secret_ref": one, "name": "k"})).error(409);
    assert_eq!(add(&json!({"secret_ref": other, "name": "k"})).status, 201);
    assert_eq!(add(&json!({"secret_ref": one, "name": "l"})).status, 201);
    assert_eq!(add(&json!({"secret_ref": one})).status, 201);
    add(&json!({"secret_ref": foreign})).error(404);
    add(&json!({"secret_ref": "http://any/host/nonsense"})).error(404);
    for refused in [
        json!({}),
        json!({"secret_ref": ""}),
        json!({"secret_ref": one.rsplit('/').next()}),
        json!({"secret_ref": 5}),
        json!({"secret_ref": one, "name": null}),
        json!({"secret_ref": one, "name": "x".repeat(256)}),
    ] {
        add(&refused).error(400);
    }
    client.header("Content-Type", "text/plain").send("POST", &path, b"{}").error(415);
    // Whatever the media type, and whatever more the path says.
    let removing = client.header("Content-Type", "text/plain");
    let body = json!({"secret_ref": one, "name": "k"}).to_string();
    let reply = removing.send("DELETE", &format!("{path}/more"), body.as_bytes());
    assert_eq!((reply.status, reply.body.len()), (204, 0), "{}", reply.text());
    removing.send("DELETE", &path, body.as_bytes()).error(404);
    assert_eq!(add(&json!({"secret_ref": one, "name": "k"})).status, 201);
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("{}", 400),
        (&*json!({"secret_ref": format!("x/{ID}")}).to_string(), 404),
        (&*json!({"secret_ref": other, "name": "never"}).to_string(), 404),
    ] {
        client.send("DELETE", &path, body.as_bytes()).error(status);
    }
    // A key that must be there may be taken out, but none put in.
    let rsa = json!({"type": "rsa", "secret_refs": members(&client, &["public_key", "private_key"])});
    let pair = created(&client, &rsa);
    let public = &rsa["secret_refs"][0];
    assert_eq!(client.json("DELETE", &format!("{pair}/secrets"), public).status, 204);
    client.json("POST", &format!("{pair}/secrets"), public).error(400);
    client.json("POST", &format!("{pair}/secrets"), &json!({})).error(400);
}

fn total(client: &Client) -> Value {
    client.get("/v1/containers?limit=1").value()["total"].clone()
}
