//! The operator's commands, beside a running server and without one, for people and for programs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use strongroom_tests::{Ended, Server, admin, program, run};

/// A folder with a key, a database and a journal with one secret's story, and the server that made it.
fn serving() -> Server {
    let server = Server::start();
    let secret = json!({"name": "kept", "payload": "s3cret", "payload_content_type": "text/plain"});
    server.client("demo").create(&secret);
    server
}

fn table(data: &Path, arguments: &[&str]) -> Ended {
    admin(&[&["--data-dir", data.to_str().unwrap()], arguments].concat())
}

fn as_json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn assert_table(ended: &Ended, code: i32, expected: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for part in expected {
        assert!(ended.stdout.contains(part), "{part:?} is missing in: {ended:?}");
    }
}

#[test]
fn every_check_beside_a_running_server_and_without_it() {
    let server = serving();
    let data = server.data_dir().to_owned();
    check_everything(&data);
    // Whoever looks is in nobody's way.
    server.client("demo").create(&json!({"name": "more"}));
    assert_eq!(server.client("demo").total(), 2);
    let kept = tempfile::tempdir().unwrap();
    let copy = kept.path().join("data");
    assert!(run(Command::new("cp").arg("-a").arg(&data).arg(&copy)).code == Some(0));
    drop(server);
    check_everything(&copy);
}

fn check_everything(data: &Path) {
    let folder = data.to_str().unwrap();
    let in_json = |arguments: &[&str]| {
        let ended = table(data, &[&["--output", "json"], arguments].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        as_json(&ended)
    };
    assert_table(
        &table(data, &["master-key", "check"]),
        0,
        &["VERSION", "right: opens this database's canary"],
    );
    let checked = in_json(&["master-key", "check"]);
    assert_eq!(checked["sound"], true);
    assert_eq!(checked["versions"][0]["version"], 1);
    assert_eq!(checked["versions"][0]["canary"], "right");

    let database = format!("{folder}/strongroom.sqlite");
    assert_table(&table(data, &["db", "status"]), 0, &["DATABASE", "WANTED", &database]);
    let status = json!({"database": database, "version": 3, "wanted": 3, "current": true});
    assert_eq!(in_json(&["db", "status"]), status);

    assert_table(&table(data, &["audit", "verify"]), 0, &["verdict", "intact", "last hash"]);
    let verified = in_json(&["audit", "verify"]);
    assert_eq!((&verified["intact"], &verified["findings"]), (&json!(true), &json!([])));
    assert!(verified["records"].as_u64().unwrap() > 4, "{verified}");
    assert_eq!(verified["last_hash"].as_str().unwrap().len(), 64);
}

#[test]
fn a_database_is_made_and_upgraded_only_while_no_server_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = table(&data, &["--output", "json", "db", "upgrade"]);
    assert_table(&made, 0, &[]);
    assert_eq!((&as_json(&made)["was"], &as_json(&made)["is"]), (&Value::Null, &json!(3)));
    assert_table(&table(&data, &["db", "upgrade"]), 0, &["WAS", "IS"]);

    let server = serving();
    let refused = server.admin(&["db", "upgrade"]);
    assert_eq!(refused.code, Some(3));
    assert!(refused.stderr.contains("in use by another server"), "{refused:?}");
}

#[test]
fn a_key_is_made_once_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("master.key");
    let made = table(folder.path(), &["master-key", "generate"]);
    assert_table(&made, 0, &[key.to_str().unwrap(), "keep an encrypted copy off this machine"]);
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o400);
    let bytes = fs::read(&key).unwrap();
    let again = table(folder.path(), &["master-key", "generate"]);
    assert_eq!(again.code, Some(3));
    assert!(again.stderr.contains("exists already and was left untouched"), "{again:?}");
    assert_eq!(fs::read(&key).unwrap(), bytes);

    let other = folder.path().join("other.key");
    let arguments = ["--output", "json", "master-key", "generate", "--file", other.to_str().unwrap()];
    let made = table(folder.path(), &arguments);
    assert_table(&made, 0, &[]);
    assert_eq!(as_json(&made)["file"], other.to_str().unwrap());
    assert_ne!(fs::read(&other).unwrap(), bytes);
    // A key that no database was used with is sound, and said to be unused.
    assert_table(&table(folder.path(), &["master-key", "check"]), 0, &["not used by this database yet"]);
    assert!(!made.stdout.contains(base64_field(&fs::read_to_string(&other).unwrap())));
}

/// The key itself, in a key file.
fn base64_field(text: &str) -> &str {
    text.lines().nth(1).unwrap().split(' ').nth(2).unwrap()
}

#[test]
fn a_key_that_is_not_the_databases_own_is_unsound() {
    let server = serving();
    let data = server.data_dir();
    let other = data.join("other.key");
    assert_eq!(table(data, &["master-key", "generate", "--file", other.to_str().unwrap()]).code, Some(0));
    let arguments = ["--data-dir", data.to_str().unwrap(), "--output", "json", "master-key", "check"];
    let mut check = program("strongroom-admin");
    let checked = run(check.args(arguments).env("STRONGROOM_MASTER_KEY__FILE", &other));
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert_eq!(as_json(&checked)["versions"][0]["canary"], "wrong");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = run(&mut check);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("run: chmod 0400"), "{refused:?}");
}

