use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};
use strongroom_tests::{SmallDisk, eventually};

use super::{operator, scrape, server, sum};

const ON: (&str, &str) = ("OPERATOR__LISTEN", "127.0.0.1:0");

/// How a part is.
fn part<'a>(report: &'a Value, part: &str) -> &'a Value {
    let parts = report["parts"].as_array().unwrap();
    parts.iter().find(|found| found["part"] == part).unwrap_or_else(|| panic!("no {part} in {report}"))
}

#[test]
fn a_server_is_ready_as_long_as_its_journal_takes_records() {
    let disk = SmallDisk::new(16_384);
    let folder = tempfile::tempdir().unwrap();
    let journal = disk.path().join("journal");
    let data = folder.path().join("data");
    let server = server(&data, &[ON, ("AUDIT__FOLDER", journal.to_str().unwrap())]);
    let (client, operator) = (server.client("demo"), operator(&server));
    assert_eq!(operator.get("/healthz").text(), "alive");
    let ready = operator.get("/readyz");
    assert_eq!(ready.status, 200, "{}", ready.text());
    assert_eq!(ready.value()["ready"], json!(true));
    for name in ["server", "database", "journal", "store"] {
        assert_eq!(part(&ready.value(), name)["well"], json!(true), "{name}");
    }

    disk.fill();
    eventually(|| client.get("/v1/secrets").status == 503);
    let refused = operator.get("/readyz");
    assert_eq!(refused.status, 503, "{}", refused.text());
    let report = refused.value();
    assert_eq!((&report["ready"], &part(&report, "journal")["well"]), (&json!(false), &json!(false)));
    assert!(part(&report, "journal")["reason"].as_str().unwrap().contains("No space left"), "{report}");
    assert_eq!(part(&report, "database")["well"], json!(true));
    assert_eq!(operator.get("/healthz").status, 200, "it lives all the same");
    assert!(sum(&scrape(&operator), "strongroom_journal_open", &[]).abs() < 0.5);

    disk.relieve();
    eventually(|| operator.get("/readyz").status == 200);
    assert!((sum(&scrape(&operator), "strongroom_journal_open", &[]) - 1.0).abs() < 0.5);
}

#[test]
fn a_required_forwarder_that_lags_makes_the_server_unready_and_one_that_is_not_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = folder.path().join("strongroom.toml");
    let data = folder.path().join("data");
    let start = |required: bool| {
        let table = format!(
            "[operator]\nlisten = '127.0.0.1:0'\n[[audit.forwarders]]\nname = 'siem'\nkind = 'syslog-tcp'\n\
             address = '{nobody}'\nrequired = {required}\nmax_lag_seconds = 1\n"
        );
        fs::write(&config, table).unwrap();
        let mut command = strongroom_tests::Server::command(&data);
        command.arg("--config").arg(&config);
        strongroom_tests::Server::try_start(command, &data).unwrap_or_else(|ended| panic!("{ended:?}"))
    };
    let best_effort = start(false);
    let desk = operator(&best_effort);
    eventually(|| part(&desk.get("/readyz").value(), "forwarder")["well"] == json!(false));
    let report = desk.get("/readyz");
    assert_eq!(report.status, 200, "{}", report.text());
    let forwarder = part(&report.value(), "forwarder").clone();
    assert_eq!((&forwarder["name"], &forwarder["needed"]), (&json!("siem"), &json!(false)));
    let of_siem = [("strongroom_forwarder", "siem")];
    eventually(|| sum(&scrape(&desk), "strongroom_forwarder_lag_seconds", &of_siem) > 1.0);
    let samples = scrape(&desk);
    assert!(sum(&samples, "strongroom_forwarder_up", &of_siem).abs() < 0.5);
    assert!(sum(&samples, "strongroom_forwarder_spool_bytes", &of_siem) > 100.0);
    assert!(best_effort.stop().success());

    let required = start(true);
    let desk = operator(&required);
    eventually(|| desk.get("/readyz").status == 503);
    let reason = part(&desk.get("/readyz").value(), "journal")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("siem"), "{reason}");
    assert_eq!(required.client("demo").get("/v1/secrets").status, 503);
}

#[test]
fn nothing_else_is_answered_there_and_the_api_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder.path().join("data"), &[ON]);
    let operator = operator(&server).header("X-Project-Id", "demo");
    for path in ["/", "/v1/secrets", "/metrics/", "/healthz/x", "/healthcheck"] {
        assert_eq!(operator.get(path).status, 404, "{path}");
    }
    let refused = operator.send("POST", "/metrics", b"x");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
    let scraped = operator.get("/metrics");
    assert_eq!(scraped.header("cache-control"), Some("no-store"));
    for path in ["/metrics", "/readyz", "/healthz"] {
        assert_eq!(server.client("demo").get(path).status, 404, "the API has no {path}");
    }
}

#[test]
fn without_the_setting_nobody_listens_for_operators() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder.path().join("data"), &[]);
    assert!(!server.log().contains("operator="), "{}", server.log());
}

#[test]
fn a_socket_serves_the_services_own_and_is_gone_when_the_server_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    let (data, path) = (folder.path().join("data"), folder.path().join("operator.sock"));
    let on = ("OPERATOR__LISTEN", path.to_str().unwrap());
    let ask = || {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let killed = server(&data, &[on]);
    let found = fs::symlink_metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o660);
    assert!(ask().starts_with("HTTP/1.1 200 "), "{}", ask());
    killed.kill();
    assert!(path.exists(), "who is killed leaves it there");
    let next = server(&data, &[on]);
    assert!(ask().contains("\"ready\":true"));
    assert!(next.stop().success());
    assert!(!path.exists());
    // What is there and is no socket is left alone.
    fs::write(&path, "mine").unwrap();
    let mut command = strongroom_tests::Server::command(&data);
    command.env("STRONGROOM_OPERATOR__LISTEN", &path);
    let Err(ended) = strongroom_tests::Server::try_start(command, &data) else { panic!("it starts") };
    assert!(ended.stderr.contains("can't listen on the socket"), "{ended:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}
