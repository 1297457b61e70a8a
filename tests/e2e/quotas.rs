//! Quotas: who sets them, what they say, and that they hold.

use std::thread;
use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::{Value, json};
use strongroom_tests::{Client, Server};

fn set(client: &Client, project: &str, quotas: &Value) {
    let path = format!("/v1/project-quotas/{project}");
    let reply = client.json("PUT", &path, &json!({"project_quotas": quotas}));
    assert_eq!((reply.status, reply.body.len()), (204, 0), "{quotas}: {}", reply.text());
}

// F-224 to F-226, F-228.
#[test]
fn what_is_set_applies_and_the_rest_is_as_configured() {
    let server = Server::start_with(&[("QUOTAS__SECRETS", "500"), ("QUOTAS__CAS", "7")]);
    let client = server.client("demo");
    let path = "/v1/project-quotas/demo";
    let effective = || client.get("/v1/quotas/").value();
    let quotas = |secrets, orders, containers| json!({"quotas": {"secrets": secrets, "orders": orders, "containers": containers, "consumers": -1, "cas": 7}});
    assert_eq!(effective(), quotas(500, -1, -1));
    client.get(path).error(404);
    client.delete(path).error(404);
    set(&client, "demo", &json!({"secrets": 3}));
    set(&client, "demo", &json!({"orders": 0, "containers": -5}));
    set(&client, "demo", &json!({"orders": 2.0}));
    assert_eq!(effective(), quotas(3, 2, -5));
    assert_eq!(
        client.get(path).value(),
        json!({"project_quotas": {"secrets": 3, "orders": 2, "containers": -5, "consumers": null, "cas": null}})
    );
    set(&client, "elsewhere", &json!({}));
    let unset = json!({"secrets": null, "orders": null, "containers": null, "consumers": null, "cas": null});
    assert_eq!(client.get("/v1/project-quotas/elsewhere").value(), json!({"project_quotas": unset}));
    assert_eq!(client.delete(path).status, 204);
    client.get(path).error(404);
    assert_eq!(effective(), quotas(500, -1, -1));
    for (path, methods, allow) in [
        ("/v1/quotas", ["PUT", "POST", "DELETE", "HEAD"], "GET"),
        ("/v1/project-quotas", ["PUT", "POST", "DELETE", "HEAD"], "GET"),
        (path, ["POST", "PATCH", "HEAD", "TRACE"], "DELETE, GET, PUT"),
    ] {
        for method in methods {
            let reply = client.send(method, path, b"");
            assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {path}");
        }
    }
    client.get("/v1/project_quotas").error(404);
}

