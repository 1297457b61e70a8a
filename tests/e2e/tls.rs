//! The service over TLS: what the first run prints, and what stops a start.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use strongroom_tests::{Server, program, run};

/// `curl` as a client that trusts the server's own certificate.
fn curl(server: &Server, arguments: &[&str]) -> String {
    let certificate = server.data_dir().join("tls/certificate.pem");
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--cacert"]).arg(certificate);
    let ended = run(command.args(["--header", "X-Project-Id: demo"]).args(arguments));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

#[test]
fn the_first_run_serves_https_with_a_certificate_that_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let start = || Server::try_start(Server::https_command(&data), &data).unwrap();
    let server = start();
    assert!(server.endpoint().starts_with("https://127.0.0.1:"), "{}", server.endpoint());
    let versions = ["--http1.1", "--http2"].map(|version| {
        curl(&server, &[version, "--write-out", "%{http_version}", &format!("{}/v1", server.endpoint())])
    });
    for (answer, version) in versions.iter().zip(["1.1", "2"]) {
        assert!(
            answer.ends_with(version) && answer.contains(&format!("{}/v1/", server.endpoint())),
            "{answer}"
        );
    }
    let mode = |name: &str| fs::metadata(data.join("tls").join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("."), mode("certificate.pem"), mode("key.pem")), (0o700, 0o444, 0o400));
    let certificate = fs::read(data.join("tls/certificate.pem")).unwrap();
    assert!(server.stop().success());
    let again = start();
    assert_eq!(fs::read(data.join("tls/certificate.pem")).unwrap(), certificate);
    let secret = json!({"name": "kept"}).to_string();
    let url = format!("{}/v1/secrets", again.endpoint());
    curl(&again, &["--json", &secret, &url]);
    let records = again.records();
    assert_eq!(records.last().unwrap()["action"], "secret.create");
}

#[test]
fn plain_http_on_the_tls_port_is_closed_and_put_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::try_start(Server::https_command(&data), &data).unwrap();
    let mut wire = strongroom_tests::Wire::connect(server.address());
    wire.send(b"GET / HTTP/1.1\r\nHost: kms\r\n\r\n").unwrap();
    let answered = wire.rest();
    assert!(!answered.starts_with(b"HTTP"), "{}", answered.escape_ascii());
    assert!(server.stop().success());
    let records = strongroom_tests::records(&data.join("journal"));
    let refused: Vec<_> = records.iter().filter(|record| record["action"] == "admit").collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0]["outcome"], "refused");
    assert_eq!(refused[0]["reason"], json!({"code": "tls-handshake", "times": 1}));
    assert_eq!(refused[0]["origin"]["address"], "127.0.0.1");
}

/// How a start with these settings ends.
fn refused(settings: &[(&str, &str)], data: &Path) -> String {
    let mut command = program("strongroom-server");
    command.args(["dev", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
    command.envs(settings.iter().map(|(name, value)| (format!("STRONGROOM_{name}"), value)));
    let ended = Server::try_start(command, data).err().expect("it is refused");
    assert!(ended.code.is_some_and(|code| code > 0), "{ended:?}");
    ended.stderr
}

#[test]
fn a_key_that_others_can_read_and_settings_that_contradict_each_other_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::try_start(Server::https_command(&data), &data).unwrap();
    assert!(server.stop().success());
    let (certificate, key) = (data.join("tls/certificate.pem"), data.join("tls/key.pem"));
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    fs::set_permissions(key, Permissions::from_mode(0o644)).unwrap();
    let pair = [("TLS__CERTIFICATE", certificate), ("TLS__KEY", key)];
    for settings in [&pair[..], &[]] {
        let told = refused(settings, &data);
        assert!(
            told.contains("TLS can't be spoken") && told.contains(&format!("chmod 0400 {key}")),
            "{told}"
        );
    }
    for (settings, expected) in [
        (&pair[..1], "tls.key (from default): tls.certificate and tls.key are given both or not at all"),
        (&[("TLS__CLIENT_CERTIFICATES", "required")], "tls.client_ca names their authorities"),
        (&[("TLS__CLIENT_CA", certificate)], "give both or neither"),
        (&[("TLS__CLIENT_CRL_FILES", "[\"/crl.pem\"]")], "are for clients that are asked for one"),
        (&[("EDGE__PROXIES", "[\"127.0.0.1\"]")], "a proxy has to tell whom it connects for"),
        (&[("EDGE__PROXY_PROTOCOL", "true")], "only taken from proxies that are named"),
        (&[("EDGE__ALLOWED_NETWORKS", "[\"10.0.0.1/8\"]")], "is neither an address nor a network"),
        (&[("EDGE__SOURCE_BURST", "5")], "does nothing without edge.source_rate"),
        (&[("API__LISTEN", "192.0.2.1:9311")], "would speak plain HTTP"),
        (&[("API__LISTEN", "0.0.0.0:9311")], "edge.allow_public = true"),
    ] {
        let mut command = program("strongroom-server");
        command.arg("serve").envs(settings.iter().map(|(name, value)| (format!("STRONGROOM_{name}"), value)));
        let ended = run(&mut command);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{expected} is not in {}", ended.stderr);
    }
}
