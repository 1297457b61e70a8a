//! The service in its own sandbox does all that it does without.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use strongroom_tests::{Server, program, run};

fn copy_pair(from: &Path, to: &Path) {
    for name in ["key.pem", "certificate.pem"] {
        let unfinished = to.join("unfinished");
        fs::copy(from.join(name), &unfinished).unwrap();
        fs::rename(&unfinished, to.join(name)).unwrap();
    }
}

#[test]
fn rights_are_given_up_and_files_that_are_replaced_are_still_found() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other, pair) =
        (folder.path().join("data"), folder.path().join("other"), folder.path().join("pair"));
    for folder in [&data, &other] {
        let server = Server::try_start(Server::https_command(folder), folder).unwrap();
        assert!(server.stop().success());
    }
    fs::create_dir(&pair).unwrap();
    copy_pair(&data.join("tls"), &pair);
    let mut command = program("strongroom-server");
    command.arg("--data-dir").arg(&data).arg("serve").env("STRONGROOM_API__LISTEN", "127.0.0.1:0");
    command.env("STRONGROOM_TLS__CERTIFICATE", pair.join("certificate.pem"));
    command.env("STRONGROOM_TLS__KEY", pair.join("key.pem"));
    let server = Server::try_start(command, &data).unwrap_or_else(|ended| panic!("{ended:?}"));

    let status = fs::read_to_string(format!("/proc/{}/status", server.pid().as_raw_nonzero())).unwrap();
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}")).trim()
    };
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:"), field("CapInh:")), ("1", "2", "0000000000000000"));
    let effective = u64::from_str_radix(field("CapEff:"), 16).unwrap();
    let (low_ports, locked_memory) = (1 << 10, 1 << 14);
    assert_eq!(effective & !(low_ports | locked_memory), 0, "{effective:x}");
    assert!(server.log().contains("sandbox"), "{}", server.log());

    let curl = |trusted: &Path, arguments: &[&str]| {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--fail", "--cacert"])
            .arg(trusted.join("tls/certificate.pem"));
        command.args(["--header", "X-Project-Id: demo"]).args(arguments);
        run(command.arg(format!("{}/v1/secrets", server.endpoint())))
    };
    let secret = json!({"payload": "s3cret", "payload_content_type": "text/plain"}).to_string();
    let stored = curl(&data, &["--json", &secret]);
    assert_eq!(stored.code, Some(0), "{stored:?}\n{}", server.log());

    copy_pair(&other.join("tls"), &pair);
    let begun = std::time::Instant::now();
    while curl(&other, &[]).code != Some(0) {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{}", server.log());
    }
    assert_ne!(curl(&data, &[]).code, Some(0));
    assert!(server.stop().success());
}
