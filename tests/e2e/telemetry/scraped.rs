use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use chrono::{Duration, NaiveDateTime};
use serde_json::json;
use strongroom_tests::{eventually, run};

use super::{NAME, PAYLOAD, TOKEN, assert_no_canary, operator, scrape, server, sum};

const ON: (&str, &str) = ("OPERATOR__LISTEN", "127.0.0.1:0");
const REQUESTS: &str = "http_server_request_duration_seconds_count";

#[test]
fn numbers_rise_by_exactly_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder.path().join("data"), &[ON]);
    let (client, operator) = (server.client("demo").header("X-Auth-Token", TOKEN), operator(&server));
    let before = scrape(&operator);
    assert!((sum(&before, REQUESTS, &[]) - 0.0).abs() < 0.5, "nobody has asked anything yet");

    let secret = json!({"name": NAME, "payload": PAYLOAD, "payload_content_type": "text/plain"});
    let references: Vec<_> = (0..3).map(|_| client.create(&secret)).collect();
    for _ in 0..5 {
        assert_eq!(client.payload(&references[0], "text/plain").text(), PAYLOAD);
    }
    let stranger = client.header("X-Project-Id", "elsewhere").header("X-Roles", "member");
    assert_eq!(stranger.payload(&references[1], "text/plain").status, 403);
    assert_eq!(client.get("/v1/secrets/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f").status, 404);
    assert_eq!(client.get(&format!("/v1/{NAME}")).status, 404);
    assert_eq!(client.send("BREW", "/v1/secrets", b"").status, 405);
    assert_eq!(client.get("/healthcheck").status, 200);

    let after = scrape(&operator);
    let rise = |name: &str, labels: &[(&str, &str)]| sum(&after, name, labels) - sum(&before, name, labels);
    let label = |method, route, status| {
        [("http_request_method", method), ("http_route", route), ("http_response_status_code", status)]
    };
    let payloads = "/v1/secrets/{id}/payload";
    for (labels, times) in [
        (&label("POST", "/v1/secrets", "201")[..], 3.0),
        (&label("GET", payloads, "200"), 5.0),
        (&label("GET", payloads, "403"), 1.0),
        (&label("GET", "/v1/secrets/{id}", "404"), 1.0),
        (&label("_OTHER", "/v1/secrets", "405"), 1.0),
        (&label("GET", "/healthcheck", "200"), 1.0),
        (&[], 13.0),
    ] {
        assert!((rise(REQUESTS, labels) - times).abs() < 0.5, "{labels:?}: {}", rise(REQUESTS, labels));
    }
    let reason = |code| [("strongroom_outcome", "refused"), ("strongroom_reason", code)];
    for (code, times) in [("forbidden", 1.0), ("no-route", 1.0), ("method-not-allowed", 1.0)] {
        assert!((rise("strongroom_refusals_total", &reason(code)) - times).abs() < 0.5, "{code}");
    }
    let records = u32::try_from(server.records().iter().filter(|record| record["kind"] == "event").count());
    let counted = sum(&after, "strongroom_journal_records_total", &[]);
    assert!((counted - f64::from(records.unwrap())).abs() < 0.5, "{counted}");
    let syncs = rise("strongroom_journal_sync_duration_seconds_count", &[]);
    assert!(syncs >= 1.0 && syncs <= counted, "{syncs}");
    let store = |operation| [("strongroom_store", "soft"), ("strongroom_store_operation", operation)];
    assert!((rise("strongroom_store_operation_duration_seconds_count", &store("open")) - 5.0).abs() < 0.5);
    assert!((rise("strongroom_store_operation_duration_seconds_count", &store("seal")) - 3.0).abs() < 0.5);

    let text = operator.get("/metrics").text();
    assert_no_canary(&text);
    for reference in &references {
        assert!(!text.contains(reference.rsplit('/').next().unwrap()), "an id is among the metrics");
    }
}

