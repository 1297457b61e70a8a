//! Operators are told of what ends: secrets, and certificates in them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use chrono::{Datelike as _, Days, NaiveDateTime};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use strongroom_tests::{Client, Ended, Server, admin, eventually, program, run, write_private};
use tempfile::TempDir;

use crate::starts::sql;

/// Takes notices, and answers them once it may.
struct Receiver {
    port: u16,
    answers: Arc<AtomicBool>,
    got: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn start(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver = Self { port, answers: Arc::new(AtomicBool::new(answers)), got: Arc::default() };
        let (answers, got) = (Arc::clone(&receiver.answers), Arc::clone(&receiver.got));
        thread::spawn(move || {
            // Those that are not answered stay open, as at a receiver that hangs.
            let mut hanging = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let head = head.to_ascii_lowercase();
                let Some((_, length)) = head.split_once("content-length: ") else { continue };
                let mut body = vec![0; length.lines().next().unwrap().parse().unwrap()];
                reader.read_exact(&mut body).unwrap();
                got.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                if answers.load(Ordering::Relaxed) {
                    write!(reader.get_mut(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                } else {
                    hanging.push(reader);
                }
            }
        });
        receiver
    }

    fn got(&self) -> Vec<Value> {
        self.got.lock().unwrap().clone()
    }
}

/// A folder for a server that tells that receiver.
struct Site {
    folder: TempDir,
    port: u16,
}

impl Site {
    fn new(receiver: &Receiver) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_private(&folder.path().join("key"), "a secret of the webhook's own");
        Self { folder, port: receiver.port }
    }

