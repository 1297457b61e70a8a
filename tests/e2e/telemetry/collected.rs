use serde_json::{Value, json};
use strongroom_tests::eventually;

use super::{Collector, NAME, PAYLOAD, TOKEN, assert_no_canary, server};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// The same trace as the collector shows it, in base64.
const TRACE: &str = "CvdlGRbNQ92ESOshHIAxnA==";
const PARENT_SPAN: &str = "t61rcWkgMzE=";

/// The value of an attribute.
fn attribute<'a>(span: &'a Value, name: &str) -> Option<&'a Value> {
    let attributes = span["attributes"].as_array()?;
    let found = attributes.iter().find(|attribute| attribute["key"] == name)?;
    found["value"].as_object()?.values().next()
}

/// The span that the request with that path's template was worked on in.
fn request<'a>(spans: &'a [Value], name: &str) -> Option<&'a Value> {
    spans.iter().find(|span| span["name"] == name)
}

fn children<'a>(spans: &'a [Value], parent: &Value) -> Vec<&'a Value> {
    spans.iter().filter(|span| span["parentSpanId"] == parent["spanId"]).collect()
}

#[test]
fn a_trace_shows_every_layer_and_metrics_are_sent() {
    let collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let url = collector.url();
    let settings = [
        ("TELEMETRY__OTLP_URL", &*url),
        ("TELEMETRY__METRICS_INTERVAL_SECONDS", "1"),
        ("TELEMETRY__TRACE_RATIO", "1.0"),
        ("LOG__LEVEL", "trace"),
    ];
    let server = server(&folder.path().join("data"), &settings);
    let client = server.client("demo").header("X-Auth-Token", TOKEN).header("traceparent", PARENT);
    let secret = json!({"name": NAME, "payload": PAYLOAD, "payload_content_type": "text/plain"});
    let reference = client.create(&secret);
    let reply = client.payload(&reference, "text/plain");
    assert_eq!(reply.text(), PAYLOAD);
    let stranger = client.header("X-Project-Id", "elsewhere").header("X-Roles", "member");
    assert_eq!(stranger.payload(&reference, "text/plain").status, 403);

    let duration = "http.server.request.duration";
    eventually(|| collector.received("metric").iter().any(|metric| metric["name"] == duration));
    let log = server.log();
    assert!(server.stop().success());
    let name = "GET /v1/secrets/{id}/payload";
    eventually(|| request(&collector.received("span"), name).is_some());
    let spans = collector.received("span");
    let read = request(&spans, name).unwrap();
    assert_eq!(read["kind"], "SPAN_KIND_SERVER");
    assert_eq!(read["parentSpanId"], Value::Null, "a client is not believed about traces");
    assert_eq!(attribute(read, "http.route"), Some(&json!("/v1/secrets/{id}/payload")));
    assert_eq!(attribute(read, "http.response.status_code"), Some(&json!("200")));
    assert_eq!(attribute(read, "strongroom.project"), Some(&json!("demo")));
    let id = reply.header("x-openstack-request-id").unwrap();
    assert_eq!(attribute(read, "strongroom.request_id"), Some(&json!(id)));
    let [use_case] = children(&spans, read)[..] else { panic!("{spans:#?}") };
    assert_eq!(use_case["name"], "Secret payload retrieval");
    let within = children(&spans, use_case);
    let names: Vec<_> = within.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["read", "open", "record"], "storage, backend, journal");
    assert!(spans.iter().all(|span| span["traceId"] == read["traceId"] || span["traceId"] != Value::Null));
    // A trace is of a request: nothing that the server does by itself is sent.
    for span in &spans {
        let known = spans.iter().any(|other| other["spanId"] == span["parentSpanId"]);
        assert!(known || span["kind"] == "SPAN_KIND_SERVER", "{span}");
        assert!(span["events"].is_null(), "{span}");
    }

    let sent = format!("{spans:?}{:?}", collector.received("metric"));
    assert_no_canary(&sent);
    assert!(!sent.contains(reference.rsplit('/').next().unwrap()), "a secret's id was sent");
    assert!(log.contains("DEBUG"), "the log is not at its most talkative");
    assert_no_canary(&log);
    assert!(!log.contains("otel.name"), "what is made for traces is in the log");
}

#[test]
fn a_callers_trace_goes_on_here_where_the_caller_is_believed() {
    let collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let url = collector.url();
    let settings = [
        ("TELEMETRY__OTLP_URL", &*url),
        ("TELEMETRY__TRACE_RATIO", "0.000001"),
        ("TELEMETRY__TRACEPARENT", "always"),
    ];
    let server = server(&folder.path().join("data"), &settings);
    let client = server.client("demo");
    assert_eq!(client.get("/v1/orders").status, 200, "not followed");
    assert_eq!(client.header("traceparent", PARENT).get("/v1/secrets").status, 200);
    let not_sampled = PARENT.replace("-01", "-00");
    assert_eq!(client.header("traceparent", &not_sampled).get("/v1/containers").status, 200);
    assert!(server.stop().success());
    eventually(|| request(&collector.received("span"), "GET /v1/secrets").is_some());
    let spans = collector.received("span");
    let list = request(&spans, "GET /v1/secrets").unwrap();
    assert_eq!((&list["traceId"], &list["parentSpanId"]), (&json!(TRACE), &json!(PARENT_SPAN)));
    assert!(spans.iter().all(|span| span["traceId"] == TRACE), "{spans:#?}");
}

#[test]
fn a_collector_that_is_away_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}");
    let settings = [
        ("TELEMETRY__OTLP_URL", &*url),
        ("TELEMETRY__METRICS_INTERVAL_SECONDS", "1"),
        ("TELEMETRY__TRACE_RATIO", "1.0"),
    ];
    let server = server(&folder.path().join("data"), &settings);
    for _ in 0..20 {
        assert_eq!(server.client("demo").get("/v1/secrets").status, 200);
    }
    let log = server.log();
    assert!(server.stop().success());
    assert!(!log.contains("panicked"), "{log}");
}
