//! The master key in hardware tokens: software ones, as they are and failing when told to, under the real server.

mod failover;
mod prompt;
mod rotation;
mod sandbox;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_faulty_pkcs11::rig::{Faulty, LABEL, Tokens};
use strongroom_tests::{Client, Ended, Server, program, run};
use tempfile::TempDir;

const PAYLOAD: &str = "kept-by-a-token";

struct Site {
    folder: TempDir,
    tokens: Tokens,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::prepare(folder.path());
        Self { folder, tokens }
    }

    /// Settings with these tokens, by module and label.
    fn settings(&self, more: &str, tokens: &[(&Path, &str)]) {
        let pin = self.tokens.pin();
        let tables = tokens.iter().map(|(module, label)| {
            let (module, pin) = (module.display(), pin.display());
            format!("[[pkcs11.tokens]]\nmodule = '{module}'\nlabel = '{label}'\npin_file = '{pin}'\n")
        });
        let text = format!("[stores]\nenabled = ['pkcs11']\n{more}\n{}", tables.collect::<String>());
        std::fs::write(self.folder.path().join("strongroom.toml"), text).unwrap();
    }

    fn with_settings(&self, mut command: Command) -> Command {
        command.arg("--config").arg(self.folder.path().join("strongroom.toml"));
        command.envs(self.tokens.environment());
        command
    }

    fn try_start(&self) -> Result<Server, Ended> {
        let data = self.folder.path().join("data");
        Server::try_start(self.with_settings(Server::command(&data)), &data)
    }

    fn start(&self) -> Server {
        self.try_start().unwrap_or_else(|ended| panic!("{ended:?}"))
    }

    fn admin(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        self.any_admin(&[&["hsm"], arguments].concat())
    }

    /// What the doctor makes of a control.
    fn verdict(&self, id: &str) -> Value {
        let (_, told) = self.any_admin(&["doctor"]);
        let found = told["findings"].as_array().unwrap().iter().find(|found| found["id"] == id);
        found.expect(id)["verdict"].clone()
    }

    fn any_admin(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let mut command = self.with_settings(program("strongroom-admin"));
        command.arg("--data-dir").arg(self.folder.path().join("data"));
        let ended = run(command.args(["--output", "json"]).args(arguments));
        (ended.code, serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}")))
    }
}

fn store(client: &Client) -> String {
    client.create(&json!({"payload": PAYLOAD, "payload_content_type": "text/plain"}))
}

fn path(reference: &str) -> &str {
    &reference[reference.find("/v1/").unwrap()..]
}

fn wait_until_read(client: &Client, reference: &str) {
    let began = Instant::now();
    while client.payload(reference, "text/plain").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "no recovery");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn from_an_empty_token_to_a_served_secret_and_a_restart() {
    let site = Site::new();
    site.tokens.empty_token("one");
    site.settings("", &[(&site.tokens.module("plain"), "one")]);
    // None is made because none was found.
    let refused = site.try_start().err().unwrap();
    assert!(refused.stderr.contains("holds no master key"), "{refused:?}");
    assert!(refused.stderr.contains("hsm generate-master-key"), "{refused:?}");
    assert_eq!(site.admin(&["check"]).0, Some(1));

    let (code, made) = site.admin(&["generate-master-key"]);
    assert_eq!((code, &made["version"], &made["label"]), (Some(0), &json!("1"), &json!(LABEL)), "{made}");
    let (code, report) = site.admin(&["check"]);
    assert_eq!((code, &report["tokens"][0]["findings"]), (Some(0), &json!([])), "{report}");
    assert_eq!(site.admin(&["list"]).1["tokens"][0]["state"], json!("ready"));

    let server = site.start();
    assert!(!server.data_dir().join("master.key").exists());
    let reference = store(&server.client("demo"));
    assert_eq!(server.client("demo").payload(&reference, "text/plain").text(), PAYLOAD);
    let order = json!({"type": "key", "meta": {"name": "k", "algorithm": "aes", "bit_length": 256, "mode": "cbc",
        "payload_content_type": "application/octet-stream"}});
    assert_eq!(server.client("demo").json("POST", "/v1/orders", &order).status, 202);
    server.kill();
    let server = site.start();
    assert_eq!(server.client("demo").payload(path(&reference), "text/plain").text(), PAYLOAD);
    assert!(server.stop().success());
}

#[test]
fn a_token_with_another_key_is_named_before_anything_is_changed() {
    let site = Site::new();
    site.tokens.token("one");
    site.tokens.empty_token("two");
    site.tokens.import("two", "other", "00000001");
    let module = site.tokens.module("plain");
    site.settings("", &[(&module, "one")]);
    let server = site.start();
    let reference = store(&server.client("demo"));
    assert!(server.stop().success());
    site.settings("", &[(&module, "two")]);
    let refused = site.try_start().err().unwrap();
    assert!(refused.stderr.contains("is not the key this repository was used with"), "{refused:?}");
    site.settings("", &[(&module, "one")]);
    assert_eq!(site.start().client("demo").payload(path(&reference), "text/plain").text(), PAYLOAD);
}

