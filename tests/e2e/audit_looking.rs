//! What an operator asks of the journal: who did what, who was refused, who read a secret.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};
use strongroom_tests::{Server, admin, program};

struct Scene {
    server: Server,
    secret: String,
}

/// Ann stores a secret and reads it twice, Bob may not read it, and Eve calls herself a formula.
fn scene() -> Scene {
    let server = Server::start();
    let [ann, bob, eve] = ["ann", "bob", "=1+1"].map(|user| server.client("demo").header("X-User-Id", user));
    let reference =
        ann.create(&json!({"name": "n", "payload": "s3cret", "payload_content_type": "text/plain"}));
    for _ in 0..2 {
        assert_eq!(ann.payload(&reference, "text/plain").text(), "s3cret");
    }
    let outsider = bob.header("X-Project-Id", "elsewhere").header("X-Roles", "member");
    for _ in 0..3 {
        assert_eq!(outsider.payload(&reference, "text/plain").status, 403);
    }
    assert_eq!(eve.get("/v1/secrets").status, 200);
    let secret = reference.rsplit('/').next().unwrap().to_owned();
    Scene { server, secret }
}

impl Scene {
    fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.server.admin(&[&["audit"], arguments].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    fn plain(&self, output: &str, arguments: &[&str]) -> String {
        let data = self.server.data_dir().to_str().unwrap();
        let ended = admin(&[&["--data-dir", data, "--output", output, "audit"], arguments].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout
    }
}

#[test]
fn records_are_found_by_what_they_say() {
    let scene = scene();
    let count = |arguments: &[&str]| scene.json(&[&["search"], arguments].concat()).as_array().unwrap().len();
    assert_eq!(count(&["--user", "bob"]), 3);
    assert_eq!(count(&["--project", "elsewhere"]), 3);
    assert_eq!(count(&["--secret", &scene.secret]), 6);
    assert_eq!(count(&["--secret", &scene.secret.to_uppercase(), "--action", "secret.create"]), 1);
    assert_eq!(count(&["--outcome", "refused"]), 3);
    assert_eq!(count(&["--outcome", "refused", "--user", "ann"]), 0);
    assert_eq!(count(&["--until", "2020-01-01"]), 0);
    assert_eq!(count(&["--since", "2020-01-01", "--user", "bob"]), 3);
    assert_eq!(count(&["--since", "2999"]), 0);

    let newest = scene.json(&["tail", "-n", "2"]);
    assert_eq!(newest.as_array().unwrap().len(), 2);
    assert_eq!(newest[1]["action"], "secret.list");
    let table = scene.plain("table", &["search", "--user", "bob"]);
    assert!(table.starts_with("TIME"), "{table}");
    assert_eq!(table.matches("forbidden secret:decrypt").count(), 3, "{table}");
    let sheet = scene.plain("csv", &["search", "--action", "secret.list"]);
    assert!(sheet.starts_with("TIME,OUTCOME,ACTION,") && sheet.contains(",'=1+1,demo,127.0.0.1,"), "{sheet}");
}

#[test]
fn a_report_counts_and_names_who_was_denied() {
    let scene = scene();
    let report = scene.json(&["report", "--since", "2020-01-01"]);
    let reads = json!({"action": "secret.payload.read", "outcome": "success", "count": 2});
    let denied = json!({"user": "bob", "project": "elsewhere", "address": "127.0.0.1", "count": 3});
    assert!(report["actions"].as_array().unwrap().contains(&reads), "{report}");
    assert_eq!(report["denied"], json!([denied]));
    assert!(scene.plain("table", &["report"]).contains("denied caller"));
}

#[test]
fn a_secret_has_known_readers() {
    let scene = scene();
    let readers = scene.json(&["who-read", &scene.secret]);
    assert_eq!(readers.as_array().unwrap().len(), 1, "{readers}");
    assert_eq!((&readers[0]["user"], &readers[0]["reads"]), (&json!("ann"), &json!(2)));
    assert!(readers[0]["first"].as_str() < readers[0]["last"].as_str());
    assert_eq!(scene.json(&["who-read", &scene.secret, "--since", "2999"]), json!([]));
}

#[test]
fn records_are_shown_as_they_are_made_until_nobody_reads() {
    let server = Server::start();
    let bob = server.client("elsewhere").header("X-User-Id", "bob");
    assert_eq!(bob.get("/v1/secrets").status, 200);
    let mut command = program("strongroom-admin");
    command.arg("--data-dir").arg(server.data_dir());
    command.args(["--output", "json", "audit", "tail", "--follow", "--user", "bob"]);
    let mut following = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["action"], "secret.list");
    for (path, action) in [("/v1/containers", "container.list"), ("/v1/orders", "order.list")] {
        server.client("demo").header("X-User-Id", "ann").get("/v1/secrets");
        assert_eq!(bob.get(path).status, 200);
        let record = next();
        assert_eq!((&record["action"], &record["caller"]["user"]), (&json!(action), &json!("bob")));
    }
    drop(lines);
    // The next record finds nobody who reads it.
    assert_eq!(bob.get("/v1/quotas").status, 200);
    assert_eq!(following.wait().unwrap().code(), Some(0));
}
