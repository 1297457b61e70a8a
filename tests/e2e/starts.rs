//! A start that can't be right is refused, says why and what to do, and changes nothing on disk.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use strongroom_tests::{Ended, SCHEMA_VERSION, Server, admin, program, run};
use tempfile::TempDir;

/// A folder in which a server has stored a secret, and has stopped or was killed.
struct Used {
    folder: TempDir,
    secret: String,
}

impl Used {
    fn stopped() -> Self {
        let (used, server) = Self::running();
        assert!(server.stop().success());
        used
    }

    fn killed() -> Self {
        let (used, server) = Self::running();
        server.kill();
        used
    }

    fn running() -> (Self, Server) {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start_in(&folder.path().join("data"));
        let secret = json!({"name": "kept", "payload": "s3cret", "payload_content_type": "text/plain"});
        let reference = server.client("demo").create(&secret);
        let secret = reference.strip_prefix(&server.endpoint()).unwrap().to_owned();
        (Self { folder, secret }, server)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    /// A start is refused and everything in the data folder stays as it is. Gives what the server said.
    fn refuses(&self) -> String {
        self.refuses_command(Server::command(&self.data()))
    }

    fn refuses_command(&self, command: Command) -> String {
        let before = snapshot(&self.data());
        let ended = ended(command, &self.data());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_unchanged(&before, &snapshot(&self.data()), &ended);
        ended.stderr
    }

    /// What was stored is still there for a start that is as it should be.
    fn still_serves(&self) {
        let server = Server::start_in(&self.data());
        assert_eq!(server.client("demo").payload(&self.secret, "text/plain").text(), "s3cret");
    }
}

type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// Mode and bytes of everything in a folder, but for what is in SQLite's shared memory: an index of its log
/// that whoever opens the database makes anew.
fn snapshot(folder: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let counts = metadata.is_file() && !path.to_string_lossy().ends_with("-shm");
        let bytes = if counts { fs::read(&path).unwrap() } else { Vec::new() };
        if metadata.is_dir() {
            found.extend(snapshot(&path));
        }
        found.insert(path, (metadata.permissions().mode(), bytes));
    }
    found
}

fn assert_unchanged(before: &Snapshot, after: &Snapshot, ended: &Ended) {
    let names = |snapshot: &Snapshot| snapshot.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(before), names(after), "{ended:?}");
    for (path, was) in before {
        assert!(was == &after[path], "{} was changed: {ended:?}", path.display());
    }
}