/// Each class of error once: clients notice nothing. For good: 503 with when to come back, and then all goes on
/// without a restart.
#[test]
fn every_class_of_error_under_the_server() {
    let site = Site::new();
    site.tokens.token("one");
    let module = site.tokens.faulty_module("faulty");
    site.settings("", &[(&module.0, "one")]);
    let server = site.start();
    let client = server.client("demo");
    let reference = store(&client);
    for code in
        ["0xB3", "0xB0", "0x90", "forget", "0x101", "0x82", "0x60", "0x05", "0x30", "0x32", "0xE0", "0x190"]
    {
        module.order(&format!("C_DecryptInit {code} 1"));
        let reply = client.payload(&reference, "text/plain");
        assert_eq!((reply.status, reply.text().as_str()), (200, PAYLOAD), "{code}");
    }
    for fault in ["* 0x32", "C_DecryptInit 0x05", "C_OpenSession 0x30\nC_DecryptInit 0x32"] {
        module.order(fault);
        let reply = client.payload(&reference, "text/plain");
        assert_eq!(reply.status, 503, "{fault}: {}", reply.text());
        assert!(reply.header("retry-after").is_some());
        assert!(!reply.text().contains("token"), "{}", reply.text());
        assert_eq!(client.get("/healthcheck").status, 503);
        assert_eq!(
            client
                .json("POST", "/v1/secrets", &json!({"payload": "x", "payload_content_type": "text/plain"}))
                .status,
            503
        );
        module.heal();
        wait_until_read(&client, &reference);
        assert_eq!(client.get("/healthcheck").status, 200);
    }
    assert!(server.stop().success());
}

/// One of two tokens dies under load, again and again: not one client notices.
#[test]
fn a_dying_token_costs_no_request_when_there_is_another() {
    let site = Site::new();
    site.tokens.token("one");
    site.tokens.token("two");
    let modules: [Faulty; 2] = ["first", "second"].map(|name| site.tokens.faulty_module(name));
    site.settings("", &[(&modules[0].0, "one"), (&modules[1].0, "two")]);
    let server = site.start();
    let client = server.client("demo");
    let reference = store(&client);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut read = 0;
                    while !stop.load(Ordering::SeqCst) {
                        let reply = client.payload(&reference, "text/plain");
                        assert_eq!((reply.status, reply.text().as_str()), (200, PAYLOAD));
                        read += 1;
                    }
                    read
                })
            })
            .collect();
        for dying in [&modules[0], &modules[1], &modules[0]] {
            dying.order("* 0x32");
            std::thread::sleep(Duration::from_millis(400));
            let written = store(&client);
            assert_eq!(client.payload(&written, "text/plain").text(), PAYLOAD);
            dying.heal();
            // Long enough for the keeper's longest wait.
            std::thread::sleep(Duration::from_millis(1500));
        }
        stop.store(true, Ordering::SeqCst);
        for reader in readers {
            assert!(reader.join().unwrap() > 10);
        }
    });
    assert!(server.stop().success());
}

#[test]
fn cached_reads_outlive_every_token() {
    let site = Site::new();
    site.tokens.token("one");
    let module = site.tokens.faulty_module("faulty");
    site.settings("[pkcs11]\ncustody = 'cached'", &[(&module.0, "one")]);
    let server = site.start();
    let client = server.client("demo");
    let reference = store(&client);
    module.order("* 0x32");
    assert_eq!(client.get("/healthcheck").status, 503);
    assert_eq!(client.payload(&reference, "text/plain").text(), PAYLOAD);
    module.heal();
    wait_until_read(&client, &reference);
    assert!(server.stop().success());
}

#[test]
fn a_drill_fails_one_token_and_reports() {
    let site = Site::new();
    site.tokens.token("one");
    site.tokens.token("two");
    site.settings("", &[(&site.tokens.module("first"), "one"), (&site.tokens.module("second"), "two")]);
    assert!(site.start().stop().success());
    assert_eq!(site.verdict("HSM-02"), "warn");
    let file = site.folder.path().join("drill.json");
    let (code, report) =
        site.admin(&["drill", "--token", "1", "--seconds", "1", "--report", file.to_str().unwrap()]);
    assert_eq!((code, &report["passed"]), (Some(0), &json!(true)), "{report}");
    for span in ["before", "during", "after"] {
        assert_eq!(report[span]["errors"], json!(0), "{report}");
        assert!(report[span]["seals_and_opens"].as_u64().unwrap() > 0, "{report}");
    }
    assert!(report["recovery_seconds"].as_f64().unwrap() < 10.0, "{report}");
    assert_eq!(site.verdict("HSM-02"), "pass");
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written, report);
    let text = std::fs::read_to_string(file.with_extension("txt")).unwrap();
    assert!(text.contains("verdict: passed") && text.contains("its module was finalised"), "{text}");
}

#[test]
fn the_doctor_knows_what_a_check_has_found() {
    let site = Site::new();
    site.tokens.empty_token("one");
    site.settings("", &[(&site.tokens.module("plain"), "one")]);
    assert_eq!(site.admin(&["generate-master-key"]).0, Some(0));
    assert!(site.start().stop().success());
    assert_eq!(["HSM-01", "KEY-01", "ROT-01"].map(|id| site.verdict(id)), ["warn", "not-applicable", "pass"]);
    assert_eq!(site.admin(&["check"]).0, Some(0));
    assert_eq!(site.verdict("HSM-01"), "pass");
    // A key that was brought in from elsewhere is a warning that stays until it is gone.
    site.tokens.import("one", "other", "00000007");
    assert_eq!(site.admin(&["check"]).0, Some(0));
    assert_eq!(site.verdict("HSM-01"), "warn");
}

#[test]
fn no_pin_shows_anywhere() {
    let site = Site::new();
    site.tokens.token("one");
    site.settings("[log]\nlevel = 'trace'", &[(&site.tokens.module("plain"), "one")]);
    let server = site.start();
    store(&server.client("demo"));
    let said = server.log() + &server.printed();
    assert!(said.contains("a token is at work"), "{said}");
    assert!(!said.contains(strongroom_faulty_pkcs11::rig::PIN));
}
