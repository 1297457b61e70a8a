//! Whatever is sent, the server answers it with something other than a fault of its own, puts it on record
//! once, and goes on serving.

use std::cell::RefCell;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use strongroom_tests::{Client, Reply, Server, Wire, outcomes};

/// A request that is well-formed HTTP, whatever it may mean.
#[derive(Debug, Clone)]
struct Request {
    method: String,
    target: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    chunked: bool,
}

impl Request {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: h\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        if self.chunked {
            bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in self.body.chunks(7_000) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()));
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            bytes.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
            bytes.extend(&self.body);
        }
        bytes
    }
}

fn methods() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["GET", "POST", "PUT", "DELETE"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["HEAD", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]).prop_map(str::to_owned),
        1 => "[A-Z]{1,12}".prop_filter("a tunnel is no request", |method| method != "CONNECT"),
    ]
}

/// `SECRET` and `EMPTY` stand for the ids of secrets that are there when a run begins.
fn targets() -> impl Strategy<Value = String> {
    let known = vec![
        "/v1/secrets",
        "/v1/secrets/",
        "/v1/secrets/SECRET",
        "/v1/secrets/EMPTY",
        "/v1/secrets/SECRET/payload",
        "/v1/secrets/SECRET/metadata",
        "/v1/secrets/SECRET/metadata/k",
        "/v1",
        "/",
        "/healthcheck",
        "/v1/secrets/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f",
        "//v1///secrets//SECRET//",
    ];
    let path = prop_oneof![
        8 => prop::sample::select(known).prop_map(str::to_owned),
        1 => "/v1/secrets/[A-Za-z0-9._~%:@;,=-]{1,60}",
        1 => "/v1/secrets/SECRET/metadata/[A-Za-z0-9._~%:@;,=-]{1,300}",
        1 => "/[A-Za-z0-9._~%:@;,=/-]{0,60}",
    ];
    let names = vec![
        "limit",
        "offset",
        "name",
        "alg",
        "mode",
        "bits",
        "secret_type",
        "acl_only",
        "created",
        "updated",
        "expiration",
        "sort",
        "force",
        "build",
        "transport_key_id",
        "trans_wrapped_session_key",
        "x",
    ];
    let values = prop_oneof![
        "[A-Za-z0-9._~%:+,=-]{0,40}",
        "(gt|gte|lt|lte|)(:)?[0-9TZ:.+%-]{0,30}(,[a-z]{0,3}:?[0-9-]{0,12})?",
        "(%[0-9a-fA-F]{2}){0,8}",
        "(name|created|bit_length|status|size)(:asc|:desc|:up)?(,(name|mode|updated))?",
        "-?[0-9]{1,25}",
        Just("true".to_owned()),
    ];
    let parameter = (prop::sample::select(names), values);
    (path, prop::collection::vec(parameter, 0..4)).prop_map(|(mut target, parameters)| {
        for (number, (name, value)) in parameters.iter().enumerate() {
            let separator = if number == 0 { '?' } else { '&' };
            write!(target, "{separator}{name}={value}").unwrap();
        }
        target
    })
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let one = |name: &'static str, sensible: Vec<&'static str>| {
        prop_oneof![
            4 => prop::sample::select(sensible).prop_map(|value| value.as_bytes().to_vec()),
            1 => prop::collection::vec(prop_oneof![0x20..0x7f_u8, 0x80..=0xff_u8], 0..40),
            1 => "[a-z*]{1,8}/[a-z*]{1,8}(;[a-z]{1,7}=[a-z0-9.-]{0,8})?(,[a-z*]{1,8}/[a-z*]{1,8})?".prop_map(String::into_bytes),
        ]
        .prop_map(move |value| (name, value))
    };
    let any = prop_oneof![
        3 => one("Accept", vec!["application/json", "*/*", "text/plain", "application/octet-stream", "", ";q=", "*/*;q=nan"]),
        1 => one("Content-Encoding", vec!["base64", "gzip", "BASE64", ""]),
        1 => one("OpenStack-API-Version", vec!["key-manager 1.2", "key-manager latest", "key-manager 9.9", "compute 2.1", "key-manager 99999999999.1"]),
        1 => one("X-Roles", vec!["member", "reader", "admin", "", ",,,", "MEMBER,Reader"]),
        1 => one("X-User-Id", vec!["ann", "", "bob"]),
        1 => one("X-Project-Id", vec!["other", ""]),
        1 => one("X-Auth-Token", vec!["notused", "gAAAA"]),
        1 => one("X-Forwarded-Proto", vec!["https", "javascript"]),
        1 => one("X-Openstack-Request-Id", vec!["req-94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f", "req-"]),
    ];
    let content_type = one(
        "Content-Type",
        vec!["application/json", "application/json", "text/plain", "application/octet-stream"],
    );
    // Most requests say what they carry and who sends it, or none would come far.
    let project = prop::option::weighted(0.95, Just(("X-Project-Id", b"demo".to_vec())));
    (project, prop::option::weighted(0.9, content_type), prop::collection::vec(any, 0..4)).prop_map(
        |(project, content_type, others)| project.into_iter().chain(content_type).chain(others).collect(),
    )
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{250,260}".prop_map(Value::from),
        "[0-9TZ:.+ -]{0,30}".prop_map(Value::from),
        prop::sample::select(vec![
            "text/plain",
            "text/plain;charset=utf-8",
            "application/octet-stream",
            "application/pkcs8",
            "base64",
            "true",
            "symmetric",
            "2050",
            "1970-01-01",
            "eA==",
            "!!!!",
            "",
            " ",
            "k",
        ])
        .prop_map(Value::from),
        (0..40_000_i32).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[ -~]{0,10}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let keys = vec![
        "name",
        "algorithm",
        "mode",
        "bit_length",
        "expiration",
        "secret_type",
        "payload",
        "payload_content_type",
        "payload_content_encoding",
        "transport_key_needed",
        "transport_key_id",
        "metadata",
        "key",
        "value",
        "x",
    ];
    let object = prop::collection::vec((prop::sample::select(keys), values()), 0..6);
    // A payload that would do, so that the fields beside it are what matters.
    let good = json!({"payload": "eA==", "payload_content_type": "application/octet-stream",
        "payload_content_encoding": "base64"});
    let structured = (any::<bool>(), object).prop_map(move |(filled, pairs)| {
        let mut body = if filled { good.clone() } else { json!({}) };
        for (key, value) in pairs {
            body[key] = value;
        }
        body.to_string().into_bytes()
    });
    prop_oneof![
        6 => structured,
        1 => values().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => "[\\[\\]{}\",:0-9eE+.a-z\\\\ -]{0,200}".prop_map(String::into_bytes),
        1 => (19_990..20_010_usize).prop_map(|length| vec![b'x'; length]),
        1 => (24_990..60_000_usize).prop_map(|length| vec![b' '; length]),
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    let odd = (methods(), targets(), headers(), bodies(), any::<bool>()).prop_map(
        |(method, target, headers, body, chunked)| Request { method, target, headers, body, chunked },
    );
    // Some that each get one known status, so that the run meets every door, and so that what the odd ones
    // leave behind has something to break.
    let large = vec![b'x'; 20_001];
    let plain = prop::sample::select(vec![
        ("GET", "/v1/secrets", ("Accept", "*/*"), Vec::new()),
        ("POST", "/v1/secrets", ("Accept", "*/*"), b"{\"name\": \"plain\"}".to_vec()),
        ("DELETE", "/v1/secrets/SECRET", ("Accept", "*/*"), Vec::new()),
        ("POST", "/v1/secrets", ("Accept", "*/*"), b"{".to_vec()),
        ("POST", "/v1/secrets", ("X-Roles", "reader"), b"{}".to_vec()),
        ("GET", "/v1/nothing", ("Accept", "*/*"), Vec::new()),
        ("PATCH", "/v1/secrets", ("Accept", "*/*"), Vec::new()),
        ("GET", "/v1/secrets", ("Accept", "text/html"), Vec::new()),
        ("PUT", "/v1/secrets/EMPTY", ("Content-Type", "text/plain"), large),
        ("PUT", "/v1/secrets/EMPTY", ("Content-Type", "text/html"), b"x".to_vec()),
    ]);
    let plain = plain.prop_map(|(method, target, (name, value), body)| {
        let mut headers = vec![("X-Project-Id", b"demo".to_vec()), (name, value.as_bytes().to_vec())];
        if name != "Content-Type" {
            headers.push(("Content-Type", b"application/json".to_vec()));
        }
        Request { method: method.to_owned(), target: target.to_owned(), headers, body, chunked: false }
    });
    prop_oneof![12 => odd, 1 => plain]
}

/// What the run needs: a connection that is kept, and secrets to be about.
struct Run<'a> {
    server: &'a Server,
    client: Client,
    wire: Option<Wire>,
    secret: String,
    empty: String,
    answered: Vec<(Request, Reply)>,
}

