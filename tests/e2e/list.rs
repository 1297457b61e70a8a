//! `GET /secrets`: what is listed, filtered and in what order.

use serde_json::{Value, json};
use strongroom_tests::{Client, Server};

fn names(client: &Client, query: &str) -> Vec<String> {
    let reply = client.get(&format!("/v1/secrets?{query}"));
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    let list = reply.value();
    let secrets = list["secrets"].as_array().unwrap();
    let names = secrets.iter().map(|secret| secret["name"].as_str().unwrap_or("-").to_owned());
    let names: Vec<_> = names.collect();
    assert_eq!(list["total"], names.len(), "{query}");
    names
}

// F-107, F-109 to F-113, F-117, F-120: which secrets match.
#[test]
fn filters() {
    let server = Server::start();
    let client = server.client("demo").header("X-User-Id", "ann");
    for secret in [
        json!({"name": "alpha", "algorithm": "aes", "mode": "cbc", "bit_length": 256, "secret_type": "symmetric"}),
        json!({"name": "alpha beta", "algorithm": "aes", "mode": "gcm", "bit_length": 128, "secret_type": "symmetric"}),
        json!({"name": "al%pha", "algorithm": "rsa", "bit_length": 2048, "secret_type": "private"}),
        json!({"name": "gr\u{fc}n", "secret_type": "passphrase"}),
        json!({"algorithm": "des3"}),
    ] {
        client.create(&secret);
    }
    // Somebody else's in the same project is listed, another project's is not.
    client.header("X-User-Id", "bob").create(&json!({"name": "bob's"}));
    server.client("elsewhere").create(&json!({"name": "alpha"}));
    let deleted = client.create(&json!({"name": "alpha"}));
    assert_eq!(client.delete(&deleted).status, 204);
    let all = ["alpha", "alpha beta", "al%pha", "gr\u{fc}n", "-", "bob's"];
    for (query, expected) in [
        ("", &all[..]),
        ("name=alpha", &["alpha"]),
        ("name=alpha+beta", &["alpha beta"]),
        ("name=alpha%20beta", &["alpha beta"]),
        ("name=alpha%2Bbeta", &["alpha beta"]),
        ("name=al%25", &["alpha", "alpha beta", "al%pha"]),
        ("name=al%2525", &["alpha", "alpha beta", "al%pha"]),
        ("name=alph_", &["alpha"]),
        ("name=gr%C3%BCn", &["gr\u{fc}n"]),
        ("name=gr%25C3%25BCn", &["gr\u{fc}n"]),
        ("name=nothing", &[]),
        ("name=", &all),
        ("name=%27%20OR%201%3D1%20--", &[]),
        ("alg=aes", &["alpha", "alpha beta"]),
        ("alg=%25s%25", &["alpha", "alpha beta", "al%pha", "-"]),
        ("alg=", &all),
        ("mode=gcm", &["alpha beta"]),
        ("mode=_b_", &["alpha"]),
        ("bits=256", &["alpha"]),
        ("bits=257", &[]),
        ("bits=40000", &[]),
        ("bits=99999999999", &[]),
        ("bits=abc", &all),
        ("bits=-1", &all),
        ("bits=0", &all),
        ("bits=", &all),
        ("secret_type=symmetric", &["alpha", "alpha beta"]),
        ("secret_type=Symmetric", &[]),
        ("secret_type=unknown", &[]),
        ("secret_type=", &all),
        ("alg=aes&mode=cbc&bits=256&secret_type=symmetric&name=a%25", &["alpha"]),
        ("acl_only=false", &all),
        ("acl_only=1", &all),
        ("acl_only=", &all),
        ("acl_only=true", &[]),
        ("acl_only=TRUE", &[]),
        ("colour=red&limit=50", &all),
        ("created=&updated=&expiration=&sort=", &all),
    ] {
        assert_eq!(names(&client, query), expected, "{query}");
    }
    assert_eq!(names(&client.without("X-User-Id"), "acl_only=true"), all, "nobody can be listed anywhere");
    assert_eq!(names(&server.client("empty"), ""), Vec::<String>::new());
}