    /// Gives a program the settings of the channel.
    fn set(&self, command: &mut Command) {
        command.env("STRONGROOM_NOTICES__WEBHOOK__URL", format!("http://127.0.0.1:{}/", self.port));
        command.env("STRONGROOM_NOTICES__WEBHOOK__KEY_FILE", self.folder.path().join("key"));
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn start(&self) -> Server {
        let mut command = Server::command(&self.data());
        self.set(&mut command);
        Server::try_start(command, &self.data()).unwrap_or_else(|ended| panic!("no start: {ended:?}"))
    }
}

/// A certificate (PEM) that ends at the beginning of the day after so many more, by the server's clock.
fn certificate(client: &Client, days: u64) -> String {
    let made = client.get(&client.create(&json!({"name": "of now"}))).value();
    let now: NaiveDateTime = made["created"].as_str().unwrap().parse().unwrap();
    let end = now.checked_add_days(Days::new(days + 1)).unwrap();
    let mut parameters = CertificateParams::default();
    let (month, day) = (end.month().try_into().unwrap(), end.day().try_into().unwrap());
    parameters.not_after = date_time_ymd(end.year(), month, day);
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "www.example.org");
    parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

/// A certificate with so many days left, stored.
fn store_certificate(client: &Client, name: &str, days: u64) -> String {
    store(client, name, &certificate(client, days))
}

fn store(client: &Client, name: &str, payload: &str) -> String {
    let secret = json!({"name": name, "secret_type": "certificate", "payload": payload,
        "payload_content_type": "text/plain"});
    client.create(&secret).rsplit('/').next().unwrap().to_owned()
}

fn told(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// How the records of that action end, in their order.
fn outcomes(server: &Server, action: &str) -> Vec<String> {
    let records = server.records();
    let of = records.iter().filter(|record| record["action"] == action && record["phase"] == "outcome");
    of.map(|record| record["outcome"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_certificate_with_twenty_days_left_is_told_of_once_and_can_be_acknowledged() {
    let receiver = Receiver::start(true);
    let site = Site::new(&receiver);
    let server = site.start();
    let id = store_certificate(&server.client("demo"), "site", 19);
    store_certificate(&server.client("demo"), "later", 200);
    eventually(|| outcomes(&server, "expiry.notice") == ["success"]);
    let got = receiver.got();
    assert_eq!(got.len(), 1, "{got:?}");
    let facts = &got[0]["facts"];
    assert_eq!((&got[0]["topic"], &got[0]["severity"]), (&json!("expiry"), &json!("warning")), "{got:?}");
    assert_eq!((&facts["secret"], &facts["project"]), (&json!(id), &json!("demo")), "{got:?}");
    assert_eq!(facts["subject"], "CN=www.example.org", "{got:?}");
    assert_eq!(facts["window_days"], "30", "{got:?}");

    let listed = told(&server.admin(&["expiry", "list"]));
    let ending = &listed["endings"][0];
    assert_eq!((&ending["secret"], &ending["told_days_before"]), (&json!(id), &json!(30)), "{listed}");
    assert_eq!(ending["certificate"]["subject"], "CN=www.example.org", "{listed}");
    assert_eq!(listed["endings"].as_array().unwrap().len(), 1, "{listed}");
    let wide = told(&server.admin(&["expiry", "list", "--within", "30w", "--project", "demo"]));
    assert_eq!(wide["endings"].as_array().unwrap().len(), 2, "{wide}");
    let other = told(&server.admin(&["expiry", "list", "--within", "30w", "--project", "other"]));
    assert_eq!(other["endings"], json!([]));

    let finding = |id: &str| {
        let mut command = program("strongroom-admin");
        command.args(["--output", "json", "--data-dir"]).arg(site.data()).arg("doctor");
        site.set(&mut command);
        let ended = run(&mut command);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|found| found["id"] == id).unwrap()
    };
    assert_eq!(finding("EXP-02")["verdict"], "warn");
    let acknowledged =
        told(&server.admin(&["expiry", "ack", &id, "--note", "renewed", "--operator", "olga"]));
    let by = acknowledged["acknowledged_by"].clone();
    assert_eq!(by, "olga");
    eventually(|| outcomes(&server, "expiry.acknowledge") == ["success"]);
    let records = server.records();
    let record = records.iter().find(|record| record["action"] == "expiry.acknowledge").unwrap();
    assert_eq!((&record["caller"]["user"], &record["target"]), (&by, &json!(format!("secret/{id}"))));
    assert_eq!(record["caller"]["source"], "operator");
    let listed = told(&server.admin(&["expiry", "list"]));
    let given = &listed["endings"][0]["acknowledged"];
    assert_eq!((&given["note"], &given["on_record"]), (&json!("renewed"), &json!(true)), "{listed}");
    assert_eq!(finding("EXP-02")["verdict"], "pass");
    for id in ["EXP-01", "EXP-03", "EXP-04"] {
        assert_eq!(finding(id)["verdict"], "pass", "{}", finding(id));
    }
    let nobody = server.admin(&["expiry", "ack", "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f"]);
    assert_eq!(nobody.code, Some(3), "{nobody:?}");
    assert_eq!(receiver.got().len(), 1);
}

#[test]
fn a_notice_cut_off_by_kill_9_comes_again_under_the_same_id_and_then_no_more() {
    let receiver = Receiver::start(false);
    let site = Site::new(&receiver);
    let server = site.start();
    store_certificate(&server.client("demo"), "site", 5);
    // It has left the server, which does not know yet whether it has arrived.
    eventually(|| receiver.got().len() == 1);
    server.kill();
    receiver.answers.store(true, Ordering::Relaxed);
    let server = site.start();
    eventually(|| outcomes(&server, "expiry.notice") == ["success"]);
    let settled = || outcomes(&server, "change.settle");
    assert_eq!(settled(), ["settledundone"]);
    let got = receiver.got();
    assert_eq!(got.len(), 2, "{got:?}");
    assert_eq!(got[0]["id"], got[1]["id"]);
    // Neither by the next server, which has looked by the time it has told of something else.
    assert!(server.stop().success());
    let server = site.start();
    store_certificate(&server.client("demo"), "other", 5);
    eventually(|| receiver.got().len() >= 3);
    let got = receiver.got();
    assert!(got.len() == 3 && got[2]["facts"]["name"] == "other", "{got:?}");
    assert!(server.stop().success());
}

#[test]
fn what_was_stored_before_is_read_by_the_tool_or_by_the_server() {
    // As the migration leaves them: certificates in whose payload nobody has looked.
    const BEFORE: [&str; 2] = [
        "DELETE FROM endings",
        "INSERT INTO unread_certificates SELECT id, 0 FROM secrets WHERE secret_type = 'certificate'",
    ];
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_in(&data);
    let client = server.client("demo");
    let id = store_certificate(&client, "site", 200);
    store(&client, "no certificate at all", "text");
    let listing =
        ["--data-dir", data.to_str().unwrap(), "--output", "json", "expiry", "list", "--within", "40w"];
    let before = told(&admin(&listing));
    assert_eq!(before["endings"][0]["secret"], json!(id), "{before}");
    assert!(server.stop().success());

    let set_back = || {
        for statement in BEFORE {
            sql(&data.join("strongroom.sqlite"), statement);
        }
    };
    set_back();
    assert_eq!(told(&admin(&listing))["endings"], json!([]));
    let scan = ["--data-dir", data.to_str().unwrap(), "--output", "json", "expiry", "scan"];
    assert_eq!(told(&admin(&scan)), json!({"read": 2, "left": 0}));
    assert_eq!(told(&admin(&listing)), before);
    assert_eq!(told(&admin(&scan)), json!({"read": 0, "left": 0}));

    set_back();
    let server = Server::start_in(&data);
    assert_eq!(told(&admin(&scan))["left"], 0, "it watches the server");
    assert_eq!(told(&admin(&listing)), before);
    assert_eq!(outcomes(&server, "secret.certificate.read"), ["success"; 4]);
}