impl<'a> Run<'a> {
    fn new(server: &'a Server) -> Self {
        let client = server.client("demo");
        let [secret, empty] = [String::new(), String::new()];
        let mut run = Self { server, client, wire: None, secret, empty, answered: Vec::new() };
        run.renew();
        run
    }

    /// Secrets to be about; earlier requests may have deleted or filled them.
    fn renew(&mut self) {
        let id = |reference: String| reference.rsplit('/').next().unwrap().to_owned();
        let payload = json!({"payload": "x", "payload_content_type": "text/plain"});
        self.secret = id(self.client.create(&payload));
        self.empty = id(self.client.create(&json!({})));
    }

    fn send(&mut self, mut request: Request) -> Result<(), TestCaseError> {
        if self.answered.len().is_multiple_of(50) {
            self.renew();
        }
        request.target = request.target.replace("SECRET", &self.secret).replace("EMPTY", &self.empty);
        let (wire, reply) = match self.wire.take().map(|wire| exchange(wire, &request)) {
            Some(Ok(done)) => done,
            // A server may close a connection after an answer whose request it did not read whole (RFC 9112,
            // section 9.3); a fresh one has to do.
            Some(Err(_)) | None => exchange(Wire::connect(self.server.address()), &request)?,
        };
        prop_assert!(reply.status < 500, "{} {}", reply.status, reply.text());
        prop_assert!(reply.header("x-openstack-request-id").is_some(), "{} {}", reply.status, reply.text());
        if reply.header("connection") != Some("close") {
            self.wire = Some(wire);
        }
        self.answered.push((request, reply));
        Ok(())
    }
}

