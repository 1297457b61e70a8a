//! A KMIP server that holds the master key, or the secrets themselves: the real service with a real server.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_tests::{Client, Ended, KmipServer, Server, Validity, program, run};
use tempfile::TempDir;

const PAYLOAD: &str = "kept by somebody else";

/// What a service with that KMIP server has in its environment.
pub(crate) fn settings(kmip: &KmipServer, custody: &str) -> Vec<(&'static str, String)> {
    let path = |path: std::path::PathBuf| path.display().to_string();
    vec![
        ("STRONGROOM_STORES__ENABLED", "[\"kmip\"]".to_owned()),
        ("STRONGROOM_KMIP__ENDPOINTS", format!("[\"{}\"]", kmip.endpoint())),
        ("STRONGROOM_KMIP__CA_FILE", path(kmip.ca())),
        ("STRONGROOM_KMIP__CERTIFICATE_FILE", path(kmip.certificate())),
        ("STRONGROOM_KMIP__KEY_FILE", path(kmip.key())),
        ("STRONGROOM_KMIP__CUSTODY", custody.to_owned()),
        ("STRONGROOM_KMIP__ANSWER_TIMEOUT_MS", "20000".to_owned()),
        ("STRONGROOM_KMIP__CONNECT_TIMEOUT_MS", "10000".to_owned()),
    ]
}

pub(crate) fn admin(data: &Path, settings: &[(&str, String)], arguments: &[&str]) -> Ended {
    let mut command = program("strongroom-admin");
    command.envs(settings.iter().cloned()).arg("--data-dir").arg(data).args(["--output", "json"]);
    run(command.args(arguments))
}

pub(crate) fn start(data: &Path, settings: &[(&str, String)]) -> Result<Server, Ended> {
    let mut command = Server::command(data);
    command.envs(settings.iter().cloned());
    Server::try_start(command, data)
}

