//! What the doctor tries out: a plain request where TLS is spoken, the firewall's rules, and a record that is to
//! arrive.

use std::fs;
use std::io::{self, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::Value;
use strongroom_tests::{Server, program, run};

use crate::doctor::finding;

/// What the doctor finds of one control, run by that command with the doctor's own arguments added.
fn found(command: &mut Command, id: &str) -> Value {
    let ended = run(command);
    let told = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    finding(&told, id).clone()
}

fn doctor(data: &Path) -> Command {
    let mut command = program("strongroom-admin");
    command.args(["--output", "json", "--data-dir"]).arg(data).arg("doctor");
    command
}

/// The settings of a server that speaks TLS on that address, with the certificate in `data`.
fn with_tls<'a>(command: &'a mut Command, listen: &str, data: &Path) -> &'a mut Command {
    command.env("STRONGROOM_API__LISTEN", listen);
    command.env("STRONGROOM_TLS__CERTIFICATE", data.join("tls/certificate.pem"));
    command.env("STRONGROOM_TLS__KEY", data.join("tls/key.pem"))
}

#[test]
fn plain_http_is_tried_where_tls_is_spoken() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::try_start(Server::https_command(&data), &data).unwrap();
    let listen = server.address().to_owned();
    let refused = found(with_tls(&mut doctor(&data), &listen, &data), "NET-04");
    assert_eq!(refused["verdict"], "pass", "{refused}");
    assert!(refused["evidence"].as_str().unwrap().contains(&listen), "{refused}");
    assert!(server.stop().success());
    let silent = found(with_tls(&mut doctor(&data), &listen, &data), "NET-04");
    assert_eq!(silent["verdict"], "not-applicable", "{silent}");
    // One that speaks plain HTTP where the settings say TLS.
    let plain = Server::start();
    let answered = found(with_tls(&mut doctor(&data), plain.address(), &data), "NET-04");
    assert_eq!(answered["verdict"], "fail", "{answered}");
    assert!(answered["evidence"].as_str().unwrap().contains("HTTP/1.1 "), "{answered}");
    assert!(answered["remedy"].is_string());
}

#[test]
fn the_firewalls_rules_are_read() {
    const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/nftables.conf");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(Server::try_start(Server::https_command(&data), &data).unwrap().stop().success());
    let open = folder.path().join("open.conf");
    fs::write(&open, "table inet t { chain input { type filter hook input priority 0; policy accept; }; }")
        .unwrap();
    // In a network of its own, so that no rule of this machine is touched.
    let found = |rules: &Path| {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "nft -f \"$0\" && exec \"$@\""]).arg(rules);
        let asked = doctor(&data);
        command.arg(asked.get_program()).args(asked.get_args());
        command.env("STRONGROOM_IDENTITY__SOURCES", "[\"jwt\"]");
        command.env("STRONGROOM_IDENTITY__JWT__ISSUER", "https://issuer.example");
        command.env("STRONGROOM_IDENTITY__JWT__AUDIENCES", "[\"key-manager\"]");
        command.env("STRONGROOM_IDENTITY__JWT__JWKS_URL", "https://issuer.example/keys");
        command.env("STRONGROOM_EDGE__ALLOWED_NETWORKS", "[\"10.0.0.0/24\"]");
        found(with_tls(&mut command, "10.0.0.2:9311", &data), "NET-05")
    };
    let limited = found(Path::new(SAMPLE));
    assert_eq!(limited["verdict"], "pass", "{limited}");
    let unlimited = found(&open);
    assert_eq!(unlimited["verdict"], "warn", "{unlimited}");
    assert!(unlimited["evidence"].as_str().unwrap().contains("9311"), "{unlimited}");
    let local = self::found(&mut doctor(&data), "NET-05");
    assert_eq!(local["verdict"], "not-applicable", "{local}");
}

#[test]
fn a_test_record_has_to_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("settings.toml"));
    // Nobody listens there yet.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let table = format!(
        "[[audit.forwarders]]\nname = 'siem'\nkind = 'syslog-tcp'\naddress = '127.0.0.1:{port}'\n\
         timeout_seconds = 1\nrequired = true\nmax_lag_seconds = 3600\n"
    );
    fs::write(&file, table).unwrap();
    let mut command = Server::command(&data);
    command.arg("--config").arg(&file);
    let server = Server::try_start(command, &data).unwrap_or_else(|ended| panic!("{ended:?}"));
    let probed = |probe: &[&str]| found(doctor(&data).arg("--config").arg(&file).args(probe), "AUD-03");
    assert_eq!(probed(&[])["verdict"], "warn", "never tried");
    let lost = probed(&["--probe"]);
    assert_eq!(lost["verdict"], "fail", "{lost}");
    assert!(lost["evidence"].as_str().unwrap().contains("did not reach siem"), "{lost}");

    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            thread::spawn(move || io::copy(&mut stream.by_ref(), &mut io::sink()));
        }
    });
    let arrived = probed(&["--probe"]);
    assert_eq!(arrived["verdict"], "pass", "{arrived}");
    let mut tests = server.records().into_iter().filter(|record| record["action"] == "audit.test");
    let written = tests.next_back().unwrap();
    let told = format!("record {} of {}", written["seq"], written["at"].as_str().unwrap());
    assert!(arrived["evidence"].as_str().unwrap().starts_with(&told), "{arrived} {written}");
    let later = probed(&[]);
    assert_eq!(later["verdict"], "pass", "{later}");
    assert!(later["evidence"].as_str().unwrap().contains(&told), "{later}");
    assert!(server.stop().success());
    let nobody = probed(&["--probe"]);
    assert_eq!(nobody["verdict"], "fail", "{nobody}");
    assert!(nobody["evidence"].as_str().unwrap().contains("no server runs"), "{nobody}");
}
