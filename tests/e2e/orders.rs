//! Orders: accepted durably, carried out once, and told about truly.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_tests::{Client, Reply, Server};

const OCTETS: &str = "application/octet-stream";

fn post(client: &Client, order_type: &str, meta: &Value) -> Reply {
    client.json("POST", "/v1/orders", &json!({"type": order_type, "meta": meta}))
}

fn placed(client: &Client, order_type: &str, meta: &Value) -> String {
    let reply = post(client, order_type, meta);
    assert_eq!(reply.status, 202, "{meta}: {}", reply.text());
    let reference = reply.value()["order_ref"].as_str().unwrap().to_owned();
    assert_eq!(reply.value(), json!({"order_ref": reference}));
    assert_eq!(reply.header("location"), Some(&*reference));
    reference
}

/// The order once it has ended.
fn ended(client: &Client, reference: &str) -> Value {
    let late = Instant::now() + Duration::from_mins(2);
    loop {
        let order = client.get(reference).value();
        if order["status"] != "PENDING" {
            return order;
        }
        assert!(Instant::now() < late, "the order does not end: {order}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn carried_out(client: &Client, order_type: &str, meta: &Value) -> Value {
    let order = ended(client, &placed(client, order_type, meta));
    assert_eq!(order["status"], "ACTIVE", "{order}");
    order
}

/// A server that waits long enough for quick orders, however busy the machine is.
fn patient() -> Server {
    Server::start_with(&[("ORDERS__WAIT_MS", "20000")])
}

// F-171, F-175, F-179 to F-181, F-184, F-190.
#[test]
fn a_key_order_makes_a_key() {
    let server = patient();
    let client = server.client("demo").header("X-User-Id", "ann");
    let meta = json!({
        "name": "k", "algorithm": "aes", "bit_length": 256, "mode": "cbc", "expiration": "2040-01-01",
        "payload_content_type": OCTETS, "extra": [1], "creator_id": "eve", "passphrase": "canary",
        "secret_type": "opaque",
    });
    let reference = placed(&client, "key", &meta);
    // It has ended when the answer comes.
    let order = client.get(&reference).value();
    let key = order["secret_ref"].as_str().unwrap();
    assert_eq!(
        order,
        json!({
            "created": order["created"], "updated": order["updated"], "status": "ACTIVE", "type": "key",
            "sub_status": "Unknown", "sub_status_message": "Unknown", "creator_id": "ann",
            "order_ref": reference, "secret_ref": key,
            "meta": {
                "name": "k", "algorithm": "aes", "bit_length": 256, "mode": "cbc",
                "expiration": "2040-01-01T00:00:00.000000", "payload_content_type": OCTETS, "extra": [1],
                "creator_id": "eve", "secret_type": "opaque",
            },
        })
    );
    let secret = client.get(key).value();
    for (field, value) in [
        ("name", json!("k")),
        ("secret_type", json!("symmetric")),
        ("algorithm", json!("aes")),
        ("bit_length", json!(256)),
        ("mode", json!("cbc")),
        ("expiration", json!("2040-01-01T00:00:00")),
        ("creator_id", json!("ann")),
        ("content_types", json!({"default": OCTETS})),
    ] {
        assert_eq!(secret[field], value, "{field}");
    }
    let other = carried_out(&client, "key", &json!({"algorithm": "AES", "bit_length": 256}));
    assert_eq!(
        other["meta"],
        json!({"algorithm": "AES", "bit_length": 256, "name": null, "expiration": null})
    );
    let bytes = |reference: &str| client.payload(reference, OCTETS).body;
    let (one, two) = (bytes(key), bytes(other["secret_ref"].as_str().unwrap()));
    assert!(one.len() == 32 && two.len() == 32 && one != two);
}

// F-172 to F-174, F-180: pairs, and what becomes of a passphrase.
#[test]
fn an_asymmetric_order_makes_a_pair() {
    let server = patient();
    let client = server.client("demo").header("X-User-Id", "ann");
    for (algorithm, bits, passphrase, private_start) in [
        ("RSA", 1024, None, "-----BEGIN PRIVATE KEY-----"),
        ("rsa", 1024, Some("canary"), "-----BEGIN ENCRYPTED PRIVATE KEY-----"),
        ("ec", 256, Some(""), "-----BEGIN PRIVATE KEY-----"),
        ("ed25519", 256, None, "-----BEGIN PRIVATE KEY-----"),
    ] {
        let mut meta = json!({"name": "p", "algorithm": algorithm, "bit_length": bits, "expiration": "2040"});
        if let Some(text) = passphrase {
            meta["passphrase"] = text.into();
        }
        let order = carried_out(&client, "asymmetric", &meta);
        assert!(!order.to_string().contains("canary"), "{order}");
        let container = client.get(order["container_ref"].as_str().unwrap()).value();
        assert_eq!((&container["name"], &container["creator_id"]), (&json!("p"), &json!("ann")));
        if algorithm != "ed25519" {
            assert_eq!(container["type"], algorithm.to_lowercase());
        }
        let mut expected = vec![("private_key", "private"), ("public_key", "public")];
        expected.extend(
            passphrase.filter(|text| !text.is_empty()).map(|_| ("private_key_passphrase", "passphrase")),
        );
        let members = container["secret_refs"].as_array().unwrap();
        assert_eq!(members.len(), expected.len(), "{container}");
        for (name, secret_type) in expected {
            let member = members.iter().find(|member| member["name"] == name).unwrap();
            let reference = member["secret_ref"].as_str().unwrap();
            let secret = client.get(reference).value();
            assert_eq!((&secret["secret_type"], &secret["name"]), (&json!(secret_type), &json!("p")));
            assert_eq!((&secret["algorithm"], &secret["bit_length"]), (&json!(algorithm), &json!(bits)));
            assert_eq!(secret["expiration"], "2040-01-01T00:00:00");
            let payload = client.payload(reference, OCTETS).text();
            match name {
                "private_key" => assert!(payload.starts_with(private_start), "{algorithm}"),
                "public_key" => assert!(payload.starts_with("-----BEGIN PUBLIC KEY-----"), "{algorithm}"),
                _ => assert_eq!(Some(payload.as_str()), passphrase),
            }
        }
    }
    let journal = server.records().iter().map(Value::to_string).collect::<String>();
    assert!(!journal.contains("canary") && !server.log().contains("canary"));
}

// F-176, 10.4: what can't be made is told by the order, not by the answer to placing it.
#[test]
fn what_cannot_be_made_ends_in_error() {
    let server = patient();
    let client = server.client("demo");
    for (order_type, algorithm, bits, code) in [
        ("key", "nonsense", 256, "400"),
        ("key", "rsa", 2048, "400"),
        ("asymmetric", "aes", 256, "400"),
        ("asymmetric", "diffie_hellman", 2048, "400"),
        ("key", "aes", 512, "500"),
        ("asymmetric", "rsa", 1000, "500"),
    ] {
        let reference = placed(&client, order_type, &json!({"algorithm": algorithm, "bit_length": bits}));
        let order = ended(&client, &reference);
        assert_eq!(
            (&order["status"], &order["error_status_code"]),
            (&json!("ERROR"), &json!(code)),
            "{order}"
        );
        let reason = order["error_reason"].as_str().unwrap();
        assert!(!reason.is_empty() && reason.chars().count() <= 255);
        for absent in ["sub_status", "sub_status_message", "secret_ref", "container_ref"] {
            assert!(order.get(absent).is_none(), "{absent}");
        }
    }
    assert_eq!(client.total(), 0);
}

// F-177, F-178.
#[test]
fn what_breaks_a_rule_is_refused_and_places_nothing() {
    let server = Server::start();
    let client = server.client("demo");
    for body in [
        json!({}),
        json!({"type": "key"}),
        json!({"type": "key", "meta": null}),
        json!({"type": "key", "meta": []}),
        json!({"type": "certificate", "meta": {"algorithm": "aes", "bit_length": 256}}),
        json!({"type": "Key", "meta": {"algorithm": "aes", "bit_length": 256}}),
        json!({"meta": {"algorithm": "aes", "bit_length": 256}}),
    ] {
        client.json("POST", "/v1/orders", &body).error(400);
    }
    for (field, value) in [
        ("algorithm", json!("")),
        ("algorithm", json!("  ")),
        ("algorithm", Value::Null),
        ("algorithm", json!("x".repeat(256))),
        ("bit_length", json!(0)),
        ("bit_length", json!(100)),
        ("bit_length", json!("256")),
        ("bit_length", Value::Null),
        ("bit_length", json!(32_768)),
        ("mode", json!(5)),
        ("name", json!(5)),
        ("expiration", json!("2020-01-01")),
        ("expiration", json!("soon")),
        ("expiration", Value::Null),
        ("payload", json!("x")),
        ("payload", Value::Null),
        ("payload_content_type", json!("text/html")),
        ("payload_content_encoding", json!("gzip")),
        ("secret_type", json!("nonsense")),
        ("transport_key_needed", json!(true)),
        ("passphrase", json!(5)),
    ] {
        let mut meta = json!({"algorithm": "aes", "bit_length": 256});
        meta[field] = value.clone();
        let told = post(&client, "asymmetric", &meta).error(400);
        assert!(told.as_str().unwrap().contains("schema 'Order'"), "{field} {value}: {told}");
    }
    post(&client, "key", &json!({"algorithm": "aes"})).error(400);
    post(&client, "key", &json!({"bit_length": 256})).error(400);
    // 27: elliptic curves have lengths of their own.
    for bits in [255, 512, 520] {
        post(&client, "asymmetric", &json!({"algorithm": "EC", "bit_length": bits})).error(400);
    }
    client.header("Content-Type", "text/plain").send("POST", "/v1/orders", b"{}").error(415);
    assert_eq!(client.get("/v1/orders").value(), json!({"orders": [], "total": 0}));
}

// F-186 to F-189.
#[test]
fn orders_are_the_projects_own() {
    let server = patient();
    let client = server.client("demo");
    let meta = |name: &str| json!({"name": name, "algorithm": "aes", "bit_length": 128});
    let first = placed(&client, "key", &meta("first"));
    let second = placed(&client, "key", &meta("second"));
    placed(&server.client("elsewhere"), "key", &meta("third"));
    for (query, names) in [
        ("", &["first", "second"][..]),
        ("?meta=second", &["second"]),
        ("?meta=aes", &["first", "second"]),
        ("?meta=%25", &[]),
        ("?meta=", &["first", "second"]),
        ("?limit=1&offset=1", &["second"]),
    ] {
        let list = client.get(&format!("/v1/orders{query}")).value();
        let found: Vec<_> =
            list["orders"].as_array().unwrap().iter().map(|order| &order["meta"]["name"]).collect();
        assert_eq!(
            found,
            names.iter().map(|name| Value::from(*name)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
    let page = client.get("/v1/orders?limit=1&meta=aes").value();
    assert_eq!(page["next"], format!("{}/v1/orders?limit=1&offset=1", server.endpoint()));
    let foreign = server.client("elsewhere").header("X-Roles", "admin,member,reader");
    for (client, path) in [(&foreign, &*first), (&client, "/v1/orders/nonsense"), (&client, "/v1/orders/A-B")]
    {
        assert_eq!(client.get(path).error(404), "There is no such order.", "{path}");
        assert_eq!(client.delete(path).error(404), "There is no such order.", "{path}");
    }
    let key = ended(&client, &first)["secret_ref"].as_str().unwrap().to_owned();
    assert_eq!(client.delete(&first).status, 204);
    client.get(&first).error(404);
    assert_eq!(client.get(&key).status, 200);
    // The rule is asked first, and nobody is told of methods.
    client.header("X-Roles", "reader").send("PUT", "/v1/orders", b"").error(403);
    let reply = client.send("PUT", "/v1/orders/", b"");
    assert_eq!((reply.error(405), reply.header("allow")), (json!(""), None));
    for (path, allow) in [("/v1/orders", "GET, POST"), (&*second, "DELETE, GET")] {
        for method in ["PATCH", "HEAD"] {
            let reply = client.send(method, path, b"");
            assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {path}");
        }
    }
    assert_eq!(client.send("PUT", &second, b"").header("allow"), Some("DELETE, GET"));
}

// What was accepted is carried out, once, whatever happens to the process in between.
#[test]
fn accepted_orders_survive_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let start = || {
        let mut command = Server::command(&data);
        command.env("STRONGROOM_ORDERS__WAIT_MS", "0");
        Server::try_start(command, &data).unwrap_or_else(|ended| panic!("no start: {ended:?}"))
    };
    let mut paths = Vec::new();
    for round in 0..4 {
        let server = start();
        let client = server.client("demo");
        let path = |reference: &str| reference.replacen(&server.endpoint(), "", 1);
        let rsa =
            json!({"algorithm": "rsa", "bit_length": 1024, "name": round.to_string(), "passphrase": "pw"});
        let aes = json!({"algorithm": "aes", "bit_length": 256, "name": round.to_string()});
        paths.push(path(&placed(&client, "asymmetric", &rsa)));
        paths.extend((0..5).map(|_| path(&placed(&client, "key", &aes))));
        server.kill();
    }
    let server = start();
    let client = server.client("demo");
    for path in &paths {
        let order = ended(&client, path);
        assert_eq!(order["status"], "ACTIVE", "{order}");
    }
    // Four pairs with their passphrases, and twenty keys: nothing was made twice, nothing was lost.
    assert_eq!(client.total(), 4 * 3 + 4 * 5);
    assert_eq!(client.get("/v1/containers").value()["total"], 4);
}

// A slow order holds up neither readers nor the stop of the server.
#[test]
fn several_workers_share_the_orders() {
    let server = Server::start_with(&[("ORDERS__WAIT_MS", "0"), ("ORDERS__WORKERS", "3")]);
    let client = server.client("demo");
    let rsa = json!({"algorithm": "rsa", "bit_length": 1024});
    let orders: Vec<_> = (0..6).map(|_| placed(&client, "asymmetric", &rsa)).collect();
    for reference in &orders {
        assert_eq!(ended(&client, reference)["status"], "ACTIVE");
    }
    assert_eq!(client.total(), 12);
    let late = placed(&client, "key", &json!({"algorithm": "aes", "bit_length": 256}));
    assert!(late.contains("/v1/orders/"));
    assert!(server.stop().success());
}

#[test]
fn a_strict_site_makes_no_triple_des_keys() {
    let server = Server::start_with(&[("ORDERS__TRIPLE_DES", "false"), ("ORDERS__WAIT_MS", "5000")]);
    let client = server.client("demo");
    for algorithm in ["3des", "desede"] {
        let meta = json!({"algorithm": algorithm, "bit_length": 192});
        let placed = client.json("POST", "/v1/orders", &json!({"type": "key", "meta": meta}));
        assert_eq!(placed.status, 202, "{}", placed.text());
        let path = placed.header("location").unwrap().split_once("/v1/").unwrap().1.to_owned();
        let order = client.get(&format!("/v1/{path}")).value();
        assert_eq!(
            (&order["status"], &order["error_status_code"]),
            (&json!("ERROR"), &json!("400")),
            "{order}"
        );
    }
}