#[test]
fn what_is_shown_is_what_the_handbook_lists() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/metrics.md");
    let page = fs::read_to_string(page).unwrap();
    let listed: BTreeSet<(String, String)> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let (_, name, kind) = (cells.next()?, cells.next()?, cells.next()?);
            Some((name.trim_matches('`').to_owned(), kind.to_owned()))
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let cadf = folder.path().join("cadf.json");
    let config = folder.path().join("strongroom.toml");
    let table =
        format!("[[audit.forwarders]]\nname = 'cadf'\nkind = 'cadf-file'\nfile = '{}'\n", cadf.display());
    fs::write(&config, table).unwrap();
    let data = folder.path().join("data");
    let start = || {
        let mut command = strongroom_tests::Server::https_command(&data);
        command.arg("--config").arg(&config).env("STRONGROOM_OPERATOR__LISTEN", ON.1);
        strongroom_tests::Server::try_start(command, &data).unwrap_or_else(|ended| panic!("{ended:?}"))
    };
    assert!(start().stop().success());
    for arguments in [
        &["attest", "orphan-review", "--detail", "none"][..],
        &["master-key", "rotate", "--dry-run"],
        &["project-key", "rotate", "--all"],
    ] {
        let place = ["--data-dir", data.to_str().unwrap()];
        let ended = strongroom_tests::admin(&[&place, arguments].concat());
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    }
    let server = start();
    let operator = operator(&server);
    let url = format!("{}/v1/secrets", server.endpoint());
    let asked =
        run(Command::new("curl").args(["--silent", "--insecure", "--header", "X-Project-Id: demo", &url]));
    assert!(asked.stdout.contains("\"total\":0"), "{asked:?}");
    // What tells nothing before there is something to tell, or here.
    let rare = ["strongroom_store_operation_duration_seconds"];
    let absent = ["strongroom_token_up", "strongroom_edge_refusals_total", "strongroom_refusals_total"];
    let ended = ["strongroom_rotation_progress_ratio"];
    let missing = || {
        let samples = scrape(&operator);
        let shown: BTreeSet<_> = samples
            .iter()
            .map(|sample| {
                let total = if sample.kind == "counter" { "_total" } else { "" };
                (format!("{}{total}", sample.family), sample.kind.clone())
            })
            .collect();
        let unknown: Vec<_> = shown.difference(&listed).collect();
        assert!(unknown.is_empty(), "not in the handbook: {unknown:?}");
        let missing = listed.difference(&shown).map(|(name, _)| name.clone());
        missing
            .filter(|name| !rare.iter().chain(&absent).chain(&ended).any(|known| known == name))
            .collect::<Vec<_>>()
    };
    // The first look at the database may still be under way.
    for family in ["strongroom_doctor_verdict", "strongroom_forwarder_last_success_age_seconds"] {
        eventually(|| scrape(&operator).iter().any(|sample| sample.family == family));
    }
    assert_eq!(missing(), Vec::<String>::new());
}

#[test]
fn secrets_about_to_expire_are_counted_by_how_soon() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let first = server(&data, &[]);
    let client = first.client("demo");
    let for_ever = client.create(&json!({"name": "for ever"}));
    let created = client.get(&for_ever).value()["created"].as_str().unwrap().to_owned();
    let now = NaiveDateTime::parse_from_str(&created, "%Y-%m-%dT%H:%M:%S%.f").unwrap();
    for days in [0, 3, 20, 25, 100] {
        let until = now + Duration::days(days) + Duration::hours(1);
        client.create(&json!({"name": "n", "expiration": until.format("%Y-%m-%dT%H:%M:%S").to_string()}));
    }
    assert!(first.stop().success());
    let server = server(&data, &[ON]);
    let operator = operator(&server);
    eventually(|| {
        let samples = scrape(&operator);
        let within = |days| sum(&samples, "strongroom_secrets_expiring", &[("strongroom_days", days)]);
        [("1", 1.0), ("7", 2.0), ("30", 4.0)].iter().all(|(days, count)| (within(days) - count).abs() < 0.5)
    });
}
