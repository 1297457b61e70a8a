//! Which versions there are, which paths and methods exist, and which fault is told first.

use std::fs;

use serde_json::{Value, json};
use strongroom_tests::{Server, Wire};

const ID: &str = "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";

fn document(version: &str, base: &str) -> Value {
    let links = json!([
        {"rel": "self", "href": format!("{base}/v1/")},
        {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
    ]);
    if version == "1.0" {
        let types = json!([
            {"base": "application/json", "type": "application/vnd.openstack.key-manager-v1+json"},
        ]);
        json!({"id": "v1", "status": "stable", "links": links, "media-types": types})
    } else {
        json!({"id": "v1", "status": "CURRENT", "min_version": "1.0", "max_version": "1.2", "links": links})
    }
}

// F-002, F-003, F-007 to F-012.
#[test]
fn documents_and_versions() {
    let server = Server::start();
    let (client, base) = (server.client("demo"), server.endpoint());
    for (asked, used) in [
        (None, "1.0"),
        (Some("key-manager 1.0"), "1.0"),
        (Some("key-manager 1.1"), "1.1"),
        (Some("key-manager 1.2"), "1.2"),
        (Some("key-manager latest"), "1.2"),
        (Some("KEY-Manager 1.1"), "1.1"),
        (Some("compute 2.1"), "1.0"),
        (Some("compute nonsense"), "1.0"),
        (Some("key-manager 1.2, compute 2.90, key-manager 1.1"), "1.1"),
        (Some("key-manager 1.3, key-manager 1.2"), "1.2"),
    ] {
        let asking = asked.map_or(client.clone(), |value| client.header("OpenStack-API-Version", value));
        let root = asking.get("/");
        let expected = match used {
            "1.0" => json!({"versions": {"values": [document(used, &base)]}}),
            _ => json!({"versions": [document(used, &base)]}),
        };
        assert_eq!((root.status, root.value()), (300, expected), "{asked:?}");
        for path in ["/v1", "/v1/"] {
            let reply = asking.get(path);
            assert_eq!(reply.status, 200, "{asked:?}");
            assert_eq!(reply.value(), json!({"version": document(used, &base)}), "{asked:?}");
        }
        let absent = asking.get(&format!("/v1/secrets/{ID}"));
        for (reply, status) in
            [(root, 300), (absent, 404), (asking.get("/v1/secrets"), 200), (asking.get("/nowhere"), 404)]
        {
            assert_eq!(reply.status, status, "{asked:?}");
            assert_eq!(reply.header("openstack-api-version"), Some(&*format!("key-manager {used}")));
            assert_eq!(reply.header("vary"), Some("openstack-api-version"));
        }
    }
    for (asked, status) in [
        ("key-manager 1.3", 406),
        ("key-manager 9.9", 406),
        ("key-manager 0.9", 406),
        ("key-manager 1.1, key-manager 1.3", 406),
        ("key-manager 2", 400),
        ("key-manager abc", 400),
        ("key-manager 1.x", 400),
        ("key-manager", 400),
        ("key-manager 1.-1", 400),
    ] {
        for path in ["/", "/v1", "/v1/secrets", "/v1/nowhere"] {
            let reply = client.header("OpenStack-API-Version", asked).get(path);
            assert_eq!(reply.status, status, "{asked} {path}");
            assert_eq!(reply.header("openstack-api-version"), None, "{asked}");
            assert_eq!(reply.header("vary"), None, "{asked}");
        }
    }
}

// F-004 to F-006, and what the root accepts.
#[test]
fn the_root() {
    let server = Server::start();
    let client = server.client("demo");
    for path in ["/?build", "/?build=", "/?build=x&y=z"] {
        let reply = client.get(path);
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.value()["build"].is_string(), "{path}");
    }
    for (accept, status) in [
        ("application/json", 300),
        ("*/*", 300),
        ("application/*;q=0.1", 300),
        ("text/html, application/json", 300),
        ("application/json-home, application/json", 300),
        ("application/json-home", 302),
        ("application/json-home, application/json;q=0.5", 302),
        ("text/html", 406),
        ("application/json;q=0", 406),
    ] {
        let reply = client.header("Accept", accept).get("/");
        assert_eq!(reply.status, status, "{accept}");
        if status == 302 {
            assert_eq!(reply.header("location"), Some(&*format!("{}/v1/", server.endpoint())));
        }
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "HEAD"] {
        let reply = client.without("X-Project-Id").send(method, "/", b"");
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET")), "{method}");
    }
    assert_eq!(client.get("/v2").status, 404);
    assert_eq!(client.get("/v10/secrets").status, 404);
}

