//! Nothing is done and nothing leaves while it can't be put on record or be stored; and all goes on without a
//! restart once it can.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_tests::{Client, Reply, Server, SmallDisk, records};

const PAYLOAD: &str = "never-without-a-record";

fn secret() -> Value {
    json!({"name": "kept", "payload": PAYLOAD, "payload_content_type": "text/plain"})
}

fn start(data: &Path, settings: &[(&str, &Path)]) -> Server {
    let mut command = Server::command(data);
    command.envs(settings.iter().copied());
    Server::try_start(command, data).unwrap_or_else(|ended| panic!("{ended:?}"))
}

fn assert_outage(reply: &Reply) {
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    let body = reply.value();
    assert_eq!((&body["code"], &body["title"]), (&json!(503), &json!("Service Unavailable")));
    assert!(body["description"].as_str().unwrap().contains("Try again later"), "{body}");
    assert!(!reply.text().contains(PAYLOAD));
}

/// Every kind of request is refused.
fn assert_everything_out(client: &Client, reference: &str) {
    for reply in [
        client.payload(reference, "text/plain"),
        client.get(reference),
        client.get("/v1/secrets"),
        client.get(&format!("{reference}/metadata")),
        client.json("POST", "/v1/secrets", &json!({"name": "refused"})),
        client.json("PUT", &format!("{reference}/metadata"), &json!({"metadata": {"refused": "1"}})),
        client.delete(reference),
        client.get("/v1/secrets/no-id"),
        client.get("/v1/nothing"),
    ] {
        assert_outage(&reply);
    }
    assert_eq!(client.get("/healthcheck").status, 503);
}

/// Waits until a request succeeds, which it must soon.
fn wait_until_served(client: &Client) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while client.get("/v1/secrets").status != 200 {
        assert!(Instant::now() < deadline, "no recovery");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(client.get("/healthcheck").status, 200);
}

fn assert_as_before(client: &Client, reference: &str) {
    assert_eq!(client.payload(reference, "text/plain").text(), PAYLOAD);
    assert_eq!(client.total(), 1);
    assert_eq!(client.get(&format!("{reference}/metadata")).value(), json!({"metadata": {}}));
}

/// Requests are sent until the room that the journal has set aside for itself is used up.
pub(crate) fn use_up_the_journals_room(client: &Client) {
    for _ in 0..20_000 {
        if client.get("/v1/secrets").status == 503 {
            return;
        }
    }
    panic!("the journal never ran out of room");
}

/// No change that was refused is told of as begun.
fn assert_each_change_is_told_of_twice(journal: &Path) {
    let records = records(journal);
    let phase = |phase: &'static str| {
        let of_changes = records.iter().filter(|record| record["change"].is_string());
        let mut ids: Vec<_> = of_changes
            .filter(|record| record["phase"] == phase)
            .map(|record| record["change"].to_string())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(phase("intent"), phase("outcome"));
}

#[test]
fn a_full_journal_disk() {
    let disk = SmallDisk::new(1024);
    let folder = tempfile::tempdir().unwrap();
    let journal = disk.path().join("journal");
    let server = start(&folder.path().join("data"), &[("STRONGROOM_AUDIT__FOLDER", &journal)]);
    let client = server.client("demo");
    let reference = client.create(&secret());
    for _ in 0..2 {
        disk.fill();
        use_up_the_journals_room(&client);
        assert_everything_out(&client, &reference);
        disk.relieve();
        wait_until_served(&client);
        assert_as_before(&client, &reference);
    }
    client.delete(&reference);
    assert_eq!(client.total(), 0);
    assert!(server.stop().success());
    assert_each_change_is_told_of_twice(&journal);
    let report = strongroom_tests::admin(&["--data-dir", disk.path().to_str().unwrap(), "audit", "verify"]);
    assert_eq!(report.code, Some(0), "{report:?}");
}