fn exchange(mut wire: Wire, request: &Request) -> Result<(Wire, Reply), TestCaseError> {
    wire.send(&request.bytes()).map_err(|error| TestCaseError::fail(format!("not taken: {error}")))?;
    let reply = wire.reply(&request.method).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let reply = reply.ok_or_else(|| TestCaseError::fail("the connection was closed without an answer"))?;
    Ok((wire, reply))
}

// Bad input, whole: well-formed HTTP is answered, without a fault, on record once; and the server lives on.
#[test]
fn every_request_is_answered_and_recorded() {
    let server = Server::start();
    let run = RefCell::new(Run::new(&server));
    let config =
        Config { cases: 1_500, failure_persistence: None, max_shrink_time: 5_000, ..Config::default() };
    let outcome = TestRunner::new(config).run(&requests(), |request| run.borrow_mut().send(request));
    outcome.unwrap_or_else(|failure| panic!("{failure}\n{}", server.log()));

    let records = server.records();
    let answered = &run.borrow().answered;
    for (request, reply) in answered {
        let ended = outcomes(&records, reply);
        // Neither asks for anything of the service's.
        let unrecorded = request.method == "OPTIONS"
            || (request.method == "GET" && request.target.split('?').next() == Some("/healthcheck"));
        assert_eq!(ended.len(), usize::from(!unrecorded), "{request:?} {reply:?}");
    }
    // The requests were not all turned away at the same door.
    for status in [200, 201, 204, 400, 403, 404, 405, 406, 413, 415] {
        assert!(answered.iter().any(|(_, reply)| reply.status == status), "no answer was {status}");
    }
    is_well(&server);
    let verdict = server.admin(&["audit", "verify"]);
    assert_eq!(verdict.code, Some(0), "{verdict:?}");
}