// F-114 to F-117.
#[test]
fn date_filters() {
    let server = Server::start();
    let client = server.client("demo");
    for (name, expiration) in [
        ("a", json!("2050-01-01")),
        ("b", json!("2050-01-02T10:00:00.000001")),
        ("c", json!("2060")),
        ("d", json!("")),
    ] {
        client.create(&json!({"name": name, "expiration": expiration}));
    }
    let times: Vec<_> = client.get("/v1/secrets").value()["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| secret["created"].as_str().unwrap().to_owned())
        .collect();
    for (query, expected) in [
        ("expiration=2050-01-01".to_owned(), &["a"][..]),
        ("expiration=gt:2050-01-01".to_owned(), &["b", "c"]),
        ("expiration=gte:2050-01-01".to_owned(), &["a", "b", "c"]),
        ("expiration=lt:2050-01-02T10:00:00.000001".to_owned(), &["a"]),
        ("expiration=lte:2050-01-02T10:00:00.000001".to_owned(), &["a", "b"]),
        ("expiration=gt:2050,lt:2060".to_owned(), &["b"]),
        ("expiration=gte:2050,lte:2060".to_owned(), &["a", "b", "c"]),
        ("expiration=2060,gt:2050".to_owned(), &["c"]),
        ("expiration=gt:2050-01-01T00:00:00%2B00:00".to_owned(), &["b", "c"]),
        ("expiration=gte:2050-01-01T05:00:00%2B05:00,lt:2050-01-01T05:00:01%2B05:00".to_owned(), &["a"]),
        ("expiration=lt:2030".to_owned(), &[]),
        (format!("created={}", times[1]), &["b"]),
        (format!("created=gt:{}", times[1]), &["c", "d"]),
        (format!("created=gte:{},lt:{}", times[1], times[3]), &["b", "c"]),
        (format!("updated=lte:{}", times[0]), &["a"]),
        (format!("updated=gt:{}&expiration=gt:2050", times[1]), &["c"]),
        ("created=gt:2020".to_owned(), &["a", "b", "c", "d"]),
    ] {
        assert_eq!(names(&client, &query), expected, "{query}");
    }
    for wrong in [
        "soon",
        "gt:",
        "eq:2050",
        "gt:2050-13-01",
        "gt:2030,gt:2031",
        "gt:2030,gte:2031",
        "lt:2030,lte:2031",
        "2030,2031",
        "2030,gte:2031",
        "gte:2031,2030",
        "lte:2031,2030",
        "gt:2030,",
        ",",
        "%00",
    ] {
        for field in ["created", "updated", "expiration"] {
            assert!(
                client.get(&format!("/v1/secrets?{field}={wrong}")).error(400).is_string(),
                "{field}={wrong}"
            );
        }
    }
}

// F-118, F-119.
#[test]
fn sorting() {
    let server = Server::start();
    let client = server.client("demo");
    for secret in [
        json!({"name": "b", "bit_length": 2, "algorithm": "x", "mode": "m", "expiration": "2051", "secret_type": "public"}),
        json!({"name": "a", "bit_length": 1, "algorithm": "y", "mode": "n", "expiration": "2050", "secret_type": "opaque"}),
        json!({"name": "c", "bit_length": 1, "algorithm": "x", "mode": "m", "expiration": "2052", "secret_type": "private"}),
    ] {
        client.create(&secret);
    }
    for (sort, expected) in [
        ("name", ["a", "b", "c"]),
        ("name:asc", ["a", "b", "c"]),
        ("name:desc", ["c", "b", "a"]),
        ("bit_length,name:desc", ["c", "a", "b"]),
        ("bit_length:desc,name", ["b", "a", "c"]),
        ("algorithm,bit_length", ["c", "b", "a"]),
        ("mode:desc,name:desc", ["a", "c", "b"]),
        ("expiration", ["a", "b", "c"]),
        ("secret_type", ["a", "c", "b"]),
        ("created", ["b", "a", "c"]),
        ("created:desc", ["c", "a", "b"]),
        ("updated:desc", ["c", "a", "b"]),
        ("status", ["b", "a", "c"]),
        ("status,name", ["a", "b", "c"]),
    ] {
        assert_eq!(names(&client, &format!("sort={sort}")), expected, "{sort}");
    }
    for wrong in [
        "size",
        "name:up",
        "name:",
        ":asc",
        "name:asc:x",
        "name,name",
        "name,name:desc",
        "name,",
        ",name",
        "Name",
    ] {
        assert!(client.get(&format!("/v1/secrets?sort={wrong}")).error(400).is_string(), "{wrong}");
    }
}

// F-092 in lists: an item is the document without the payload.
#[test]
fn a_list_shows_no_payload() {
    let server = Server::start();
    let client = server.client("demo");
    client.create(&json!({"payload": "canary-of-the-list", "payload_content_type": "text/plain"}));
    let reply = client.get("/v1/secrets");
    assert!(!reply.text().contains("canary-of-the-list"));
    let keys: Vec<_> = reply.value()["secrets"][0].as_object().unwrap().keys().cloned().collect();
    assert!(!keys.iter().any(|key| key == "payload"), "{keys:?}");
    assert_eq!(reply.value().as_object().unwrap().keys().collect::<Vec<_>>(), ["secrets", "total"]);
    assert_eq!(reply.value()["total"], Value::from(1));
}
