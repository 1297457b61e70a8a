//! What an auditor can prove with the operator's commands, a public key and a checkpoint kept elsewhere.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use strongroom_tests::{Ended, Server, admin};

fn audit(data: &Path, arguments: &[&str]) -> Ended {
    admin(&[&["--data-dir", data.to_str().unwrap(), "audit"], arguments].concat())
}

fn findings(ended: &Ended) -> Vec<String> {
    let told: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    told["findings"].as_array().unwrap().iter().map(|found| found.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_copy_is_proved_by_the_public_key_and_the_last_checkpoint_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_in(&data);
    server.client("demo").create(&json!({"name": "kept"}));
    assert!(server.stop().success());
    let [key, checkpoint] =
        [("public-key", "key.pem"), ("checkpoint", "last.json")].map(|(command, name)| {
            let told = audit(&data, &[command]);
            assert_eq!(told.code, Some(0), "{told:?}");
            let path = folder.path().join(name);
            fs::write(&path, told.stdout).unwrap();
            path.to_str().unwrap().to_owned()
        });
    let copy = folder.path().join("copy");
    fs::create_dir_all(copy.join("journal")).unwrap();
    for name in ["node", "0000000001.jsonl"] {
        fs::copy(data.join("journal").join(name), copy.join("journal").join(name)).unwrap();
    }
    let known = ["--output", "json", "verify", "--public-key", &key, "--checkpoint", &checkpoint];
    let proved = audit(&copy, &known);
    assert_eq!((proved.code, findings(&proved)), (Some(0), vec![]));

    // Without its last two lines the journal is sound by itself, and not by what was kept.
    let segment = copy.join("journal/0000000001.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    fs::write(&segment, lines[..lines.len() - 2].concat()).unwrap();
    assert_eq!(audit(&copy, &["verify"]).code, Some(0));
    let found = audit(&copy, &known);
    assert_eq!(found.code, Some(1));
    let (from, to) = (lines.len() - 1, lines.len());
    assert!(findings(&found)[0].contains(&format!("cut off: records {from} to {to}")), "{found:?}");

    // Another journal's key proves nothing here.
    let other = Server::start();
    let foreign = folder.path().join("foreign.pem");
    fs::write(&foreign, audit(other.data_dir(), &["public-key"]).stdout).unwrap();
    fs::write(&segment, text).unwrap();
    let found = audit(&copy, &["--output", "json", "verify", "--public-key", foreign.to_str().unwrap()]);
    assert_eq!(found.code, Some(1));
    assert!(findings(&found)[0].contains("is not trusted"), "{found:?}");
}

#[test]
fn old_files_are_removed_beside_a_running_server_and_the_rest_is_still_proved() {
    let server = Server::start_with(&[("AUDIT__SEGMENT_BYTES", "65536")]);
    let client = server.client("demo");
    while server.records().iter().filter(|record| record["kind"] == "segment").count() < 3 {
        assert_eq!(client.get("/v1/secrets?name=".to_owned().as_str()).status, 200);
    }
    let none = server.admin(&["audit", "prune", "--before", "2020-01-01"]);
    assert_eq!((none.code, none.stdout.contains("\"removed\":[]")), (Some(0), true), "{none:?}");
    let pruned = server.admin(&["audit", "prune", "--before", "2999-01-01"]);
    assert_eq!((pruned.code, pruned.stdout.contains("\"removed\":[1,2")), (Some(0), true), "{pruned:?}");
    assert!(!server.data_dir().join("journal/0000000001.jsonl").exists());
    let verified = server.admin(&["audit", "verify"]);
    assert_eq!((verified.code, findings(&verified)), (Some(0), vec![]));
    assert_eq!(client.get("/v1/secrets").status, 200);
    let data = server.data_dir().to_owned();
    drop(client);
    fs::remove_file(data.join("journal/pruned")).unwrap();
    let verified = server.admin(&["audit", "verify"]);
    assert_eq!(verified.code, Some(1));
    assert!(findings(&verified)[0].contains("missing segment"), "{verified:?}");
}
