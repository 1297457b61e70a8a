//! The form of errors, negotiation, and the rules that all requests share.

use serde_json::{Value, json};
use strongroom_tests::{Client, Server, outcomes, python, run};

const ID: &str = "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";

fn post(client: &Client, body: &[u8]) -> strongroom_tests::Reply {
    client.header("Content-Type", "application/json").send("POST", "/v1/secrets", body)
}

// F-025, F-026.
#[test]
fn request_ids_are_fresh_and_only_a_real_one_from_outside_is_kept() {
    let server = Server::start();
    let client = server.client("demo");
    let theirs = "req-94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";
    let mut seen = Vec::new();
    for (inbound, kept) in [
        (None, None),
        (Some(theirs), Some(theirs)),
        (Some("req-94c3e0a2"), None),
        (Some("94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f"), None),
        (Some("req-<script>"), None),
    ] {
        for path in ["/", "/v1", "/nowhere", "/v1/nowhere", "/v1/secrets"] {
            let asking = inbound.map_or(client.clone(), |id| client.header("X-Openstack-Request-Id", id));
            let reply = asking.get(path);
            let own = reply.header("x-openstack-request-id").unwrap().to_owned();
            assert!(own.strip_prefix("req-").is_some_and(|id| id.len() == 36), "{own}");
            assert!(own != theirs && !seen.contains(&own), "{own}");
            let records = server.records();
            let outcomes = strongroom_tests::outcomes(&records, &reply);
            assert_eq!(outcomes.len(), 1, "{path}");
            assert_eq!(outcomes[0]["origin"]["global_request_id"].as_str(), kept, "{inbound:?}");
            seen.push(own);
        }
    }
}

// F-027, F-036, F-038: negotiation of JSON.
#[test]
fn json_answers_need_an_accept_that_admits_them() {
    let server = Server::start();
    let client = server.client("demo");
    let secret = client.create(&json!({"payload": "x", "payload_content_type": "text/plain"}));
    for path in ["/v1/secrets".to_owned(), format!("{secret}/metadata"), "/v1".to_owned()] {
        for (accept, admitted) in [
            ("application/json", true),
            ("*/*", true),
            ("application/*", true),
            ("text/html, application/json;q=0.1", true),
            ("APPLICATION/JSON", true),
            ("application/json;charset=utf-8", true),
            ("text/html", false),
            ("application/json;q=0", false),
            ("application/octet-stream", false),
            ("text/plain", false),
            ("nonsense", false),
        ] {
            let reply = client.header("Accept", accept).get(&path);
            if admitted {
                assert_eq!(reply.status, 200, "{path} {accept}");
                assert_eq!(reply.header("content-type"), Some("application/json"));
            } else {
                assert_eq!(reply.error(406), Value::Null, "{path} {accept}");
            }
        }
    }
    client.header("Accept", "*/*, application/json;q=0").get("/v1/secrets").error(406);
    let html = client.header("Accept", "text/html");
    html.json("POST", "/v1/secrets", &json!({})).error(406);
    // Answers without a body only refuse what is no media type at all.
    let other = client.header("Accept", "image/png");
    other.json("PUT", &format!("{secret}/metadata"), &json!({"metadata": {}})).error(406);
    assert_eq!(other.delete(&format!("{secret}/metadata/k")).status, 204);
    client.header("Accept", "foo/bar").delete(&secret).error(406);
    assert_eq!(other.delete(&secret).status, 204);
    // The application's own errors are JSON whatever is accepted.
    assert_eq!(html.get(&format!("/v1/secrets/{ID}/payload")).error(404), "There is no such secret.");
    assert_eq!(html.get("/v1/nowhere").error(404), "");
}

