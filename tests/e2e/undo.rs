//! Deleting with an undo window, as clients and operators see it.

use std::path::Path;

use serde_json::{Value, json};
use strongroom_tests::{Client, Ended, Server, eventually};

const WINDOW: (&str, &str) = ("DELETION__UNDO_DAYS", "30");

fn text(name: &str, payload: &str) -> Value {
    json!({"name": name, "payload": payload, "payload_content_type": "text/plain"})
}

pub(crate) fn id(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap()
}

fn told(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn deleted(server: &Server, more: &[&str]) -> Vec<Value> {
    let listed = told(&admin(server.data_dir(), &[], &[&["deleted", "list"], more].concat()));
    listed["deleted"].as_array().unwrap().clone()
}

/// A secret that is reached by its path, whatever port the server has.
pub(crate) fn create(client: &Client, secret: &Value) -> String {
    format!("/v1/secrets/{}", id(&client.create(secret)))
}

/// The settings of a server, with an undo window unless told otherwise.
pub(crate) fn start(data: &Path, settings: &[(&str, &str)]) -> Server {
    let mut command = Server::command(data);
    command.envs([WINDOW].iter().chain(settings).map(|(name, value)| (format!("STRONGROOM_{name}"), *value)));
    Server::try_start(command, data).unwrap_or_else(|ended| panic!("no start: {ended:?}"))
}

/// The tool, with the settings of such a server.
pub(crate) fn admin(data: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let mut command = strongroom_tests::program("strongroom-admin");
    command.envs([WINDOW].iter().chain(settings).map(|(name, value)| (format!("STRONGROOM_{name}"), *value)));
    command.args(["--output", "json", "--data-dir"]).arg(data).args(arguments);
    strongroom_tests::run(&mut command)
}

fn assert_unseen(client: &Client, reference: &str) {
    client.get(reference).error(404);
    client.payload(reference, "text/plain").error(404);
    client.get(&format!("{reference}/acl")).error(404);
    client.get(&format!("{reference}/metadata")).error(404);
    client.get(&format!("{reference}/consumers")).error(404);
    client.delete(reference).error(404);
    client.json("PUT", &format!("{reference}/metadata"), &json!({"metadata": {"a": "b"}})).error(404);
}

#[test]
fn what_is_deleted_is_gone_for_clients_and_restored_by_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data, &[]);
    let client = server.client("demo");
    let reference = create(&client, &text("kept by mistake", "s3cret"));
    let other = create(&client, &text("other", "0ther"));
    let acl = json!({"read": {"users": ["u1"], "project-access": false}});
    assert_eq!(client.json("PUT", &format!("{reference}/acl"), &acl).status, 200);
    let metadata = json!({"metadata": {"colour": "blue"}});
    assert_eq!(client.json("PUT", &format!("{reference}/metadata"), &metadata).status, 201);
    let absolute = |path: &str| format!("{}{path}", server.endpoint());
    let container = json!({"name": "c", "type": "generic", "secret_refs": [
        {"name": "one", "secret_ref": absolute(&reference)},
        {"name": "two", "secret_ref": absolute(&other)}]});
    let made = client.json("POST", "/v1/containers", &container).value();
    let container = made["container_ref"].as_str().unwrap();
    let uses = json!({"service": "nova", "resource_type": "server", "resource_id": "1"});
    let consumed = client.json("POST", &format!("{reference}/consumers"), &uses);
    assert_eq!(consumed.status, 200, "{}", consumed.text());
    let before = client.get(&reference).value();

    let whoever = client.header("X-User-Id", "ann").header("OpenStack-API-Version", "key-manager 1.2");
    let forced = |force: bool| whoever.delete(&format!("{reference}?force={force}")).status;
    assert_eq!((forced(false), forced(true)), (400, 204));
    assert_unseen(&client, &reference);
    assert_eq!(client.total(), 1);
    let members = || client.get(container).value()["secret_refs"].as_array().unwrap().len();
    assert_eq!(members(), 1);

    let listed = deleted(&server, &["--project", "demo"]);
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["secret"], &listed[0]["by"]), (&json!(id(&reference)), &json!("ann")));
    assert_eq!(listed[0]["name"], "kept by mistake");
    assert!(deleted(&server, &["--project", "another"]).is_empty());

    let restored =
        admin(&data, &[], &["deleted", "restore", &reference, "--operator", "olga of the night shift"]);
    assert_eq!(told(&restored), json!({"restored": id(&reference)}));
    let after = client.get(&reference).value();
    assert_eq!(after, before);
    assert_eq!(client.payload(&reference, "text/plain").text(), "s3cret");
    assert_eq!(client.get(&format!("{reference}/metadata")).value(), metadata);
    assert_eq!(client.get(&format!("{reference}/acl")).value()["read"]["project-access"], false);
    assert_eq!((members(), client.total()), (2, 2));
    assert!(deleted(&server, &[]).is_empty());
    let records = server.records();
    let on_record = records.iter().filter(|record| record["action"] == "secret.restore").collect::<Vec<_>>();
    assert_eq!(on_record.len(), 2);
    for record in on_record {
        assert_eq!(record["caller"]["user"], "olga of the night shift", "{record}");
        assert_eq!(record["caller"]["source"], "operator");
    }

    // Destroyed for good, and no sooner asked for than refused.
    for act in ["restore", "purge"] {
        let refused = admin(&data, &[], &["deleted", act, &reference]);
        assert_eq!(refused.code, Some(3), "{refused:?}");
        assert!(refused.stderr.contains("no deleted secret"), "{refused:?}");
    }
    assert_eq!(client.delete(&other).status, 204);
    assert_eq!(told(&admin(&data, &[], &["deleted", "purge", &other])), json!({"destroyed": id(&other)}));
    assert_eq!(admin(&data, &[], &["deleted", "restore", &other]).code, Some(3));
    assert!(server.stop().success());
    assert_eq!(admin(&data, &[], &["audit", "verify"]).code, Some(0));
}