// F-007, F-008, F-013, F-017 to F-024, F-105, F-138, Q-01, Q-17: fault by fault, the earlier wins.
#[test]
fn the_first_fault_is_told() {
    let server = Server::start();
    let client = server.client("demo").header("Accept", "application/json");
    let secret = "/v1/secrets/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";
    for (project, version, roles, method, path, status) in [
        ("", "nonsense", "reader", "BREW", "/v1/nowhere", 400),
        ("", "1.0", "reader", "GET", "/v1", 400),
        ("p", "nonsense", "reader", "PUT", "/v1/nowhere", 400),
        ("p", "9.9", "reader", "GET", "/v1/secrets", 406),
        ("p", "1.0", "reader", "GET", "/v1/secrets", 403),
        ("p", "1.0", "reader", "POST", "/v1/secrets", 403),
        ("p", "1.0", "reader", "PUT", "/v1/secrets", 405),
        ("p", "1.0", "reader", "GET", "/v1/nowhere", 404),
        ("p", "1.0", "reader", "GET", secret, 404),
        ("p", "1.0", "reader", "GET", "/v1/secrets/NOT-AN-ID", 404),
        ("p", "1.0", "reader", "GET", "/v1", 200),
    ] {
        let asking = client
            .header("X-Project-Id", project)
            .header("OpenStack-API-Version", &format!("key-manager {version}"))
            .header("X-Roles", roles);
        let reply = asking.send(method, path, b"");
        assert_eq!(reply.status, status, "{project} {version} {method} {path}: {}", reply.text());
        let versioned = !project.is_empty() && version == "1.0";
        assert_eq!(reply.header("openstack-api-version").is_some(), versioned, "{method} {path}");
    }
}

// F-006, F-015 to F-023, F-105, F-138.
#[test]
fn paths_and_methods() {
    let server = Server::start();
    let client = server.client("demo").header("Accept", "application/json");
    let secret = client.create(&json!({"payload": "x", "payload_content_type": "text/plain"}));
    assert_eq!(
        client.json("PUT", &format!("{secret}/metadata"), &json!({"metadata": {"k": "v"}})).status,
        201
    );
    let path = secret.strip_prefix(&server.endpoint()).unwrap();
    let resources = [
        ("/v1".to_owned(), Some("GET")),
        ("/v1/secrets".to_owned(), Some("GET, POST")),
        (path.to_owned(), Some("DELETE, GET, PUT")),
        (format!("{path}/payload"), None),
        (format!("{path}/metadata"), Some("GET, POST, PUT")),
        (format!("{path}/metadata/k"), None),
    ];
    for (path, allow) in &resources {
        let has = |method: &str| match allow {
            Some(listed) => listed.split(", ").any(|known| known == method),
            None => method == "GET" || path.ends_with("/k") && matches!(method, "PUT" | "DELETE"),
        };
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"] {
            // What exists is for other tests, but for the reading of it.
            if has(method) && method != "GET" {
                continue;
            }
            for spelling in [path.clone(), format!("{path}/"), path.replace('/', "//")] {
                let accept = if spelling.contains("payload") { "text/plain" } else { "application/json" };
                let reply = client.header("Accept", accept).send(method, &spelling, b"");
                if has(method) {
                    assert_eq!(reply.status, 200, "{method} {spelling}: {}", reply.text());
                    continue;
                }
                assert_eq!(reply.status, 405, "{method} {spelling}");
                assert_eq!(reply.header("allow"), *allow, "{method} {spelling}");
                assert_eq!(reply.header("content-type"), Some("application/json"));
                if method != "HEAD" {
                    assert_eq!(reply.error(405), "");
                }
            }
        }
        let anonymous = client.without("X-Project-Id").send("OPTIONS", path, b"");
        assert_eq!((anonymous.status, anonymous.body.as_slice()), (200, &b""[..]), "{path}");
    }
    for path in ["/v1/foo", "/v1/cas", "/v1/transport-keys", "/v1/secrets.xml", "/v1/secrets%2F", "/v1/%2e"] {
        assert_eq!(client.get(path).error(404), "", "{path}");
    }
    for surplus in ["foo", "payload/x", "metadata/k/x"] {
        for method in ["GET", "POST", "DELETE"] {
            assert_eq!(client.send(method, &format!("{path}/{surplus}"), b"").error(404), "", "{surplus}");
        }
    }
    // For every path, known or not.
    for path in ["/", "/v1/nowhere", "/nowhere", "/healthcheck"] {
        assert_eq!(client.without("X-Project-Id").send("OPTIONS", path, b"").status, 200, "{path}");
    }
    // The official client posts to a path that ends in a slash.
    assert_eq!(client.json("POST", "/v1/secrets/", &json!({})).status, 201);
    let empty = client.create(&json!({}));
    assert_eq!(
        client.header("Content-Type", "text/plain").send("PUT", &format!("{empty}/"), b"x").status,
        204
    );
    assert_eq!(client.delete(&format!("{secret}/metadata//k/")).status, 204);
    assert_eq!(client.delete(&format!("{secret}//")).status, 204);
}