// F-227, Q-03.
#[test]
fn the_list_leads_from_page_to_page() {
    let server = Server::start();
    let client = server.client("demo");
    for project in ["c", "a", "b%2Fx"] {
        set(&client, project, &json!({"secrets": 1}));
    }
    let mut found = Vec::new();
    let mut next = Some("/v1/project-quotas?limit=1".to_owned());
    while let Some(path) = next {
        let page = client.get(&path).value();
        assert_eq!(page["total"], 3);
        let item = &page["project_quotas"][0];
        assert_eq!(item["project_quotas"]["secrets"], 1);
        found.push(item["project_id"].as_str().unwrap().to_owned());
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(found, ["c", "a", "b/x"]);
}

// F-229.
#[test]
fn what_are_no_quotas_is_refused() {
    let server = Server::start();
    let client = server.client("demo");
    let path = "/v1/project-quotas/demo";
    for body in [
        json!({}),
        json!({"quotas": {}}),
        json!({"project_quotas": null}),
        json!({"project_quotas": []}),
        json!({"project_quotas": {}, "more": 1}),
        json!({"project_quotas": {"secrets": null}}),
        json!({"project_quotas": {"secrets": "5"}}),
        json!({"project_quotas": {"secrets": 5.5}}),
        json!({"project_quotas": {"secrets": true}}),
        json!({"project_quotas": {"transport_keys": 5}}),
    ] {
        let told = client.json("PUT", path, &body).error(400);
        assert!(told.as_str().unwrap().contains("schema 'Project Quota'"), "{body}: {told}");
    }
    client.header("Content-Type", "application/json").send("PUT", path, b"").error(400);
    client.header("Content-Type", "text/plain").send("PUT", path, b"{}").error(415);
    client.get(path).error(404);
    client
        .json("PUT", &format!("/v1/project-quotas/{}", "p".repeat(256)), &json!({"project_quotas": {}}))
        .error(404);
}

// F-230 to F-232, F-243: each kind by itself, 403 at the limit.
#[test]
fn a_quota_holds_for_each_kind() {
    let server = Server::start();
    let client = server.client("demo");
    let reason = |reply: &strongroom_tests::Reply| {
        let told = reply.error(403);
        assert!(told.as_str().unwrap().contains("quota"), "{told}");
    };
    let secret = client.create(&json!({}));
    let new = |path: &str, body: &Value| client.json("POST", path, body);
    let made = |path: &str, body: &Value| {
        let reply = new(path, body);
        assert!(reply.status < 300, "{path}: {}", reply.text());
        reply.header("location").unwrap().to_owned()
    };
    let generic = json!({"type": "generic"});
    let order = json!({"type": "key", "meta": {"algorithm": "aes", "bit_length": 128}});
    let container = made("/v1/containers", &generic);
    set(&client, "demo", &json!({"secrets": 1, "containers": 2, "orders": 0, "consumers": 1}));
    reason(&new("/v1/secrets", &json!({})));
    reason(&new("/v1/orders", &order));
    made("/v1/containers", &generic);
    reason(&new("/v1/containers", &generic));
    assert_eq!(client.delete(&container).status, 204);
    let container = made("/v1/containers", &generic);
    // The kinds of consumers are counted by themselves, each by who registered it.
    let of_secret = json!({"service": "s", "resource_type": "t", "resource_id": "i"});
    let of_container = json!({"name": "n", "URL": "u"});
    for (object, used) in [(&secret, &of_secret), (&container, &of_container)] {
        let path = format!("{object}/consumers");
        assert_eq!(new(&path, used).status, 200);
        // As in the reference, the count comes before the question whether it is there already.
        reason(&new(&path, used));
        assert_eq!(client.json("DELETE", &path, used).status, 200);
        assert_eq!(new(&path, used).status, 200);
    }
    // What is wrong with the request is told before the quota.
    new("/v1/secrets", &json!({"name": 5})).error(400);
    // What has expired or is deleted does not count.
    let other = server.client("elsewhere");
    let soon = after(&other, &other.create(&json!({})), 2);
    client.delete(&secret);
    assert_eq!(new("/v1/secrets", &json!({"expiration": soon})).status, 201);
    reason(&new("/v1/secrets", &json!({})));
    let late = Instant::now() + Duration::from_secs(20);
    while new("/v1/secrets", &json!({})).status != 201 {
        assert!(Instant::now() < late, "an expired secret still counts");
        thread::sleep(Duration::from_millis(100));
    }
    set(&client, "demo", &json!({"orders": -1}));
    assert_eq!(new("/v1/orders", &order).status, 202);
    assert_eq!(server.client("elsewhere").json("POST", "/v1/secrets", &json!({})).status, 201);
}

/// A time so many seconds after that secret was made.
fn after(client: &Client, secret: &str, seconds: i64) -> String {
    let made: NaiveDateTime = client.get(secret).value()["created"].as_str().unwrap().parse().unwrap();
    (made + TimeDelta::seconds(seconds)).format("%FT%T%.6f").to_string()
}

// P7: sixty-four writers at one limit.
#[test]
fn a_quota_is_exact_under_many_writers() {
    const LIMIT: usize = 100;
    const WRITERS: usize = 64;
    const EACH: usize = 5;
    let server = Server::start();
    let client = server.client("demo");
    let secret = client.create(&json!({}));
    let limits = json!({"secrets": LIMIT + 1, "containers": LIMIT, "orders": LIMIT, "consumers": LIMIT});
    set(&client, "demo", &limits);
    let consumers = format!("{secret}/consumers");
    let tries = |path: &str, body: &(dyn Fn(usize) -> Value + Sync)| {
        let statuses: Vec<u16> = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let client = client.clone();
                    scope.spawn(move || {
                        let one = |number| client.json("POST", path, &body(writer * EACH + number)).status;
                        (0..EACH).map(one).collect::<Vec<_>>()
                    })
                })
                .collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });
        let refused = statuses.iter().filter(|status| **status == 403).count();
        assert!(statuses.iter().all(|status| *status < 300 || *status == 403), "{path}: {statuses:?}");
        assert_eq!(statuses.len() - refused, LIMIT, "{path}");
    };
    tries("/v1/secrets", &|_| json!({"payload": "x", "payload_content_type": "text/plain"}));
    tries("/v1/containers", &|_| json!({"type": "generic"}));
    tries(
        &consumers,
        &|number| json!({"service": "s", "resource_type": "t", "resource_id": number.to_string()}),
    );
    assert_eq!(client.get(&format!("{consumers}?limit=1")).value()["total"], LIMIT);
    assert_eq!(client.get("/v1/containers?limit=1").value()["total"], LIMIT);
    assert_eq!(client.get("/v1/secrets?limit=1").value()["total"], LIMIT + 1);
}