/// A KMIP server with a master key, and a service that uses it.
pub(crate) fn serving(custody: &str) -> (KmipServer, TempDir, Vec<(&'static str, String)>, Server) {
    let kmip = KmipServer::start();
    let folder = private_folder();
    let settings = settings(&kmip, custody);
    let made = admin(folder.path(), &settings, &["kmip", "create-master-key"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let server = start(folder.path(), &settings).unwrap_or_else(|ended| panic!("no start: {ended:?}"));
    (kmip, folder, settings, server)
}

/// A data folder as the service wants it.
pub(crate) fn private_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    folder
}

pub(crate) fn secret() -> Value {
    json!({"name": "elsewhere", "payload": PAYLOAD, "payload_content_type": "text/plain"})
}

pub(crate) fn path(reference: &str) -> &str {
    &reference[reference.find("/v1/").unwrap()..]
}

pub(crate) fn assert_read(client: &Client, reference: &str) {
    let reply = client.payload(path(reference), "text/plain");
    assert_eq!((reply.status, reply.text()), (200, PAYLOAD.to_owned()));
}

/// Waits until a request succeeds, which it must soon.
pub(crate) fn wait_until(what: &str, mut succeeds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !succeeds() {
        assert!(Instant::now() < deadline, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The objects of a KMIP server, by its own database: how many there are of each type.
pub(crate) fn objects(kmip: &KmipServer) -> u64 {
    let database = kmip.ca().with_file_name("objects.sqlite");
    let script = "import sqlite3, sys\n\
                  print(sqlite3.connect(sys.argv[1]).execute('select count(*) from managed_objects').fetchone()[0])";
    let told = run(Command::new("python3").args(["-c", script]).arg(database));
    told.stdout.trim().parse().unwrap_or_else(|_| panic!("{told:?}"))
}

#[test]
fn the_server_keeps_the_secrets() {
    let (mut kmip, folder, settings, server) = serving("secrets");
    let client = server.client("demo");
    let reference = client.create(&secret());
    assert_read(&client, &reference);
    // The master key and the secret.
    assert_eq!(objects(&kmip), 2);
    let second = client.create(&secret());

    kmip.kill();
    let refused = client.payload(path(&reference), "text/plain");
    assert_eq!(refused.status, 503);
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert_eq!(client.json("POST", "/v1/secrets", &secret()).status, 503);
    assert_eq!(client.get("/healthcheck").status, 503);
    // What needs no payload goes on.
    assert_eq!(client.total(), 2);
    kmip.run();
    wait_until("recovery", || client.payload(path(&reference), "text/plain").status == 200);
    assert_read(&client, &reference);

    assert_eq!(client.delete(path(&second)).status, 204);
    wait_until("the second is forgotten", || objects(&kmip) == 2);

    server.kill();
    let server = start(folder.path(), &settings).unwrap_or_else(|ended| panic!("no start: {ended:?}"));
    assert_read(&server.client("demo"), &reference);
    assert_eq!(server.client("demo").delete(path(&reference)).status, 204);
    wait_until("the first is forgotten", || objects(&kmip) == 1);
    assert!(server.stop().success());
    let verified = admin(folder.path(), &settings, &["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn the_server_keeps_the_master_key() {
    let (mut kmip, folder, settings, server) = serving("master-key");
    let client = server.client("demo");
    let reference = client.create(&secret());
    assert_eq!(objects(&kmip), 1);
    assert!(!folder.path().join("master.key").exists(), "a soft master key was made unasked");

    // The project's key is held: reading and storing go on while the server is away.
    kmip.kill();
    assert_read(&client, &reference);
    client.create(&secret());
    // Another project's is not.
    let stranger = server.client("other");
    assert_eq!(stranger.json("POST", "/v1/secrets", &secret()).status, 503);
    kmip.run();
    wait_until("recovery", || stranger.json("POST", "/v1/secrets", &secret()).status == 201);

    // Keys that orders make are kept like any other secret.
    let order = json!({"type": "key", "meta": {"name": "made", "algorithm": "aes", "bit_length": 256,
        "mode": "cbc", "payload_content_type": "application/octet-stream"}});
    let placed = client.json("POST", "/v1/orders", &order);
    assert_eq!(placed.status, 202, "{placed:?}");
    let order = placed.value()["order_ref"].as_str().unwrap().to_owned();
    wait_until("the order", || client.get(path(&order)).value()["status"] == "ACTIVE");

    server.kill();
    kmip.kill();
    // Nothing is served under a master key that was not proved.
    let ended = start(folder.path(), &settings).err().expect("no start without the KMIP server");
    assert!(ended.stderr.contains(&kmip.endpoint()), "{ended:?}");
    kmip.run();
    let server = start(folder.path(), &settings).unwrap_or_else(|ended| panic!("no start: {ended:?}"));
    assert_read(&server.client("demo"), &reference);
}

#[test]
fn the_master_key_is_rotated_in_the_server() {
    let (_kmip, folder, settings, server) = serving("master-key");
    let client = server.client("demo");
    let reference = client.create(&secret());
    let command = |arguments: &[&str]| admin(folder.path(), &settings, arguments);
    let read = |ended: &Ended| serde_json::from_str::<Value>(&ended.stdout).unwrap();

    let refused = command(&["master-key", "rotate"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("kmip create-master-key --next-version"), "{refused:?}");
    let absent = command(&["master-key", "rotate", "--store", "soft"]);
    assert!(absent.code == Some(3) && absent.stderr.contains("stores.enabled"), "{absent:?}");

    assert_eq!(command(&["kmip", "create-master-key", "--next-version"]).code, Some(0));
    let plan = read(&command(&["master-key", "rotate", "--dry-run"]));
    assert_eq!((&plan["active"], &plan["highest_at_hand"]), (&json!(1), &json!(2)), "{plan}");
    let rotated = command(&["master-key", "rotate", "--store", "kmip"]);
    assert_eq!(rotated.code, Some(0), "{rotated:?}");
    let report = read(&rotated);
    assert_eq!((&report["stage"], &report["changed"]), (&json!("done"), &json!(1)), "{report}");
    assert_read(&client, &reference);
    let resealed = command(&["project-key", "rotate", "--all"]);
    assert_eq!(read(&resealed)["stage"], "done", "{resealed:?}");
    assert_read(&client, &reference);
    assert_eq!(read(&command(&["rotation", "status", "--store", "kmip"]))["stage"], "done");
    assert!(server.stop().success());

    // Without a server the command does the work, and nothing needs the first version any more.
    assert_eq!(command(&["kmip", "create-master-key", "--next-version"]).code, Some(0));
    let rotated = command(&["master-key", "rotate"]);
    assert_eq!((rotated.code, &read(&rotated)["changed"]), (Some(0), &json!(1)), "{rotated:?}");
    let server = start(folder.path(), &settings).unwrap_or_else(|ended| panic!("no start: {ended:?}"));
    assert_read(&server.client("demo"), &reference);
    let doctor = read(&command(&["doctor"]));
    let finding = |id: &str| {
        let mut findings = doctor["findings"].as_array().unwrap().iter();
        findings.find(|found| found["id"] == id).unwrap()["verdict"].clone()
    };
    assert_eq!((finding("ROT-01"), finding("ROT-02")), (json!("pass"), json!("pass")), "{doctor}");
}

#[test]
fn an_operator_makes_and_checks_the_master_key() {
    let kmip = KmipServer::start();
    let folder = private_folder();
    let settings = settings(&kmip, "secrets");
    let kmip_command = |arguments: &[&str]| admin(folder.path(), &settings, &[&["kmip"], arguments].concat());
    let read = |ended: &Ended| serde_json::from_str::<Value>(&ended.stdout).unwrap();

    let unsound = kmip_command(&["check"]);
    assert_eq!((unsound.code, &read(&unsound)["master_keys"]), (Some(1), &json!([])));
    let ended = start(folder.path(), &settings).err().expect("no start without a master key");
    assert!(ended.stderr.contains("kmip create-master-key"), "{ended:?}");
    assert_eq!(objects(&kmip), 0);

    assert_eq!(kmip_command(&["create-master-key"]).code, Some(0));
    let again = kmip_command(&["create-master-key"]);
    assert_eq!(again.code, Some(3));
    assert!(again.stderr.contains("--next-version"), "{again:?}");
    assert_eq!(read(&kmip_command(&["create-master-key", "--next-version"]))["version"], 2);

    let sound = kmip_command(&["check"]);
    assert_eq!(sound.code, Some(0), "{sound:?}");
    let told = read(&sound);
    assert_eq!((&told["sound"], &told["lacking"]), (&json!(true), &json!([])));
    assert!(told["versions"].as_array().unwrap().contains(&json!("1.4")), "{told}");
    assert!(told["own_certificate_days"].as_i64().unwrap() > 365, "{told}");
    assert_eq!(told["master_keys"].as_array().unwrap().len(), 2);

    kmip.renew_client(Validity::Expired);
    let expired = kmip_command(&["check"]);
    assert_eq!(expired.code, Some(3));
    assert!(expired.stderr.contains("has expired"), "{expired:?}");
}