// F-024: a query can't play the target of an access rule.
#[test]
fn a_query_does_not_reach_the_access_rules() {
    let server = Server::start();
    let secret = server.client("demo").header("X-User-Id", "owner").create(&json!({}));
    let stranger = server.client("elsewhere").header("X-Roles", "reader").header("X-User-Id", "eve");
    for query in [
        "target.secret.read=read",
        "target.secret.read=read&target.secret.project_id=elsewhere&target.secret.creator_id=eve",
        "secret_acl_read=True&project_id=demo&x=%00",
    ] {
        for path in ["", "/payload", "/metadata"] {
            assert_eq!(stranger.get(&format!("{secret}{path}?{query}")).status, 403, "{path}?{query}");
        }
        assert_eq!(stranger.get(&format!("/v1/secrets?{query}")).status, 403, "{query}");
    }
}

// F-014.
#[test]
fn the_health_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("disable");
    let server = Server::start_with(&[("API__HEALTHCHECK_DISABLE_FILE", file.to_str().unwrap())]);
    let client = server.client("demo").without("X-Project-Id");
    let json = client.header("Accept", "application/json");
    let reply = client.get("/healthcheck");
    assert_eq!((reply.status, reply.text().as_str()), (200, "OK"));
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=UTF-8"));
    let reply = json.get("/healthcheck");
    assert_eq!((reply.status, reply.value()), (200, json!({"detailed": false, "reasons": ["OK"]})));

    fs::write(&file, "").unwrap();
    let reply = client.get("/healthcheck");
    assert_eq!((reply.status, reply.text().as_str()), (503, "DISABLED BY FILE"));
    let reply = json.get("/healthcheck");
    assert_eq!(
        (reply.status, reply.value()),
        (503, json!({"detailed": false, "reasons": ["DISABLED BY FILE"]}))
    );
    fs::remove_file(&file).unwrap();
    assert_eq!(client.get("/healthcheck").status, 200);
}

// F-030, F-031: how references are built. HTTP/1.0 needs no host at all.
#[test]
fn references_follow_the_request_unless_fixed() {
    let server = Server::start();
    let mut wire = Wire::connect(server.address());
    for (head, base) in [
        ("HTTP/1.1\r\nHost: kms.example:9311", "http://kms.example:9311"),
        ("HTTP/1.1\r\nHost: kms.example\r\nX-Forwarded-Proto: https", "https://kms.example"),
        ("HTTP/1.1\r\nHost: [::1]:80\r\nX-Forwarded-Proto: http", "http://[::1]:80"),
        ("HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: javascript", "http://a"),
        ("HTTP/1.0\r\nConnection: keep-alive", "http://localhost"),
    ] {
        let request = format!("GET /v1 {head}\r\nX-Project-Id: p\r\n\r\n");
        wire.send(request.as_bytes()).unwrap();
        let reply = wire.reply("GET").unwrap().unwrap();
        assert_eq!(reply.value()["version"]["links"][0]["href"], format!("{base}/v1/"), "{head}");
    }

    let fixed = Server::start_with(&[("API__HOST_HREF", "https://kms.example:9311/")]);
    let client = fixed.client("demo").header("X-Forwarded-Proto", "http");
    let reply = client.json("POST", "/v1/secrets", &json!({}));
    let reference = reply.value()["secret_ref"].as_str().unwrap().to_owned();
    assert!(reference.starts_with("https://kms.example:9311/v1/secrets/"), "{reference}");
    assert_eq!(reply.header("location"), Some(&*reference));
    client.json("POST", "/v1/secrets", &json!({}));
    let list = client.get("/v1/secrets?limit=1").value();
    assert_eq!(list["next"], "https://kms.example:9311/v1/secrets?limit=1&offset=1");
    assert_eq!(list["secrets"][0]["secret_ref"], *reference);
}