#[test]
fn a_journal_that_was_tampered_with_is_unsound_and_the_place_is_named() {
    let server = serving();
    let copy = tempfile::tempdir().unwrap();
    let journal = copy.path().join("journal");
    fs::create_dir(&journal).unwrap();
    for name in ["node", "0000000001.jsonl"] {
        fs::copy(server.data_dir().join("journal").join(name), journal.join(name)).unwrap();
    }
    let segment = journal.join("0000000001.jsonl");
    let whole = fs::read_to_string(&segment).unwrap();
    let line = whole.lines().position(|line| line.contains("secret.create")).unwrap() + 1;
    let edited = whole.replacen("secret.create", "secret.delete", 1);
    let removed: String = whole
        .split_inclusive('\n')
        .enumerate()
        .filter(|(at, _)| at + 1 != line)
        .map(|(_, text)| text)
        .collect();
    for (tampered, word) in [(edited, "edited"), (removed, "removed")] {
        fs::write(&segment, tampered).unwrap();
        let verified = table(copy.path(), &["audit", "verify"]);
        assert_table(&verified, 1, &["TAMPERED", &format!("0000000001.jsonl line {line}"), word]);
        let verified = table(copy.path(), &["--output", "json", "audit", "verify"]);
        assert_eq!(verified.code, Some(1));
        let verified = as_json(&verified);
        assert_eq!((&verified["intact"], verified["findings"].as_array().unwrap().len()), (&json!(false), 1));
    }
    fs::write(&segment, whole).unwrap();
    assert_table(&table(copy.path(), &["audit", "verify"]), 0, &["intact"]);
}

#[test]
fn what_can_not_be_done_ends_with_3() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["audit", "verify"][..],
        &["db", "status"],
        &["master-key", "check"],
        &["master-key", "generate", "--file", "/nonexistent/master.key"],
    ] {
        let ended = table(folder.path(), arguments);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stderr.starts_with("strongroom-admin: ") && ended.stdout.is_empty(), "{ended:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_makes_no_sense_ends_with_2() {
    for arguments in [&[][..], &["dance"], &["audit"], &["--output", "xml", "db", "status"]] {
        let ended = admin(arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
    }
    let mut command = program("strongroom-admin");
    let ended = run(command.args(["db", "status"]).env("STRONGROOM_AUDIT__SEGMENT_BYTES", "few"));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("audit.segment_bytes (from the environment)"), "{ended:?}");
    let ended = admin(&["--config", "/nonexistent/strongroom.toml", "db", "status"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("/nonexistent/strongroom.toml"), "{ended:?}");
}

#[test]
fn help_has_examples_at_every_level() {
    for arguments in [&["--help"][..], &["master-key", "--help"], &["db", "--help"], &["audit", "--help"]] {
        let ended = admin(arguments);
        assert_eq!(ended.code, Some(0));
        let (_, examples) = ended.stdout.split_once("\nExample").unwrap_or_else(|| panic!("{ended:?}"));
        assert!(examples.contains("\n  strongroom-admin "), "{examples}");
    }
    let ended = run(program("strongroom-server").arg("--help"));
    assert!(ended.stdout.contains("\nExamples:\n  strongroom-server dev "), "{ended:?}");
}

#[test]
fn completions_know_the_commands() {
    for (shell, sign) in [
        ("bash", "complete -F _strongroom__admin"),
        ("zsh", "#compdef strongroom-admin"),
        ("fish", "complete -c strongroom-admin"),
    ] {
        let ended = admin(&["completions", shell]);
        assert_eq!(ended.code, Some(0));
        for word in [sign, "master-key", "verify", "upgrade"] {
            assert!(ended.stdout.contains(word), "{shell} has no {word}");
        }
    }
    let script = "source /dev/stdin; COMP_WORDS=(strongroom-admin m); COMP_CWORD=1; \
                  _strongroom__admin strongroom-admin m strongroom-admin; echo \"${COMPREPLY[@]}\"";
    let folder = tempfile::tempdir().unwrap();
    let completions = folder.path().join("completions");
    fs::write(&completions, admin(&["completions", "bash"]).stdout).unwrap();
    let input = fs::File::open(completions).unwrap();
    let completed = run(Command::new("bash").args(["-c", script]).stdin(input));
    assert_eq!(completed.stdout.trim(), "master-key", "{completed:?}");
}

#[test]
fn every_setting_is_shown_with_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strongroom.toml");
    fs::write(&file, "[api]\nmax_page_size = 50\nmax_connections = 7\n[log]\nlevel = 'warn'\n").unwrap();
    let show = |output: &[&str]| {
        let mut command = program("strongroom-server");
        command
            .arg("--config")
            .arg(&file)
            .args(["--data-dir", "/srv/strongroom", "config", "show"])
            .args(output);
        command.env("STRONGROOM_LOG__LEVEL", "debug").env("STRONGROOM_API__MAX_CONNECTIONS", "9");
        let ended = run(&mut command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    };
    let expected = [
        ("api.max_secret_bytes", json!(20_000), "default"),
        ("api.max_page_size", json!(50), file.to_str().unwrap()),
        ("api.max_connections", json!(9), "the environment"),
        ("log.level", json!("debug"), "the environment"),
        ("data_dir", json!("/srv/strongroom"), "the flag --data-dir"),
        ("master_key.file", json!("/srv/strongroom/master.key"), "default"),
    ];
    let (shown, lines) = (as_json(&show(&["--output", "json"])), show(&[]).stdout);
    for (key, value, source) in expected {
        let all = shown.as_array().unwrap();
        let setting = all.iter().find(|setting| setting["key"] == key).unwrap();
        assert_eq!((&setting["value"], setting["source"].as_str().unwrap()), (&value, source), "{key}");
        let line = lines.lines().find(|line| line.starts_with(&format!("{key} "))).unwrap();
        assert!(line.ends_with(&format!("  {value}  ({source})")), "{line}");
    }
}
