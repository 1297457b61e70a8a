//! Rotation of keys beside a server at work: no request fails, nothing is lost, and it goes on from wherever it
//! was cut off.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_tests::{Client, Ended, Server, program};

use crate::durability::dice::Dice;

/// Payloads by reference path, each with its project.
pub(crate) type Stored = BTreeMap<String, (String, String)>;

pub(crate) fn store(server: &Server, projects: usize, each: usize) -> Stored {
    let mut stored = Stored::new();
    for project in 0..projects {
        let project = format!("p{project}");
        for number in 0..each {
            let payload = format!("payload {number} of {project}");
            stored.insert(create(&server.client(&project), &payload), (project.clone(), payload));
        }
    }
    stored
}

fn create(client: &Client, payload: &str) -> String {
    let secret = json!({"name": "n", "payload": payload, "payload_content_type": "text/plain"});
    path_of(&client.create(&secret))
}

fn path_of(reference: &str) -> String {
    reference.split_once("/v1/").map(|(_, rest)| format!("/v1/{rest}")).unwrap()
}

pub(crate) fn check(server: &Server, stored: &Stored) {
    for (path, (project, payload)) in stored {
        let reply = server.client(project).payload(path, "text/plain");
        assert_eq!((reply.status, reply.text()), (200, payload.clone()), "{path}");
    }
}

pub(crate) fn told(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

pub(crate) fn done(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = told(ended);
    assert_eq!((&told["stage"], &told["failed"]), (&json!("done"), &json!(0)), "{told}");
    told
}

fn start(data: &Path) -> Server {
    let mut command = Server::command(data);
    command.env("STRONGROOM_ROTATION__SHARE_PERCENT", "100");
    Server::try_start(command, data).unwrap_or_else(|ended| panic!("no start: {ended:?}"))
}

/// Starts a server that may meet a tool which carries a rotation out by itself while there is none.
fn start_again(data: &Path) -> Server {
    let late = Instant::now() + Duration::from_mins(1);
    loop {
        match Server::try_start(Server::command(data), data) {
            Ok(server) => return server,
            Err(ended) => {
                let taken = ["in use by another", "another process has"];
                let taken = taken.iter().any(|words| ended.stderr.contains(words));
                assert!(taken && Instant::now() < late, "{ended:?}");
            }
        }
    }
}

fn verdicts(server: &Server) -> Vec<(u64, String)> {
    let checked = told(&server.admin(&["master-key", "check"]));
    let versions = checked["versions"].as_array().unwrap().iter();
    versions
        .map(|found| (found["version"].as_u64().unwrap(), found["canary"].as_str().unwrap().to_owned()))
        .collect()
}

/// Clients that create, read and delete in old and new projects until told to stop; any refusal is an error.
pub(crate) fn under_load(server: &Server, stored: &Stored, act: impl FnOnce()) -> Stored {
    /// Stops the clients also when the test ends early.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (over, requests) = (AtomicBool::new(false), AtomicUsize::new(0));
    let more = Mutex::new(Stored::new());
    thread::scope(|scope| {
        for worker in 0..3 {
            let (over, requests, more) = (&over, &requests, &more);
            scope.spawn(move || {
                let mut number = 0;
                while !over.load(Ordering::Relaxed) {
                    let project =
                        if number % 4 == 0 { format!("new{worker}-{number}") } else { "p0".to_owned() };
                    let client = server.client(&project);
                    let payload = format!("load {worker} {number}");
                    let path = create(&client, &payload);
                    assert_eq!(client.payload(&path, "text/plain").text(), payload);
                    if number % 2 == 0 {
                        more.lock().unwrap().insert(path, (project, payload));
                    } else {
                        assert_eq!(client.delete(&path).status, 204);
                    }
                    let (path, (project, payload)) = stored.iter().nth(number % stored.len()).unwrap();
                    let read = server.client(project).payload(path, "text/plain");
                    assert_eq!((read.status, read.text()), (200, payload.clone()), "{path}");
                    number += 1;
                    requests.fetch_add(3, Ordering::Relaxed);
                }
            });
        }
        let _stop = Stop(&over);
        while requests.load(Ordering::Relaxed) < 20 {
            thread::yield_now();
        }
        act();
        let before = requests.load(Ordering::Relaxed);
        while requests.load(Ordering::Relaxed) < before + 20 {
            thread::yield_now();
        }
    });
    more.into_inner().unwrap()
}

#[test]
fn keys_are_rotated_under_load_and_the_old_ones_are_not_needed_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data);
    let mut stored = store(&server, 10, 3);
    let planned = told(&server.admin(&["master-key", "rotate", "--dry-run"]));
    assert_eq!((&planned["active"], &planned["project_keys"]), (&json!(1), &json!(10)));
    assert_eq!(planned["servers"].as_array().unwrap().len(), 1);

    let more = under_load(&server, &stored, || {
        let rotated = done(&server.admin(&["master-key", "rotate"]));
        assert!(rotated["changed"].as_u64().unwrap() >= 10, "{rotated}");
        let resealed = done(&server.admin(&["project-key", "rotate", "--all"]));
        assert!(resealed["changed"].as_u64().unwrap() >= 30, "{resealed}");
        let one = done(&server.admin(&["project-key", "rotate", "--project", "p0"]));
        assert!(one["changed"].as_u64().unwrap() >= 3, "{one}");
    });
    stored.extend(more);
    check(&server, &stored);
    assert_eq!(verdicts(&server), [(1, "retired".to_owned()), (2, "right".to_owned())]);

    let pruned = told(&server.admin(&["master-key", "prune"]));
    assert_eq!(pruned, json!({"removed": [1], "left": [2]}));
    check(&server, &stored);
    assert!(server.stop().success());
    let server = start(&data);
    check(&server, &stored);
    // One key a project is left.
    let planned = told(&server.admin(&["master-key", "rotate", "--dry-run"]));
    let projects: std::collections::BTreeSet<_> = stored.values().map(|(project, _)| project).collect();
    let keys = planned["project_keys"].as_u64().unwrap();
    assert!(keys >= u64::try_from(projects.len()).unwrap(), "{keys}");

    let acts: Vec<_> = server.records().iter().map(|record| record["action"].to_string()).collect();
    for act in ["activate", "rewrap", "verify", "retire"] {
        let wanted = format!("\"master-key.{act}\"");
        assert_eq!(acts.iter().filter(|found| **found == wanted).count(), 2, "{act}");
    }
    assert_eq!(server.admin(&["audit", "verify"]).code, Some(0));
}