fn is_well(server: &Server) {
    let client = server.client("demo");
    let secret = client.create(&json!({"payload": "still here", "payload_content_type": "text/plain"}));
    assert_eq!(client.payload(&secret, "text/plain").text(), "still here");
    assert_eq!(client.get("/healthcheck").text(), "OK");
    assert!(!server.log().contains("panic"), "{}", server.log());
}

// What is no HTTP is refused or hung up on, and harms nobody: least of all another client's connection.
#[test]
fn malformed_http_harms_nobody() {
    let server = Server::start();
    let mut other = Wire::connect(server.address());
    let mut others_request = || {
        other.send(b"GET /v1 HTTP/1.1\r\nHost: h\r\nX-Project-Id: demo\r\n\r\n").unwrap();
        assert_eq!(other.reply("GET").unwrap().unwrap().status, 200);
    };
    let head =
        "POST /v1/secrets HTTP/1.1\r\nHost: h\r\nX-Project-Id: demo\r\nContent-Type: application/json\r\n";
    let with = |rest: &str| format!("{head}{rest}").into_bytes();
    let cases: Vec<Vec<u8>> = vec![
        b"\r\n\r\n\r\n".to_vec(),
        b"nonsense\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET /v1 HTTP/9.9\r\n\r\n".to_vec(),
        b"GET /v1 HTTP/1.1\r\nHost\r\n\r\n".to_vec(),
        b"GET /v1\x00 HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
        b"GET <> HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
        b"GET /v1 HTTP/1.1\r\nX-Project-Id: a\x00b\r\n\r\n".to_vec(),
        b"GET /v1 HTTP/1.1\r\nX-Project-Id: demo\r\n folded\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        vec![0xff; 4096],
        [b"GET /".to_vec(), vec![b'a'; 300_000]].concat(),
        [b"GET /v1 HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 300_000], b"\r\n\r\n".to_vec()].concat(),
        [b"GET /v1 HTTP/1.1\r\n".to_vec(), b"X: a\r\n".repeat(2_000), b"\r\n".to_vec()].concat(),
        with("Content-Length: -1\r\n\r\n{}"),
        with("Content-Length: 2x\r\n\r\n{}"),
        with("Content-Length: 99999999999999999999999\r\n\r\n{}"),
        with("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        with("Content-Length: 200\r\n\r\n{}"),
        with("Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n{}"),
        with("Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx"),
        with("Transfer-Encoding: chunked\r\n\r\n2\r\n{}"),
        with("Transfer-Encoding: gzip\r\n\r\n{}"),
    ];
    for bytes in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let mut wire = Wire::connect(server.address());
        // The server may hang up before it has been told everything.
        wire.send(&bytes).ok();
        wire.finish();
        let answer = wire.rest();
        let text = String::from_utf8_lossy(&answer);
        let refused = ["HTTP/1.1 4", "HTTP/1.0 4"].iter().any(|start| text.starts_with(start));
        // The start of HTTP/2 is answered in its own frames.
        assert!(answer.is_empty() || refused || shown.starts_with("PRI"), "{shown:?}: {text}");
        others_request();
    }
    assert_eq!(server.client("demo").total(), 0, "half a request has been taken for a whole one");

    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let garbage = prop::collection::vec(any::<u8>(), 1..300);
    TestRunner::new(config)
        .run(&garbage, |bytes| {
            let mut wire = Wire::connect(server.address());
            wire.send(&bytes).ok();
            wire.finish();
            let answer = wire.rest();
            prop_assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    others_request();
    is_well(&server);
}
