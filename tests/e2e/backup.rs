//! Backups: sealed, checked without showing anything, and good for an empty machine.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use strongroom_tests::{Ended, SCHEMA_VERSION, Server, admin, run};

const PAYLOAD: &str = "canary-of-the-backup";

fn told(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn in_folder(data: &Path, arguments: &[&str]) -> Ended {
    admin(&[&["--data-dir", data.to_str().unwrap(), "--output", "json"], arguments].concat())
}

/// A key pair made by the age tool itself: the file and the public key.
fn key_pair(folder: &Path) -> (String, String) {
    let file = folder.join("operator-key.txt");
    let made = run(Command::new("age-keygen").arg("-o").arg(&file));
    assert_eq!(made.code, Some(0), "age-keygen is needed; run `cargo xtask setup`: {made:?}");
    let text = fs::read_to_string(&file).unwrap();
    let public = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned();
    (file.to_str().unwrap().to_owned(), public)
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

fn serving() -> (Server, String) {
    let server = Server::start();
    let secret = json!({"name": "kept", "payload": PAYLOAD, "payload_content_type": "text/plain"});
    let reference = server.client("demo").create(&secret);
    let path = reference.split_once("/v1/").map(|(_, rest)| format!("/v1/{rest}")).unwrap();
    (server, path)
}

#[test]
fn everything_comes_back_on_an_empty_machine() {
    let media = tempfile::tempdir().unwrap();
    let (identity, public) = key_pair(media.path());
    let (server, path) = serving();
    let (key, whole) = (at(media.path(), "key.age"), at(media.path(), "whole.age"));
    told(&server.admin(&["master-key", "backup", "--to", &key, "--recipient", &public]));
    let made = told(&server.admin(&["backup", "create", "--to", &whole, "--recipient", &public]));
    assert_eq!((&made["schema"], &made["master_keys"]), (&json!(SCHEMA_VERSION), &json!([1])));
    for file in [&key, &whole] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o600, "{file}");
    }
    // Nothing is overwritten.
    for arguments in [["master-key", "backup", "--to", &key], ["backup", "create", "--to", &whole]] {
        let again = server.admin(&[arguments.as_slice(), &["--recipient", &public]].concat());
        assert_eq!(again.code, Some(3), "{again:?}");
        assert!(again.stderr.contains("is there already"), "{again:?}");
    }
    let checked = told(&server.admin(&["master-key", "verify-backup", &key, "--identity", &identity]));
    assert_eq!((&checked["sound"], &checked["versions"][0]["canary"]), (&json!(true), &json!("right")));
    let verified = told(&server.admin(&["backup", "verify", &whole, "--identity", &identity]));
    assert_eq!(
        (&verified["sound"], &verified["project_keys_opened"], &verified["secrets_opened"]),
        (&json!(true), &json!(1), &json!(1))
    );
    // No scratch folder is left, and what the age tool sees is what is promised.
    let left: Vec<_> = fs::read_dir(media.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
    let opened = run(Command::new("sh").arg("-c").arg(format!("age -d -i {identity} {whole} | tar -t")));
    assert_eq!(opened.stdout, "manifest.json\nsettings.json\nstrongroom.sqlite\n", "{opened:?}");
    let opened = run(Command::new("age").args(["-d", "-i", &identity, &key]));
    assert_eq!(opened.stdout, fs::read_to_string(server.data_dir().join("master.key")).unwrap());
    let last = server.records().last().unwrap()["seq"].as_u64();
    drop(server);

    let machine = tempfile::tempdir().unwrap();
    let data = machine.path().join("data");
    // The folder, which only its owner can enter, is made by the first of the two.
    told(&in_folder(&data, &["backup", "restore", &whole, "--identity", &identity]));
    let refused = in_folder(&data, &["backup", "restore", &whole, "--identity", &identity]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    told(&in_folder(&data, &["master-key", "restore", &key, "--identity", &identity]));
    let refused = in_folder(&data, &["master-key", "restore", &key, "--identity", &identity]);
    assert!(refused.stderr.contains("left untouched"), "{refused:?}");
    let server = Server::start_in(&data);
    assert_eq!(server.client("demo").payload(&path, "text/plain").text(), PAYLOAD);
    let restored = &server.records()[1];
    assert_eq!(restored["action"], "backup.restore");
    assert!(last.is_some() && restored["target"].as_str().unwrap().starts_with("journal-end/"), "{restored}");
    assert_eq!(server.admin(&["audit", "verify"]).code, Some(0));
}

#[test]
fn enough_shares_open_the_master_key_and_fewer_do_not() {
    let media = tempfile::tempdir().unwrap();
    let (server, _) = serving();
    let (key, shares) = (at(media.path(), "key.age"), at(media.path(), "shares"));
    let arguments = ["master-key", "backup", "--to", &key, "--shares", "2/3", "--shares-dir", &shares];
    told(&server.admin(&arguments));
    let share = |number: u32| format!("{shares}/share-{number}");
    let verify = |some: &[String]| {
        let mut arguments = vec!["master-key", "verify-backup", &key];
        for share in some {
            arguments.extend(["--share", share]);
        }
        server.admin(&arguments)
    };
    assert_eq!(told(&verify(&[share(3), share(1)]))["sound"], true);
    let refused = verify(&[share(2)]);
    assert_eq!(refused.code, Some(3));
    assert!(refused.stderr.contains("1 different shares were given, and 2 are needed"), "{refused:?}");
    assert!(!fs::read_to_string(share(1)).unwrap().contains("AGE-SECRET-KEY"));
}

#[test]
fn a_backup_that_was_altered_cut_or_is_another_ones_is_refused() {
    let media = tempfile::tempdir().unwrap();
    let (identity, public) = key_pair(media.path());
    let (server, _) = serving();
    let whole = at(media.path(), "whole.age");
    told(&server.admin(&["backup", "create", "--to", &whole, "--recipient", &public]));
    let sealed = fs::read(&whole).unwrap();
    let broken = at(media.path(), "broken.age");
    let mut altered = sealed.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    for bad in [altered, sealed[..sealed.len() - 1].to_vec(), sealed[..middle].to_vec(), b"age".to_vec()] {
        fs::write(&broken, bad).unwrap();
        let refused = server.admin(&["backup", "verify", &broken, "--identity", &identity]);
        assert_eq!(refused.code, Some(3), "{refused:?}");
        let machine = tempfile::tempdir().unwrap();
        let data = machine.path().join("data");
        let refused = in_folder(&data, &["backup", "restore", &broken, "--identity", &identity]);
        assert_eq!(refused.code, Some(3), "{refused:?}");
        assert!(!data.join("strongroom.sqlite").exists() && !data.join("journal").exists());
    }
    // Another installation's key opens nothing of it, and says so.
    let (other, _) = serving();
    let unsound = other.admin(&["backup", "verify", &whole, "--identity", &identity]);
    assert_eq!(unsound.code, Some(1), "{unsound:?}");
    assert!(unsound.stdout.contains("integrity"), "{unsound:?}");
    let nobody = server.admin(&["backup", "create", "--to", &broken]);
    assert!(nobody.stderr.contains("needs at least one public key"), "{nobody:?}");
}