// F-037: errors of the filters.
#[test]
fn errors_before_the_application_follow_accept() {
    let server = Server::start();
    let anonymous = server.client("demo").without("X-Project-Id");
    let client = server.client("demo");
    for (accept, content_type) in [
        (None, "text/plain; charset=UTF-8"),
        (Some("image/png"), "text/plain; charset=UTF-8"),
        (Some("text/html"), "text/html; charset=UTF-8"),
        (Some("*/*"), "text/html; charset=UTF-8"),
        (Some("text/*, application/json"), "text/html; charset=UTF-8"),
        (Some("application/json"), "application/json"),
    ] {
        let accepting =
            |client: &Client| accept.map_or(client.clone(), |value| client.header("Accept", value));
        for (reply, status) in [
            (accepting(&anonymous).get("/v1"), "400 Bad Request"),
            (accepting(&anonymous).get("/v1/secrets"), "400 Bad Request"),
            (accepting(&anonymous).get("/nowhere"), "404 Not Found"),
            (accepting(&anonymous).send("PUT", "/", b""), "405 Method Not Allowed"),
            (
                accepting(&client).header("OpenStack-API-Version", "key-manager 1.9").get("/v1"),
                "406 Not Acceptable",
            ),
        ] {
            assert_eq!(reply.status.to_string(), status[..3], "{accept:?}");
            assert_eq!(reply.header("content-type"), Some(content_type), "{accept:?}");
            match content_type {
                "application/json" => {
                    let body = reply.value();
                    assert_eq!((&body["code"], &body["title"]), (&json!(status), &json!(status[4..])));
                    assert!(body["message"].is_string());
                }
                "text/html; charset=UTF-8" => assert!(reply.text().contains(&format!("<h1>{status}</h1>"))),
                _ => assert_eq!(reply.text().lines().next(), Some(status)),
            }
        }
    }
}

// F-028, F-029: the order of a write's checks.
#[test]
fn a_write_is_judged_by_caller_then_type_then_body() {
    let server = Server::start();
    let client = server.client("demo");
    let reader = client.header("X-Roles", "reader");
    let empty = client.create(&json!({}));
    let full = client.create(&json!({"payload": "x", "payload_content_type": "text/plain"}));
    let long = "x".repeat(20_001);
    for (client, content_type, body, status) in [
        (&reader, "text/plain", "{", 403),
        (&client, "text/plain", "{", 415),
        (&client, "application/json", "{", 400),
        (&client, "application/json;charset=utf-8", "{}", 201),
        (&client, "application/json ; x=y", "{}", 201),
        (&client, "application/x-json", "{}", 415),
        (&client, "", "{}", 415),
    ] {
        let reply = client.header("Content-Type", content_type).send("POST", "/v1/secrets", body.as_bytes());
        assert_eq!(reply.status, status, "{content_type} {body}: {}", reply.text());
    }
    for (client, secret, content_type, body, status) in [
        (&reader, &full, "application/json", long.as_str(), 403),
        (&client, &full, "application/json", long.as_str(), 415),
        (&client, &full, "text/plain", "", 400),
        (&client, &full, "text/plain", long.as_str(), 413),
        (&client, &full, "text/plain", "x", 409),
        (&client, &empty, "text/plain", "", 400),
    ] {
        let reply = client.header("Content-Type", content_type).send("PUT", secret, body.as_bytes());
        assert_eq!(reply.status, status, "{content_type}: {}", reply.text());
    }
    for (method, path) in [("PUT", "metadata"), ("POST", "metadata"), ("PUT", "metadata/k")] {
        for (client, content_type, status) in
            [(&reader, "text/plain", 403), (&client, "text/plain", 415), (&client, "application/json", 400)]
        {
            let path = format!("{full}/{path}");
            let reply = client.header("Content-Type", content_type).send(method, &path, b"{");
            assert_eq!(reply.status, status, "{method} {path} {content_type}");
        }
    }
}

