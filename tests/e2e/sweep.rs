//! What is left behind in a KMIP server by a kill between its answer and the commit is found and destroyed, and
//! nothing else is.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use strongroom_tests::{Ended, KmipServer, Server, kmip_python, run};
use tempfile::TempDir;

use crate::kmip::{admin, assert_read, objects, path, secret, serving, start, wait_until};

/// Another process in the middle of a change of the database, until it is dropped.
struct Writing(Child);

impl Writing {
    fn begin(data: &Path) -> Self {
        let script = "import sqlite3, sys\n\
                      held = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)\n\
                      held.execute('begin immediate')\n\
                      print('held', flush=True)\n\
                      sys.stdin.read()";
        let mut command = Command::new("python3");
        command.args(["-c", script]).arg(data.join("strongroom.sqlite"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Self(child)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// Kills a server that has had the KMIP server keep one object more and can't commit.
fn kill_before_the_commit(kmip: &KmipServer, server: Server, change: impl FnOnce(&Server)) {
    let before = objects(kmip);
    let writing = Writing::begin(server.data_dir());
    change(&server);
    wait_until("the object is there", || objects(kmip) > before);
    server.kill();
    drop(writing);
    assert_eq!(objects(kmip), before + 1);
}

/// Makes all that is in the KMIP server two days older.
fn age(kmip: &KmipServer) {
    let script = "import sqlite3, sys\n\
                  objects = sqlite3.connect(sys.argv[1], timeout=60)\n\
                  objects.execute('update managed_objects set initial_date = initial_date - 172800')\n\
                  objects.commit()";
    let database = kmip.ca().with_file_name("objects.sqlite");
    let ended = run(Command::new("python3").args(["-c", script]).arg(database));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// Has somebody else's program keep a key of its own there, by the same certificate.
fn foreign_key(kmip: &KmipServer) {
    let script = "import sys\n\
                  from kmip.pie.client import ProxyKmipClient\n\
                  from kmip.core import enums\n\
                  host, port = sys.argv[1].split(':')\n\
                  with ProxyKmipClient(hostname=host, port=int(port), ca=sys.argv[2], cert=sys.argv[3],\n\
                      key=sys.argv[4], ssl_version='PROTOCOL_TLSv1_2', config='none',\n\
                      config_file='/dev/null') as client:\n    \
                      client.create(enums.CryptographicAlgorithm.AES, 256, name='strongroom')";
    let files = [kmip.ca(), kmip.certificate(), kmip.key()];
    let ended = run(kmip_python().args(["-c", script, &kmip.endpoint()]).args(files));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

fn sweep(folder: &TempDir, settings: &[(&'static str, String)], more: &[&str]) -> (Ended, Value) {
    let ended = admin(folder.path(), settings, &[&["store", "sweep", "kmip"], more].concat());
    let told = serde_json::from_str(&ended.stdout).unwrap_or_default();
    (ended, told)
}

fn started(folder: &TempDir, settings: &[(&'static str, String)]) -> Server {
    start(folder.path(), settings).unwrap_or_else(|ended| panic!("no start: {ended:?}"))
}

/// For what payloads were forgotten, by the journal.
fn forgotten(server: &Server) -> Vec<Value> {
    let ended =
        |record: &Value| record["action"] == "secret.payload.forget" && record["outcome"] == "success";
    server.records().into_iter().filter(ended).map(|record| record["target"].clone()).collect()
}

#[test]
fn what_a_kill_leaves_behind_is_swept_and_nothing_else() {
    let (kmip, folder, settings, server) = serving("secrets");
    let reference = server.client("demo").create(&secret());
    foreign_key(&kmip);
    // The master key, the secret, and somebody else's.
    assert_eq!(objects(&kmip), 3);

    kill_before_the_commit(&kmip, server, |server| {
        let client = server.client("demo");
        let client = client.header("content-type", "application/json");
        let body = secret().to_string();
        thread::spawn(move || client.try_send("POST", "/v1/secrets", body.as_bytes()));
    });
    let server = started(&folder, &settings);
    let (_, young) = sweep(&folder, &settings, &[]);
    assert_eq!((&young["marked"], &young["young"], &young["orphans"]), (&json!(2), &json!(1), &json!([])));
    age(&kmip);
    let (_, planned) = sweep(&folder, &settings, &["--dry-run"]);
    assert_eq!((&planned["young"], &planned["condemned"]), (&json!(0), &json!(0)), "{planned}");
    let orphan = &planned["orphans"][0];
    assert!(
        planned["orphans"][1].is_null() && orphan["for"].as_str().unwrap().starts_with("secret/"),
        "{planned}"
    );
    assert!(!reference.ends_with(&orphan["for"].as_str().unwrap()["secret/".len()..]), "{planned}");
    assert_eq!(objects(&kmip), 4);
    let (refused, _) = sweep(&folder, &settings, &["--at-most", "0"]);
    assert!(refused.code == Some(3) && refused.stderr.contains("--at-most"), "{refused:?}");

    // A server that runs does it, and has it on record.
    let (ended, swept) = sweep(&folder, &settings, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!((&swept["condemned"], &swept["to_forget"]), (&json!(1), &json!(0)), "{swept}");
    assert_eq!(objects(&kmip), 3);
    wait_until("it is on record", || forgotten(&server) == [orphan["for"].clone()]);
    assert_read(&server.client("demo"), &reference);
    let (_, again) = sweep(&folder, &settings, &[]);
    assert_eq!((&again["marked"], &again["orphans"]), (&json!(1), &json!([])), "{again}");

    // Only what keeps payloads can be swept.
    let soft = admin(folder.path(), &settings, &["store", "sweep", "soft"]);
    assert_eq!(soft.code, Some(3), "{soft:?}");
    assert!(server.stop().success());
    assert_eq!(admin(folder.path(), &settings, &["audit", "verify"]).code, Some(0));
}

#[test]
fn a_key_that_the_kmip_server_made_for_an_order_that_was_cut_off_is_swept() {
    let (kmip, folder, settings, server) = serving("secrets");
    server.client("demo").create(&secret());
    let order = json!({"type": "key", "meta": {"name": "made", "algorithm": "aes", "bit_length": 256,
        "mode": "cbc", "payload_content_type": "application/octet-stream"}});
    kmip.halt();
    let placed = server.client("demo").json("POST", "/v1/orders", &order);
    assert_eq!(placed.status, 202, "{placed:?}");
    let order = path(placed.value()["order_ref"].as_str().unwrap()).to_owned();
    let begun = |record: &Value| record["action"] == "order.complete" && record["phase"] == "intent";
    wait_until("the order is begun", || server.records().iter().any(begun));
    // The worker has the order, and waits for the KMIP server.
    kill_before_the_commit(&kmip, server, |_| kmip.go_on());
    assert_eq!(kmip.log().matches("Created a SymmetricKey").count(), 2);

    // Begun anew, with another key.
    let server = started(&folder, &settings);
    let client = server.client("demo");
    wait_until("the order", || client.get(&order).value()["status"] == "ACTIVE");
    let made = path(client.get(&order).value()["secret_ref"].as_str().unwrap()).to_owned();
    assert_eq!(kmip.log().matches("Created a SymmetricKey").count(), 3);
    let key = client.payload(&made, "application/octet-stream");
    assert_eq!((key.status, key.body.len()), (200, 32));
    assert!(server.stop().success());
    assert_eq!(objects(&kmip), 4);

    // Without a server the command does it.
    age(&kmip);
    let (ended, swept) = sweep(&folder, &settings, &["--older-than", "1"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        (&swept["marked"], &swept["condemned"], &swept["to_forget"]),
        (&json!(3), &json!(1), &json!(0))
    );
    assert_eq!(objects(&kmip), 3);
    let server = started(&folder, &settings);
    let again = server.client("demo").payload(&made, "application/octet-stream");
    assert_eq!((again.status, again.body), (200, key.body));
    assert_eq!(forgotten(&server), [swept["orphans"][0]["for"].clone()]);
}
