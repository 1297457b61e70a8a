//! What browsers on pages of other origins may do.

use serde_json::json;
use strongroom_tests::{Reply, Server};

const ORIGIN: &str = "https://dashboard.example";

fn no_cors(reply: &Reply) {
    let marked: Vec<_> = reply
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-allow-origin"))
        .collect();
    assert!(marked.is_empty(), "{marked:?}");
}

#[test]
fn without_origins_there_is_no_cors() {
    let server = Server::start();
    let client = server.client("demo").header("Origin", ORIGIN);
    no_cors(&client.get("/v1/secrets"));
    let asking = client.header("Access-Control-Request-Method", "GET").without("X-Project-Id");
    let reply = asking.send("OPTIONS", "/v1/secrets", b"");
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    no_cors(&reply);
}

// 3.5
#[test]
fn pages_of_named_origins_may_use_the_api() {
    let server = Server::start_with(&[("CORS__ALLOWED_ORIGINS", r#"["https://dashboard.example"]"#)]);
    let client = server.client("demo");
    let page = client.header("Origin", ORIGIN);
    // Errors are for the page to read too, those before the application among them.
    for (reply, status) in [
        (page.get("/v1/secrets"), 200),
        (page.get("/v1/nowhere"), 404),
        (page.without("X-Project-Id").get("/v1"), 400),
        (page.get("/"), 300),
    ] {
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("access-control-allow-origin"), Some(ORIGIN));
        assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
        let exposed = reply.header("access-control-expose-headers").unwrap().to_lowercase();
        assert!(exposed.contains("x-openstack-request-id") && exposed.contains("x-roles"), "{exposed}");
        let vary: Vec<_> =
            reply.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(vary.join(",").contains("origin"), "{vary:?}");
        assert!(status == 400 || vary.contains(&"openstack-api-version"), "{vary:?}");
    }
    // What is asked beforehand needs no identity.
    let asking = page.without("X-Project-Id").header("Access-Control-Request-Method", "PATCH");
    let reply = asking.send("OPTIONS", "/v1/secrets/x/acl", b"");
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(reply.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(reply.header("access-control-max-age"), Some("3600"));
    let methods = reply.header("access-control-allow-methods").unwrap();
    assert!(
        ["GET", "PUT", "POST", "DELETE", "PATCH"].iter().all(|method| methods.contains(method)),
        "{methods}"
    );
    let headers = reply.header("access-control-allow-headers").unwrap().to_lowercase();
    assert!(
        ["x-auth-token", "x-project-id", "content-type"].iter().all(|name| headers.contains(name)),
        "{headers}"
    );
    // Other pages, and clients that are no browsers.
    no_cors(&client.header("Origin", "https://evil.example").get("/v1/secrets"));
    no_cors(&client.header("Origin", "https://dashboard.example.evil").get("/v1/secrets"));
    no_cors(&client.get("/v1/secrets"));
    assert_eq!(client.json("POST", "/v1/secrets", &json!({})).status, 201);
    assert_eq!(client.send("OPTIONS", "/v1/secrets", b"").status, 200);
}

#[test]
fn a_star_stands_for_every_origin() {
    let server =
        Server::start_with(&[("CORS__ALLOWED_ORIGINS", r#"["*"]"#), ("CORS__ALLOW_CREDENTIALS", "false")]);
    let reply = server.client("demo").header("Origin", ORIGIN).get("/v1/secrets");
    assert_eq!(reply.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
}