// F-040, F-042.
#[test]
fn a_validation_error_names_schema_reason_and_property() {
    let server = Server::start();
    let client = server.client("demo");
    let description = post(&client, br#"{"name": 5}"#).error(400);
    assert_eq!(
        description,
        "Provided object does not match schema 'Secret': name is not a string. Invalid property: 'name'"
    );
    let description = post(&client, br#"{"payload": "x", "payload_content_type": "plain-text"}"#).error(400);
    let compared = "Provided object does not match schema 'Secret': payload_content_type is not one of \
                    ['text/plain', 'text/plain;charset=utf-8', 'text/plain; charset=utf-8', \
                    'application/octet-stream'";
    assert!(description.as_str().unwrap().contains(compared), "{description}");
    let secret = client.create(&json!({}));
    for (method, path, schema) in
        [("PUT", "metadata", "SecretMetadata"), ("POST", "metadata", "SecretMetadatum")]
    {
        let description = client.json(method, &format!("{secret}/{path}"), &json!({})).error(400);
        assert!(description.as_str().unwrap().contains(&format!("schema '{schema}'")), "{description}");
    }
    let reader = client.header("X-Roles", "reader");
    let description = reader.get("/v1/secrets").error(403);
    assert!(description.as_str().unwrap().starts_with("Secret(s) retrieval attempt not allowed"));
}

// F-043 to F-045, Q-20.
#[test]
fn sizes_are_limited_to_the_byte() {
    let server = Server::start();
    let client = server.client("demo");
    let padded = |length: usize| {
        let body = r#"{"name": "n", "x": ""}"#;
        body.replace(r#""""#, &format!("\"{}\"", "x".repeat(length - body.len())))
    };
    assert_eq!(post(&client, padded(25_000).as_bytes()).status, 201);
    post(&client, padded(25_001).as_bytes()).error(400);
    post(&client, padded(200_000).as_bytes()).error(400);

    let with = |payload: String, content_type: &str, encoding: Option<&str>| {
        let mut secret = json!({"payload": payload, "payload_content_type": content_type});
        if let Some(encoding) = encoding {
            secret["payload_content_encoding"] = encoding.into();
        }
        client.json("POST", "/v1/secrets", &secret)
    };
    let octets = "application/octet-stream";
    assert_eq!(with("x".repeat(20_000), "text/plain", None).status, 201);
    with("x".repeat(20_001), "text/plain", None).error(413);
    // Bytes count, not characters, and white space around them does not.
    assert_eq!(with("ä".repeat(10_000), "text/plain", None).status, 201);
    with("ä".repeat(10_001), "text/plain", None).error(413);
    assert_eq!(with(format!("  {}\n", "x".repeat(20_000)), "text/plain", None).status, 201);
    assert_eq!(with("QUJD".repeat(5_000), octets, Some("base64")).status, 201);
    with("QUJD".repeat(5_001), octets, Some("base64")).error(413);

    for (length, status) in [(20_000, 204), (20_001, 413), (25_001, 413), (1_000_000, 413)] {
        let secret = client.create(&json!({}));
        let reply = client.header("Content-Type", octets).send("PUT", &secret, &vec![0; length]);
        assert_eq!(reply.status, status, "{length}");
    }
}

// F-043 with another limit for payloads: the JSON limit stays what it is set to.
#[test]
fn each_limit_is_its_own_setting() {
    let server = Server::start_with(&[("API__MAX_REQUEST_BYTES", "1000"), ("API__MAX_SECRET_BYTES", "5000")]);
    let client = server.client("demo");
    let secret = |length: usize| json!({"payload": "x".repeat(length), "payload_content_type": "text/plain"});
    assert_eq!(client.json("POST", "/v1/secrets", &secret(900)).status, 201);
    client.json("POST", "/v1/secrets", &secret(1_000)).error(400);
    let empty = client.create(&json!({}));
    let text = client.header("Content-Type", "text/plain");
    text.send("PUT", &empty, &[b'x'; 5_001]).error(413);
    assert_eq!(text.send("PUT", &empty, &[b'x'; 5_000]).status, 204);
}

// F-046 to F-050.
#[test]
fn json_is_read_as_the_reference_reads_it() {
    let server = Server::start();
    let client = server.client("demo");
    for body in
        ["", " ", "{", "[]", "null", "1", "\"x\"", "{} {}", "{'name': 'n'}", "{\"name\": NaN}", "{\"a\"}"]
    {
        assert!(post(&client, body.as_bytes()).error(400).is_string(), "{body}");
    }
    assert_eq!(post(&client, b"{\"name\": \"\xff\"}").error(400), "");
    assert_eq!(post(&client, b"\xff").error(400), "");
    // Nested deeper than any reader should follow.
    post(&client, format!("{{\"x\": {}", "[".repeat(20_000)).as_bytes()).error(400);
    let described = |body: &[u8]| {
        let reply = post(&client, body);
        assert_eq!(reply.status, 201, "{}", reply.text());
        client.get(reply.value()["secret_ref"].as_str().unwrap()).value()
    };
    assert_eq!(described(br#"{"name": "a", "name": "b"}"#)["name"], "b");
    assert_eq!(described(b" \n{\"name\": \" \\t n\\u00e4 \\n\"}\n")["name"], "nä");
    assert_eq!(described(br#"{"name": "   "}"#)["name"], "");
    assert_eq!(described(br#"{"bit_length": 5.0}"#)["bit_length"], 5);
    for wrong in ["true", "\"5\"", "5.5", "[]", "null", "1e300", "{}"] {
        post(&client, format!("{{\"bit_length\": {wrong}}}").as_bytes()).error(400);
    }
    // F-035: what goes out is ASCII.
    let reference = client.create(&json!({"name": "schlüssel 🔑"}));
    let text = client.get(&reference).text();
    assert!(text.is_ascii() && text.contains(r"schl\u00fcssel \ud83d\udd11"), "{text}");
}

// F-034: times out, without a zone; and a fraction only when there is one.
#[test]
fn times_are_given_in_utc_without_saying_so() {
    let server = Server::start();
    let client = server.client("demo");
    let reference = client.create(&json!({"expiration": "2050-01-01T10:00:00+05:00"}));
    let secret = client.get(&reference).value();
    assert_eq!(secret["expiration"], "2050-01-01T05:00:00");
    let created = secret["created"].as_str().unwrap();
    assert!(
        created.starts_with("20") && !created.ends_with('Z') && created.as_bytes()[10] == b'T',
        "{created}"
    );
    let reference = client.create(&json!({"expiration": "2050-01-01T10:00:00.000120Z"}));
    assert_eq!(client.get(&reference).value()["expiration"], "2050-01-01T10:00:00.000120");
}

// F-208, F-209, F-213: the unauthenticated context.
#[test]
fn headers_name_the_caller() {
    let server = Server::start();
    let client = server.client("demo");
    assert_eq!(client.header("X-Project-Id", "").get("/v1").status, 400);
    assert_eq!(client.without("X-Project-Id").get("/v1/secrets").status, 400);
    assert_eq!(client.header("X-Project-Id", &"p".repeat(256)).get("/v1").status, 400);
    assert_eq!(client.header("X-Project-Id", &"p".repeat(255)).get("/v1").status, 200);
    for (roles, status) in [
        ("", 200),
        (" , ", 200),
        ("none", 403),
        ("reader", 403),
        ("member", 200),
        ("MEMBER", 200),
        (" other , Member ", 200),
        ("admin", 403),
    ] {
        assert_eq!(client.header("X-Roles", roles).get("/v1/secrets").status, status, "{roles:?}");
    }
    // F-079, and nobody when nobody is named.
    let reference = client.header("X-User-Id", "ann").create(&json!({"creator_id": "eve"}));
    assert_eq!(client.get(&reference).value()["creator_id"], "ann");
    let reference = client.create(&json!({}));
    assert_eq!(client.get(&reference).value()["creator_id"], Value::Null);
}

// F-039: stored bytes that were altered are never handed out, and what is wrong inside stays inside.
#[test]
fn a_fault_inside_is_told_without_its_details() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_in(&data);
    let secret = json!({"payload": "x", "payload_content_type": "text/plain"});
    let [altered, sound] = [(), ()].map(|()| {
        let reference = server.client("demo").create(&secret);
        reference.strip_prefix(&server.endpoint()).unwrap().to_owned()
    });
    assert!(server.stop().success());
    let flip = "import sqlite3, sys, uuid
with sqlite3.connect(sys.argv[1]) as db:
    id = uuid.UUID(sys.argv[2]).bytes
    (sealed,) = db.execute('SELECT sealed FROM payloads WHERE secret = ?', (id,)).fetchone()
    db.execute('UPDATE payloads SET sealed = ? WHERE secret = ?', (sealed[:-1] + bytes([sealed[-1] ^ 1]), id))";
    let id = altered.rsplit('/').next().unwrap();
    let ended = run(python("python").args(["-c", flip]).arg(data.join("strongroom.sqlite")).arg(id));
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let server = Server::start_in(&data);
    let client = server.client("demo");
    let reply = client.payload(&altered, "text/plain");
    assert_eq!(
        reply.error(500),
        "Secret payload retrieval failed: please contact the administrator of this service."
    );
    let records = server.records();
    let record = outcomes(&records, &reply)[0];
    assert_eq!((&record["outcome"], &record["reason"]["code"]), (&json!("failed"), &json!("integrity")));
    assert_eq!(record["target"], format!("secret/{id}"));
    assert_eq!(client.payload(&sound, "text/plain").text(), "x", "one bad row harms no other");
    // The operator is told more.
    assert!(server.log().contains("integrity"), "{}", server.log());
}
