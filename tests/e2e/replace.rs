//! Putting a secret in another's place.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use strongroom_tests::{Client, Ended, Server, eventually, program};

use crate::undo::{admin, create, id, start};

fn replace(data: &Path, reference: &str, file: &Path, overlap: &str) -> Ended {
    let file = file.to_str().unwrap();
    let arguments = ["secret", "replace", reference, "--payload-file", file, "--overlap", overlap];
    admin(data, &[], &[&arguments[..], &["--operator", "olga"]].concat())
}

fn told(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// A secret with metadata, in a container, and used by somebody.
fn furnished(client: &Client, payload: &str) -> (String, String) {
    let secret = json!({"name": "db", "payload": payload, "payload_content_type": "text/plain",
                        "secret_type": "passphrase", "expiration": "2099-01-01T00:00:00"});
    let reference = create(client, &secret);
    let metadata = json!({"metadata": {"colour": "blue"}});
    assert_eq!(client.json("PUT", &format!("{reference}/metadata"), &metadata).status, 201);
    let full = client.get(&reference).value()["secret_ref"].clone();
    let container =
        json!({"name": "c", "type": "generic", "secret_refs": [{"name": "one", "secret_ref": full}]});
    let made = client.json("POST", "/v1/containers", &container).value();
    let uses = json!({"service": "nova", "resource_type": "server", "resource_id": "1"});
    assert_eq!(client.json("POST", &format!("{reference}/consumers"), &uses).status, 200);
    let container = made["container_ref"].as_str().unwrap();
    (reference, format!("/v1/containers/{}", id(container)))
}

fn member(client: &Client, container: &str) -> String {
    let shown = client.get(container).value();
    let members = shown["secret_refs"].as_array().unwrap();
    assert_eq!(members.len(), 1);
    format!("/v1/secrets/{}", id(members[0]["secret_ref"].as_str().unwrap()))
}

#[test]
fn a_new_secret_takes_every_place_of_the_old_one_which_goes_when_the_overlap_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data, &[]);
    let client = server.client("demo");
    let (old, container) = furnished(&client, "old payload");
    let file = folder.path().join("new");
    fs::write(&file, "new payload").unwrap();
    let report = told(&replace(&data, &old, &file, "3s"));
    let new = old.replace(id(&old), report["new"].as_str().unwrap());
    assert_ne!(new, old);
    assert_eq!(client.payload(&new, "text/plain").text(), "new payload");
    assert_eq!(member(&client, &container), new);
    let shown = client.header("OpenStack-API-Version", "key-manager 1.1").get(&new).value();
    assert_eq!(shown["consumers"][0]["service"], "nova", "{shown}");
    for (field, value) in
        [("name", "db"), ("secret_type", "passphrase"), ("expiration", "2099-01-01T00:00:00")]
    {
        assert_eq!(shown[field], value, "{shown}");
    }
    assert_eq!(client.get(&format!("{new}/metadata")).value(), json!({"metadata": {"colour": "blue"}}));

    // It has been done, whoever asks again.
    if client.payload(&old, "text/plain").status == 200 {
        let again = told(&replace(&data, &old, &file, "3s"));
        assert_eq!(again["new"], report["new"]);
        fs::write(&file, "yet another payload").unwrap();
        let other = replace(&data, &old, &file, "3s");
        assert!(other.code == Some(3) && other.stderr.contains(id(&new)), "{other:?}");
    }
    eventually(|| client.payload(&old, "text/plain").status == 404);
    assert_eq!(client.total(), 1);
    // Replaced secrets are deleted like any other.
    assert_eq!(admin(&data, &[], &["deleted", "restore", &old]).code, Some(0));
    assert_eq!(client.payload(&old, "text/plain").text(), "old payload");

    for (payload, reference, told) in [
        ("", &old, "a payload has from 1"),
        (&*"x".repeat(20_001), &old, "a payload has from 1"),
        ("fine", &format!("{}x", id(&new)), "not a canonical"),
    ] {
        fs::write(&file, payload).unwrap();
        let refused = replace(&data, reference, &file, "0");
        assert!(refused.code != Some(0) && refused.stderr.contains(told), "{refused:?}");
    }
    let records = server.records();
    let by_operator = |action: &str| {
        let found = records.iter().filter(|record| record["action"] == action);
        found.filter(|record| record["caller"]["user"] == "olga" && record["outcome"] == "success").count()
    };
    assert_eq!((by_operator("secret.replace"), by_operator("secret.delete")), (1, 1));
    assert!(server.stop().success());
    for place in ["journal", "strongroom.sqlite", "strongroom.sqlite-wal"] {
        assert_holds_no(&data.join(place), b"new payload");
    }
}

/// No payload lies anywhere in the clear.
fn assert_holds_no(path: &Path, payload: &[u8]) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            assert_holds_no(&entry.unwrap().path(), payload);
        }
    } else if path.exists() {
        let found = fs::read(path).unwrap().windows(payload.len()).any(|window| window == payload);
        assert!(!found, "{}", path.display());
    }
}

/// Whatever dies at whatever time, asking again ends the same: one new secret, one old one that goes.
#[test]
fn a_replacement_outlives_the_death_of_server_and_tool() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = start(&data, &[]);
    let mut total = 0;
    for round in 0..5_u64 {
        let client = server.client("demo");
        let (old, container) = furnished(&client, "old payload");
        let payload = format!("new payload {round}");
        let ask = || {
            let mut asking = program("strongroom-admin");
            asking.env("STRONGROOM_DELETION__UNDO_DAYS", "30").arg("--data-dir").arg(&data);
            asking.args(["--output", "json", "secret", "replace", &old, "--payload-file", "-"]);
            asking.args(["--operator", "olga", "--overlap", if round % 2 == 0 { "1h" } else { "0" }]);
            let mut asking =
                asking.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // It may have been killed before it reads.
            asking.stdin.take().unwrap().write_all(payload.as_bytes()).ok();
            asking
        };
        let mut asking = ask();
        thread::sleep(Duration::from_millis(100 * round));
        if round % 3 != 1 {
            asking.kill().unwrap();
        }
        server.kill();
        server = loop {
            let mut command = Server::command(&data);
            command.env("STRONGROOM_DELETION__UNDO_DAYS", "30");
            match Server::try_start(command, &data) {
                Ok(server) => break server,
                Err(ended) => assert!(ended.stderr.contains("another"), "{ended:?}"),
            }
        };
        asking.wait().unwrap();
        let ended = ask().wait_with_output().unwrap();
        assert!(ended.status.success(), "round {round}: {}", String::from_utf8_lossy(&ended.stderr));
        let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
        let client = server.client("demo");
        let new = member(&client, &container);
        assert_eq!(id(&new), report["new"].as_str().unwrap());
        assert_eq!(client.payload(&new, "text/plain").text(), payload);
        let kept = round % 2 == 0;
        let status = client.payload(&old, "text/plain").status;
        assert_eq!(status, if kept { 200 } else { 404 });
        total += if kept { 2 } else { 1 };
        assert_eq!(client.total(), total);
    }
    assert!(server.stop().success());
    assert_eq!(admin(&data, &[], &["audit", "verify"]).code, Some(0));
}