#[test]
fn without_a_server_the_tool_does_it_and_a_window_that_is_shut_is_shut_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data, &[]);
    let client = server.client("demo");
    let references: Vec<_> = (0..3).map(|number| create(&client, &text("n", &number.to_string()))).collect();
    for reference in &references {
        assert_eq!(client.delete(reference).status, 204);
    }
    server.kill();
    let restored = admin(&data, &[], &["deleted", "restore", &references[0], "--operator", "olga"]);
    assert_eq!(told(&restored), json!({"restored": id(&references[0])}));
    let purged = admin(&data, &[], &["deleted", "purge", &references[1], "--operator", "olga"]);
    assert_eq!(told(&purged), json!({"destroyed": id(&references[1])}));

    // Set to none, it is over for what was deleted under the longer one.
    let shut = ("DELETION__UNDO_DAYS", "0");
    let server = start(&data, &[shut]);
    eventually(|| {
        let destroyed = |record: &Value| {
            record["action"] == "secret.destroy"
                && record.get("caller").is_none()
                && record["phase"] == "outcome"
        };
        server.records().iter().any(destroyed)
    });
    assert_eq!(admin(&data, &[shut], &["deleted", "restore", &references[2]]).code, Some(3));
    let client = server.client("demo");
    assert_eq!(client.payload(&references[0], "text/plain").text(), "0");
    assert_eq!(client.delete(&references[0]).status, 204);
    assert!(deleted(&server, &[]).is_empty(), "without a window, at once and for good");
    assert!(server.stop().success());
    assert_eq!(admin(&data, &[], &["audit", "verify"]).code, Some(0));
}

/// Killed at any time between asking and answering, a restore is done whole or not at all, and once.
#[test]
fn a_restore_outlives_the_death_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = start(&data, &[]);
    let client = server.client("demo");
    let references: Vec<_> =
        (0..6).map(|number| create(&client, &text("n", &format!("payload {number}")))).collect();
    for (round, reference) in (0..).zip(&references) {
        assert_eq!(server.client("demo").delete(reference).status, 204);
        let mut asking = strongroom_tests::program("strongroom-admin");
        asking.env("STRONGROOM_DELETION__UNDO_DAYS", "30").arg("--data-dir").arg(&data);
        asking.args(["deleted", "restore", reference, "--operator", "olga"]);
        let mut asking = asking.spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(150 * round));
        server.kill();
        // The tool does it itself when it meets no server; then a new one has to wait for it.
        server = loop {
            let mut command = Server::command(&data);
            command.env("STRONGROOM_DELETION__UNDO_DAYS", "30");
            match Server::try_start(command, &data) {
                Ok(server) => break server,
                Err(ended) => assert!(ended.stderr.contains("another"), "{ended:?}"),
            }
        };
        assert!(asking.wait().unwrap().success(), "round {round}");
        let client = server.client("demo");
        assert_eq!(client.payload(reference, "text/plain").text(), format!("payload {round}"));
        assert_eq!(client.total(), 6);
    }
    assert!(server.stop().success());
    assert_eq!(admin(&data, &[], &["audit", "verify"]).code, Some(0));
}

#[test]
fn a_restore_finds_its_place_in_the_quota() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data, &[("QUOTAS__SECRETS", "1")]);
    let client = server.client("demo");
    let first = create(&client, &text("first", "1"));
    assert_eq!(client.delete(&first).status, 204);
    let second = create(&client, &text("second", "2"));
    let refused = admin(&data, &[], &["deleted", "restore", &first]);
    assert!(refused.code == Some(3) && refused.stderr.contains("quota"), "{refused:?}");
    assert_unseen(&client, &first);
    assert_eq!(client.delete(&second).status, 204);
    assert_eq!(admin(&data, &[], &["deleted", "restore", &first]).code, Some(0));
    assert_eq!(client.json("POST", "/v1/secrets", &text("third", "3")).status, 403);
    assert_eq!(client.payload(&first, "text/plain").text(), "1");
}