#[test]
fn a_full_database_disk() {
    let disk = SmallDisk::new(1024);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let database = disk.path().join("strongroom.sqlite");
    let settings = [("STRONGROOM_STORAGE__FILE", database.as_path())];
    let server = start(&data, &settings);
    let client = server.client("demo");
    let mut kept = vec![client.create(&secret())];
    for _ in 0..2 {
        disk.fill();
        // What was set aside for the log of changes may still take some.
        let refused = loop {
            let reply = client.json("POST", "/v1/secrets", &secret());
            if reply.status != 201 {
                break reply;
            }
            kept.push(reply.value()["secret_ref"].as_str().unwrap().to_owned());
        };
        assert_outage(&refused);
        assert_outage(&client.delete(&kept[0]));
        assert_outage(&client.json(
            "PUT",
            &format!("{}/metadata", kept[0]),
            &json!({"metadata": {"a": "b"}}),
        ));
        // What only reads goes on.
        assert_eq!(client.payload(&kept[0], "text/plain").text(), PAYLOAD);
        assert_eq!(client.total(), u64::try_from(kept.len()).unwrap());
        disk.relieve();
        kept.push(client.create(&secret()));
    }
    server.kill();
    let server = start(&data, &settings);
    let client = server.client("demo");
    assert_eq!(client.total(), u64::try_from(kept.len()).unwrap());
    for reference in &kept {
        let path = &reference[reference.find("/v1/").unwrap()..];
        assert_eq!(client.payload(path, "text/plain").text(), PAYLOAD);
    }
    assert!(server.stop().success());
    assert_each_change_is_told_of_twice(&data.join("journal"));
}

#[test]
fn a_full_disk_under_everything() {
    let disk = SmallDisk::new(2048);
    let data = disk.path().join("data");
    let server = start(&data, &[]);
    let client = server.client("demo");
    let reference = client.create(&secret());
    disk.fill();
    use_up_the_journals_room(&client);
    assert_everything_out(&client, &reference);
    disk.relieve();
    wait_until_served(&client);
    assert_as_before(&client, &reference);
    assert_eq!(server.admin(&["audit", "verify"]).code, Some(0));
    server.kill();
    let server = start(&data, &[]);
    assert_as_before(&server.client("demo"), &reference[reference.find("/v1/").unwrap()..]);
}

/// The journal goes on in a fresh file, and tells, in it and to whoever verifies, what was done to the old one.
#[test]
fn a_live_journal_file_that_somebody_removes_or_replaces() {
    let remove: &dyn Fn(&Path) = &|file| fs::remove_file(file).unwrap();
    let replace: &dyn Fn(&Path) = &|file| {
        let copy = file.with_extension("copy");
        fs::copy(file, &copy).unwrap();
        fs::rename(&copy, file).unwrap();
    };
    for (deed, told) in [(remove, "it was removed"), (replace, "another file has taken its place")] {
        let server = Server::start();
        let client = server.client("demo");
        let reference = client.create(&secret());
        deed(&server.data_dir().join("journal/0000000001.jsonl"));
        wait_until_served(&client);
        assert_as_before(&client, &reference);
        let next = fs::read_to_string(server.data_dir().join("journal/0000000002.jsonl")).unwrap();
        assert!(next.lines().next().unwrap().contains(told), "{next}");
        let verified = server.admin(&["audit", "verify"]);
        assert_eq!(verified.code, Some(1), "{verified:?}");
        assert!(verified.stdout.contains(told), "{verified:?}");
    }
}

#[test]
fn a_journal_folder_that_somebody_puts_another_in_place_of() {
    let server = Server::start();
    let client = server.client("demo");
    let reference = client.create(&secret());
    let (journal, away) = (server.data_dir().join("journal"), server.data_dir().join("away"));
    fs::rename(&journal, &away).unwrap();
    fs::create_dir(&journal).unwrap();
    fs::set_permissions(&journal, Permissions::from_mode(0o700)).unwrap();
    assert_everything_out(&client, &reference);
    assert_eq!(fs::read_dir(&journal).unwrap().count(), 0);
    fs::remove_dir(&journal).unwrap();
    fs::rename(&away, &journal).unwrap();
    wait_until_served(&client);
    assert_as_before(&client, &reference);
}