fn ended(command: Command, data: &Path) -> Ended {
    match Server::try_start(command, data) {
        Err(ended) => ended,
        Ok(server) => panic!("it serves: {}", server.printed()),
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn assert_says(said: &str, expected: &[&str]) {
    for part in expected {
        assert!(said.contains(part), "{part:?} is missing in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn another_master_key() {
    for used in [Used::stopped(), Used::killed()] {
        let key = used.file("master.key");
        let right = used.folder.path().join("right.key");
        fs::rename(&key, &right).unwrap();
        let made = admin(&["--data-dir", used.data().to_str().unwrap(), "master-key", "generate"]);
        assert_eq!(made.code, Some(0), "{made:?}");
        assert_says(
            &used.refuses(),
            &["version 1 of the 'soft' master key is not the key", "give the right key file"],
        );
        fs::rename(&right, &key).unwrap();
        used.still_serves();
    }
}

#[test]
fn no_master_key() {
    let used = Used::killed();
    let (key, away) = (used.file("master.key"), used.folder.path().join("away"));
    fs::rename(&key, &away).unwrap();
    assert_says(
        &used.refuses(),
        &[key.to_str().unwrap(), "restore it from its backup", "master-key generate"],
    );
    assert!(!key.exists());
    fs::rename(&away, &key).unwrap();
    used.still_serves();
}

#[test]
fn a_key_file_that_others_could_read_or_replace() {
    let used = Used::stopped();
    let key = used.file("master.key");
    for mode in [0o600, 0o440, 0o644, 0o404, 0o500] {
        set_mode(&key, mode);
        let mend = format!("chmod 0400 {}", key.display());
        assert_says(&used.refuses(), &[&format!("has mode {mode:04o}"), "must have 0400", &mend]);
    }
    set_mode(&key, 0o400);

    let target = used.folder.path().join("elsewhere.key");
    fs::rename(&key, &target).unwrap();
    symlink(&target, &key).unwrap();
    assert_says(&used.refuses(), &["is not a regular file"]);
    fs::remove_file(&key).unwrap();
    fs::rename(&target, &key).unwrap();

    let shared = used.folder.path().join("shared");
    fs::create_dir(&shared).unwrap();
    set_mode(&shared, 0o770);
    fs::copy(&key, shared.join("master.key")).unwrap();
    let mut command = Server::command(&used.data());
    command.env("STRONGROOM_MASTER_KEY__FILE", shared.join("master.key"));
    let mend = format!("chmod go-w {}", shared.display());
    assert_says(
        &used.refuses_command(command),
        &["has mode 0770", "must not be writable by its group", &mend],
    );

    if rustix::process::geteuid().is_root() {
        chown(&key, Some(65534), None).unwrap();
        let mend = format!("chown 0 {}", key.display());
        assert_says(&used.refuses(), &["is owned by user id 65534", &mend]);
        chown(&key, Some(0), None).unwrap();
    }
    used.still_serves();
}

#[test]
fn a_data_folder_that_lets_others_in() {
    let used = Used::stopped();
    set_mode(&used.data(), 0o750);
    let mend = format!("chmod 0700 {}", used.data().display());
    assert_says(&used.refuses(), &["has mode 0750", &mend]);
    set_mode(&used.data(), 0o700);
    used.still_serves();
}

#[test]
fn a_database_that_was_cut() {
    let used = Used::stopped();
    let database = used.file("strongroom.sqlite");
    let whole = fs::read(&database).unwrap();
    let mut cuts = vec![0, 1, 15, 16, 99, 100, 512, 4095, 4096, 4097, whole.len() / 2, whole.len() - 4096];
    cuts.push(whole.len() - 1);
    for cut in cuts {
        fs::write(&database, &whole[..cut]).unwrap();
        let expected = if cut == 0 || cut > 15 { "is damaged" } else { "is not a SQLite database" };
        assert_says(&used.refuses(), &[database.to_str().unwrap(), expected]);
    }
    fs::write(&database, whole).unwrap();
    used.still_serves();
}

#[test]
fn a_database_that_is_none_or_of_another_program() {
    let used = Used::stopped();
    let database = used.file("strongroom.sqlite");
    let whole = fs::read(&database).unwrap();
    let noise: Vec<u8> = (0..whole.len()).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect();
    fs::write(&database, noise).unwrap();
    assert_says(&used.refuses(), &["is not a SQLite database"]);
    let mut gutted = whole.clone();
    gutted[100..].fill(0xa5);
    fs::write(&database, gutted).unwrap();
    assert_says(&used.refuses(), &["is damaged", "restore it from a backup"]);
    fs::remove_file(&database).unwrap();
    sql(&database, "CREATE TABLE songs (title TEXT)");
    assert_says(&used.refuses(), &["not one of Strongroom"]);
    fs::write(&database, whole).unwrap();
    used.still_serves();
}

#[test]
fn a_database_of_a_later_program() {
    let used = Used::stopped();
    let database = used.file("strongroom.sqlite");
    sql(&database, "PRAGMA user_version = 99");
    assert_says(
        &used.refuses(),
        &[&format!("schema version 99, newer than version {SCHEMA_VERSION}"), "a later one"],
    );
    sql(&database, &format!("PRAGMA user_version = {SCHEMA_VERSION}"));
    used.still_serves();
}

/// Changes a database as somebody else would.
pub(crate) fn sql(database: &Path, statement: &str) {
    let program = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(sys.argv[2]); db.commit(); db.close()";
    let ended = run(Command::new("python3").args(["-c", program]).arg(database).arg(statement));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_second_server_while_the_first_goes_on() {
    let (used, first) = Used::running();
    for _ in 0..3 {
        let ended = ended(Server::command(&used.data()), &used.data());
        assert_eq!(ended.code, Some(1));
        assert_says(&ended.stderr, &["another process has the journal", "stop it"]);
        let client = first.client("demo");
        assert_eq!(client.payload(&used.secret, "text/plain").text(), "s3cret");
        client.create(&json!({"name": "more"}));
    }
    assert_eq!(first.client("demo").total(), 4);
    assert_eq!(first.admin(&["audit", "verify"]).code, Some(0));
    assert!(first.stop().success());
    used.still_serves();
}

#[test]
fn a_port_that_is_taken() {
    let used = Used::stopped();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = program("strongroom-server");
    command.args(["dev", "--plain-http", "--listen", &address, "--data-dir"]).arg(used.data());
    assert_says(&used.refuses_command(command), &["can't listen on", &address, "in use"]);
    used.still_serves();
}

#[test]
fn a_journal_that_is_gone() {
    for used in [Used::stopped(), Used::killed()] {
        let (journal, away) = (used.file("journal"), used.folder.path().join("away"));
        fs::rename(&journal, &away).unwrap();
        assert_says(&used.refuses(), &["journal", journal.to_str().unwrap()]);
        fs::create_dir(&journal).unwrap();
        set_mode(&journal, 0o700);
        fs::copy(away.join("node"), journal.join("node")).unwrap();
        assert_says(&used.refuses(), &["lost all its records"]);
        fs::remove_dir_all(&journal).unwrap();
        fs::rename(&away, &journal).unwrap();
        used.still_serves();
    }
}

#[test]
fn a_journal_that_was_tampered_with() {
    for used in [Used::stopped(), Used::killed()] {
        let segment = used.file("journal/0000000001.jsonl");
        let whole = fs::read_to_string(&segment).unwrap();
        let line = whole.lines().position(|line| line.contains("secret.create")).unwrap() + 1;
        fs::write(&segment, whole.replacen("secret.create", "secret.delete", 1)).unwrap();
        let place = format!("damaged at line {line}");
        assert_says(&used.refuses(), &[segment.to_str().unwrap(), &place, "Keep a copy", "audit verify"]);
        fs::write(&segment, whole).unwrap();
        set_mode(&used.file("journal"), 0o770);
        assert_says(&used.refuses(), &["0770", "chmod go-w"]);
        set_mode(&used.file("journal"), 0o700);
        used.still_serves();
    }
}

#[test]
fn settings_that_are_wrong_are_told_all_at_once() {
    let used = Used::stopped();
    let file = used.folder.path().join("strongroom.toml");
    fs::write(&file, "colour = 'red'\n[api]\nmax_page_size = 'many'\nlisten = '0.0.0.0:9311'\n").unwrap();
    let before = snapshot(&used.data());
    let mut command = program("strongroom-server");
    command.arg("--config").arg(&file).arg("--data-dir").arg(used.data()).arg("serve");
    command.env("STRONGROOM_LOG__LEVEL", "loud").env("STRONGROOM_API__LISTENN", "x");
    let ended = run(&mut command);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_unchanged(&before, &snapshot(&used.data()), &ended);
    let from_file = format!("(from {})", file.display());
    for (key, expected) in [
        ("  colour ", &[&from_file, "there is no such setting"][..]),
        ("  api.max_page_size ", &[&from_file, "\"many\"", "a whole number above 0"]),
        ("  api.listen ", &[&from_file, "reachable from other machines", "127.0.0.1:9311"]),
        ("  log.level ", &["the environment", "\"loud\"", "error, warn, info, debug, trace"]),
        ("  api.listenn ", &["the environment", "there is no such setting", "api.listen,"]),
    ] {
        let line = ended.stderr.lines().find(|line| line.starts_with(key));
        assert_says(line.unwrap_or_else(|| panic!("{key} is missing in: {}", ended.stderr)), expected);
    }
}

#[test]
fn an_address_that_other_machines_reach() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9311"] {
        let data = folder.path().join("data");
        let mut command = program("strongroom-server");
        command.args(["dev", "--listen", address, "--data-dir"]).arg(&data);
        let ended = run(&mut command);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert_says(&ended.stderr, &["api.listen (from the flag --listen)", "reachable from other machines"]);
        assert!(!data.exists());
    }
}

#[test]
fn a_command_line_that_makes_no_sense() {
    for arguments in [&["dev", "--colour"][..], &["dance"], &[]] {
        let ended = run(program("strongroom-server").args(arguments));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("Usage"), "{ended:?}");
    }
}

/// `serve` makes nothing by itself: the operator's commands do.
#[test]
fn the_service_runs_once_key_and_database_were_made() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("strongroom.toml"));
    fs::create_dir(&data).unwrap();
    set_mode(&data, 0o700);
    let settings = format!("data_dir = '{}'\n[api]\nlisten = '127.0.0.1:0'\n", data.display());
    fs::write(&file, settings).unwrap();
    let config = file.to_str().unwrap();
    let serve = || {
        let mut command = program("strongroom-server");
        command.args(["--config", config, "serve"]);
        command
    };
    assert_says(&ended(serve(), &data).stderr, &["there is no master key", "master-key generate"]);
    assert_eq!(snapshot(&data), Snapshot::new());
    assert_eq!(admin(&["--config", config, "master-key", "generate"]).code, Some(0));
    assert_says(&ended(serve(), &data).stderr, &["there is no database", "db upgrade"]);
    assert_eq!(snapshot(&data).len(), 1);
    assert_eq!(admin(&["--config", config, "db", "upgrade"]).code, Some(0));
    let server = Server::try_start(serve(), &data).unwrap_or_else(|ended| panic!("{ended:?}"));
    assert!(server.printed().starts_with("Strongroom serves"), "{}", server.printed());
    server.client("demo").create(&json!({"name": "first"}));
    assert!(server.stop().success());
    let server = Server::try_start(serve(), &data).unwrap_or_else(|ended| panic!("{ended:?}"));
    assert_eq!(server.client("demo").total(), 1);
}

#[test]
fn the_master_key_from_the_service_managers_credentials() {
    let used = Used::stopped();
    let credentials = used.folder.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    set_mode(&credentials, 0o700);
    fs::rename(used.file("master.key"), credentials.join("master-key")).unwrap();
    let command = || {
        let mut command = Server::command(&used.data());
        command.env("CREDENTIALS_DIRECTORY", &credentials);
        command
    };
    let server = Server::try_start(command(), &used.data()).unwrap_or_else(|ended| panic!("{ended:?}"));
    assert_eq!(server.client("demo").payload(&used.secret, "text/plain").text(), "s3cret");
    assert!(server.stop().success());
    set_mode(&credentials.join("master-key"), 0o444);
    assert_says(&used.refuses_command(command()), &["has mode 0444"]);
    assert!(!used.file("master.key").exists());
}