#[test]
fn a_rotation_without_a_server_does_the_same_and_removes_the_old_key_only_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data);
    let stored = store(&server, 3, 2);
    assert!(server.stop().success());
    let offline = |arguments: &[&str]| {
        strongroom_tests::admin(
            &[&["--data-dir", data.to_str().unwrap(), "--output", "json"], arguments].concat(),
        )
    };
    let rotated = done(&offline(&["master-key", "rotate"]));
    assert_eq!((&rotated["changed"], &rotated["removed_versions"]), (&json!(3), &json!([])));
    let rotated = done(&offline(&["master-key", "rotate", "--remove-old"]));
    assert_eq!((&rotated["changed"], &rotated["removed_versions"]), (&json!(3), &json!([1, 2])));
    assert_eq!(done(&offline(&["project-key", "rotate", "--all"]))["changed"], 6);
    let server = start(&data);
    check(&server, &stored);
    let found = verdicts(&server);
    assert_eq!(found.last(), Some(&(3, "right".to_owned())));
}

#[test]
fn a_key_that_one_waits_for_can_be_given_up_and_halting_halts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data);
    let stored = store(&server, 2, 1);
    // Halted before any server takes it up.
    let key = data.join("master.key");
    let kept = folder.path().join("kept.key");
    let mut rotating = rotate(&server, &["master-key", "rotate"]);
    // However fast, it ends one of two ways: as done, or as halted.
    let paused = server.admin(&["rotation", "pause"]);
    assert!(matches!(paused.code, Some(0 | 3)), "{paused:?}");
    rotating.wait().unwrap();
    server.admin(&["rotation", "resume"]);
    done(&server.admin(&["master-key", "rotate"]));
    check(&server, &stored);

    // A version that is in the database and not in the file any more is waited for, and can be given up.
    std::fs::copy(&key, &kept).unwrap();
    let added = server.admin(&["master-key", "add"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let staged = told(&added)["version"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(server.stop().success());
    let server = start(&data);
    assert!(verdicts(&server).contains(&(staged, "right".to_owned())), "registered at start");
    std::fs::rename(&kept, &key).unwrap();
    assert!(server.stop().success());
    let server = start(&data);
    check(&server, &stored);
    assert!(verdicts(&server).contains(&(staged, "missing".to_owned())));
    check(&server, &stored);
}

pub(crate) fn rotate(server: &Server, arguments: &[&str]) -> Child {
    let folder = server.data_dir().to_str().unwrap();
    program("strongroom-admin")
        .args(["--data-dir", folder, "--output", "json"])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

pub(crate) fn latest(server: &Server) -> Option<Value> {
    let status = server.admin(&["rotation", "status"]);
    (status.code == Some(0)).then(|| told(&status))
}

/// Several rotations, each asked for twice at once, while the server is killed again and again at random moments.
#[test]
fn kills_at_any_moment_lose_nothing_and_the_rotation_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = start(&data);
    let mut stored = store(&server, 40, 4);
    let mut dice = Dice::new();
    let mut killed_amid = 0;
    for round in 0..6 {
        let arguments: &[&str] =
            if round % 2 == 0 { &["master-key", "rotate"] } else { &["project-key", "rotate", "--all"] };
        let asking = [rotate(&server, arguments), rotate(&server, arguments)];
        for kill in 0.. {
            thread::sleep(Duration::from_millis(dice.below(if kill == 0 { 600 } else { 150 })));
            let client = server.client("p1");
            let payload = format!("between {round} {kill}");
            stored.insert(create(&client, &payload), ("p1".to_owned(), payload));
            server.kill();
            server = start_again(&data);
            if latest(&server).is_some_and(|rotation| rotation["stage"] == "done") || kill > 20 {
                break;
            }
            killed_amid += 1;
        }
        for asking in asking {
            let ended = asking.wait_with_output().unwrap();
            assert!(ended.status.success(), "who asked has not seen it done: {ended:?}");
        }
        assert_eq!(latest(&server).unwrap()["failed"], 0);
        check(&server, &stored);
    }
    assert!(killed_amid > 3, "only {killed_amid} kills met a rotation");
    // Whoever asked at the same time as another may have added a version that waits for its turn.
    done(&server.admin(&["master-key", "rotate"]));
    let pruned = told(&server.admin(&["master-key", "prune"]));
    assert_eq!(pruned["left"].as_array().unwrap().len(), 1, "{pruned}");
    server.kill();
    let server = start(&data);
    check(&server, &stored);
    assert_eq!(server.admin(&["audit", "verify"]).code, Some(0));
}

/// Waits until something is so; a bound for a machine that is busy.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let late = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < late, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_key_file_that_can_not_be_read_holds_the_rotation_up_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data);
    let stored = store(&server, 2, 1);
    let key = data.join("master.key");
    let added = server.admin(&["master-key", "add"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let hidden = folder.path().join("hidden.key");
    // The tool sees the file; the server, which reads it a moment later, does not.
    std::fs::copy(&key, &hidden).unwrap();
    let mut command = program("strongroom-admin");
    command.args(["--data-dir", data.to_str().unwrap(), "--output", "json", "master-key", "rotate"]);
    command.env("STRONGROOM_MASTER_KEY__FILE", &hidden).stdout(Stdio::piped()).stderr(Stdio::null());
    std::fs::remove_file(&key).unwrap();
    let asking = command.spawn().unwrap();
    wait_for("the rotation is asked for", || latest(&server).is_some());
    check(&server, &stored);
    assert_eq!(latest(&server).unwrap()["stage"], "staging");
    std::fs::rename(&hidden, &key).unwrap();
    let ended = asking.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    check(&server, &stored);
    assert_eq!(verdicts(&server), [(1, "retired".to_owned()), (2, "right".to_owned())]);
}
