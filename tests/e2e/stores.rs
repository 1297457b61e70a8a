//! Secret stores: one, for which the API's part about several is off, and several.

use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_tests::{Client, Ended, KmipServer, Server, program};
use tempfile::TempDir;

use crate::kmip::{admin, objects, path, private_folder, settings, start, wait_until};
use crate::rotation::{check, store, told, under_load};

type Settings = Vec<(&'static str, String)>;

/// A service with a soft store, which is the default, and a KMIP server that keeps secrets itself.
fn both() -> (KmipServer, TempDir, Settings, Server) {
    let kmip = KmipServer::start();
    let folder = private_folder();
    let mut settings = settings(&kmip, "secrets");
    settings.retain(|(name, _)| *name != ENABLED);
    settings.push((ENABLED, "[\"soft\", \"kmip\"]".to_owned()));
    settings.push(("STRONGROOM_ROTATION__SHARE_PERCENT", "100".to_owned()));
    let made = admin(folder.path(), &settings, &["kmip", "create-master-key"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let server = start(folder.path(), &settings).unwrap_or_else(|ended| panic!("no start: {ended:?}"));
    (kmip, folder, settings, server)
}

const ENABLED: &str = "STRONGROOM_STORES__ENABLED";

fn with_stores(settings: &Settings, enabled: &str) -> Settings {
    let mut changed = settings.clone();
    changed.push((ENABLED, enabled.to_owned()));
    changed
}

fn create(client: &Client, payload: &str) -> String {
    let secret = json!({"name": "n", "payload": payload, "payload_content_type": "text/plain"});
    path(&client.create(&secret)).to_owned()
}

fn assert_read(client: &Client, reference: &str, payload: &str) {
    let read = client.payload(reference, "text/plain");
    assert_eq!((read.status, read.text()), (200, payload.to_owned()));
}

/// How many times an act of the service's own has ended well.
fn ended_well(server: &Server, action: &str) -> usize {
    let well = |record: &Value| record["action"] == action && record["outcome"] == "success";
    server.records().iter().filter(|record| well(record)).count()
}

// F-233.
#[test]
fn there_are_no_several_stores() {
    let server = Server::start();
    let client = server.client("demo");
    let nobody = client.header("X-Roles", "none");
    for path in ["/v1/secret-stores", "/v1/secret-stores/global-default", "/v1/secret-stores/preferred/"] {
        assert_eq!(client.get(path).error(404), "There is no such secret store.", "{path}");
        nobody.get(path).error(403);
        for method in ["POST", "PUT", "DELETE", "HEAD"] {
            let reply = client.send(method, path, b"");
            assert_eq!((reply.status, reply.header("allow")), (405, Some("GET")), "{method} {path}");
        }
    }
    for path in ["/v1/secret-stores/x", "/v1/secret-stores/x/preferred", "/v1/secret-stores/x/y/z"] {
        for method in ["GET", "POST", "DELETE", "PUT"] {
            for client in [&client, &nobody] {
                let told = client.send(method, path, b"").error(404);
                assert_eq!(told, "There is no such secret store.", "{method} {path}");
            }
        }
    }
}

// 16: certificate authorities are gone.
#[test]
fn there_are_no_certificate_authorities() {
    let server = Server::start();
    let client = server.client("demo");
    for path in ["/v1/cas", "/v1/cas/x", "/v1/cas/global-preferred"] {
        assert_eq!(client.get(path).error(404), "", "{path}");
    }
}

// F-234, F-235, F-236.
#[test]
fn clients_see_the_stores_and_choose_one() {
    let (kmip, _folder, _settings, server) = both();
    let client = server.client("demo");
    let shown = client.get("/v1/secret-stores").value()["secret_stores"].as_array().unwrap().clone();
    let plugins: Vec<_> = shown
        .iter()
        .map(|store| (&store["secret_store_plugin"], &store["crypto_plugin"], &store["global_default"]))
        .collect();
    assert_eq!(plugins[1], (&json!("kmip_plugin"), &Value::Null, &json!(false)));
    assert_eq!((plugins[0].0, plugins[0].2), (&json!("store_crypto"), &json!(true)));
    assert_eq!(shown.len(), 2);
    let paths: Vec<_> =
        shown.iter().map(|store| path(store["secret_store_ref"].as_str().unwrap()).to_owned()).collect();
    for (at, store) in paths.iter().zip(&shown) {
        assert_eq!(client.get(at).value(), *store);
        assert_eq!(store["status"], "ACTIVE");
    }
    assert_eq!(client.get("/v1/secret-stores/global-default").value(), shown[0]);
    let preferred = "/v1/secret-stores/preferred";
    client.get(preferred).error(404);
    client.get("/v1/secret-stores/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f").error(404);
    client.send("POST", "/v1/secret-stores/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f/preferred", b"").error(404);

    // Whoever reads secrets sees the stores; only who administers the project chooses.
    let reader = client.header("X-Roles", "reader");
    assert_eq!(reader.get("/v1/secret-stores").status, 200);
    assert_eq!(reader.get(&paths[1]).status, 200);
    reader.send("POST", &format!("{}/preferred", paths[1]), b"").error(403);
    reader.send("DELETE", &format!("{}/preferred", paths[1]), b"").error(403);
    client.header("X-Roles", "none").get("/v1/secret-stores").error(403);

    let in_soft = create(&client, "in soft");
    assert_eq!(objects(&kmip), 1);
    let choose =
        |method: &str, store: usize| client.send(method, &format!("{}/preferred", paths[store]), b"");
    choose("DELETE", 1).error(404);
    assert_eq!(choose("POST", 1).status, 204);
    assert_eq!(client.get(preferred).value(), shown[1]);
    let in_kmip = create(&client, "in kmip");
    assert_eq!(objects(&kmip), 2);
    // Another project has made no choice.
    let other = server.client("other");
    other.get(preferred).error(404);
    create(&other, "in soft too");
    assert_eq!(objects(&kmip), 2);

    assert_eq!(choose("POST", 0).status, 204);
    assert_eq!(client.get(preferred).value(), shown[0]);
    assert_eq!(choose("DELETE", 0).status, 204);
    client.get(preferred).error(404);
    let again_in_soft = create(&client, "in soft again");
    assert_eq!(objects(&kmip), 2);
    for (reference, payload) in
        [(&in_soft, "in soft"), (&in_kmip, "in kmip"), (&again_in_soft, "in soft again")]
    {
        assert_read(&client, reference, payload);
    }
}

// F-237, F-238.
#[test]
fn a_store_that_is_preferred_can_not_be_dropped_and_the_settings_are_checked() {
    let (_kmip, folder, settings, server) = both();
    let client = server.client("demo");
    let stores = client.get("/v1/secret-stores").value();
    let kmip_store = path(stores["secret_stores"][1]["secret_store_ref"].as_str().unwrap()).to_owned();
    assert_eq!(client.send("POST", &format!("{kmip_store}/preferred"), b"").status, 204);
    let kept = create(&client, "kept");
    assert!(server.stop().success());

    let refused = |enabled: &str| start(folder.path(), &with_stores(&settings, enabled)).err().unwrap();
    let dropped = refused("[\"soft\"]");
    assert!(dropped.stderr.contains("kmip"), "{dropped:?}");
    for (enabled, told) in
        [("[]", "names no store"), ("[\"kmip\", \"kmip\"]", "twice"), ("[\"paper\"]", "stores.enabled")]
    {
        let ended = refused(enabled);
        assert!(ended.stderr.contains(told), "{enabled}: {ended:?}");
    }

    // The other one may become the default; the ids stay.
    let swapped = start(folder.path(), &with_stores(&settings, "[\"kmip\", \"soft\"]")).unwrap();
    let client = swapped.client("demo");
    let default = client.get("/v1/secret-stores/global-default").value();
    assert_eq!(path(default["secret_store_ref"].as_str().unwrap()), kmip_store);
    assert_read(&client, &kept, "kept");
    assert_eq!(client.send("DELETE", &format!("{kmip_store}/preferred"), b"").status, 204);
    assert!(swapped.stop().success());
    let alone = start(folder.path(), &with_stores(&settings, "[\"soft\"]")).unwrap();
    alone.client("demo").get("/v1/secret-stores").error(404);
}

#[test]
fn what_is_deleted_while_the_kmip_server_is_down_is_forgotten_later() {
    let (mut kmip, folder, settings, server) = both();
    let client = server.client("demo");
    let store = path(
        client.get("/v1/secret-stores").value()["secret_stores"][1]["secret_store_ref"].as_str().unwrap(),
    )
    .to_owned();
    assert_eq!(client.send("POST", &format!("{store}/preferred"), b"").status, 204);
    let references: Vec<_> = (0..3).map(|number| create(&client, &format!("payload {number}"))).collect();
    assert_eq!(objects(&kmip), 4);

    kmip.kill();
    for reference in &references[..2] {
        assert_eq!(client.delete(reference).status, 204);
        client.payload(reference, "text/plain").error(404);
    }
    let planned = told(&admin(
        folder.path(),
        &settings,
        &["store", "migrate", "--from", "kmip", "--to", "soft", "--dry-run"],
    ));
    assert_eq!((&planned["secrets"], &planned["to_forget"]), (&json!(1), &json!(2)), "{planned}");
    assert_eq!(objects(&kmip), 4);
    server.kill();
    kmip.run();
    let server = start(folder.path(), &settings).unwrap_or_else(|ended| panic!("no start: {ended:?}"));
    wait_until("they are forgotten", || objects(&kmip) == 2);
    wait_until("the ends are on record", || ended_well(&server, "secret.payload.forget") == 2);
    assert_read(&server.client("demo"), &references[2], "payload 2");

    // Without a restart it does the same.
    kmip.kill();
    assert_eq!(server.client("demo").delete(&references[2]).status, 204);
    kmip.run();
    wait_until("the last is forgotten", || objects(&kmip) == 1);
    assert!(server.stop().success());
    assert_eq!(admin(folder.path(), &settings, &["audit", "verify"]).code, Some(0));
}

fn migrate(folder: &Path, settings: &Settings, from: &str, to: &str) -> Value {
    let ended = admin(folder, settings, &["store", "migrate", "--from", from, "--to", to]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    told(&ended)
}

/// Starts a server that may meet a tool which carries the move out by itself while there is none.
fn start_again(folder: &Path, settings: &Settings) -> Server {
    let late = Instant::now() + Duration::from_mins(2);
    loop {
        match start(folder, settings) {
            Ok(server) => return server,
            Err(Ended { stderr, .. }) => {
                let taken = ["in use by another", "another process has"];
                let taken = taken.iter().any(|words| stderr.contains(words));
                assert!(taken && Instant::now() < late, "{stderr}");
            }
        }
    }
}

#[test]
fn secrets_move_under_load_and_through_kills() {
    let (kmip, folder, settings, server) = both();
    let mut stored = store(&server, 4, 8);
    let one = admin(
        folder.path(),
        &settings,
        &["store", "migrate", "--from", "soft", "--to", "kmip", "--project", "p1"],
    );
    assert_eq!((one.code, &told(&one)["changed"]), (Some(0), &json!(8)), "{one:?}");
    assert_eq!(objects(&kmip), 9);

    // There and back while clients work; none of them notices.
    let more = under_load(&server, &stored, || {
        assert!(migrate(folder.path(), &settings, "soft", "kmip")["changed"].as_u64().unwrap() >= 24);
        assert!(migrate(folder.path(), &settings, "kmip", "soft")["changed"].as_u64().unwrap() >= 32);
    });
    stored.extend(more);
    check(&server, &stored);
    wait_until("the KMIP server has forgotten all", || objects(&kmip) == 1);
    let moved = migrate(folder.path(), &settings, "soft", "kmip");
    assert_eq!((&moved["changed"], &moved["left"]), (&json!(stored.len()), &json!(0)), "{moved}");
    assert!(ended_well(&server, "store.migrate") > 12);
    check(&server, &stored);

    let mut server = server;
    let mut asking = program("strongroom-admin");
    asking.envs(settings.iter().cloned()).arg("--data-dir").arg(folder.path());
    asking.args(["--output", "json", "store", "migrate", "--from", "kmip", "--to", "soft"]);
    let asking = asking.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    for round in 0..3 {
        thread::sleep(Duration::from_millis(100 + 150 * round));
        server.kill();
        server = start_again(folder.path(), &settings);
        check(&server, &stored);
    }
    let ended = asking.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&report["stage"], &report["left"]), (&json!("done"), &json!(0)), "{report}");
    check(&server, &stored);
    wait_until("the KMIP server has forgotten all", || objects(&kmip) == 1);
    assert!(server.stop().success());
    assert_eq!(admin(folder.path(), &settings, &["audit", "verify"]).code, Some(0));
}

#[test]
fn a_move_waits_for_a_kmip_server_that_is_down() {
    let (mut kmip, folder, settings, server) = both();
    let stored = store(&server, 1, 3);
    for (from, to, told) in [("soft", "soft", "already"), ("soft", "paper", "stores.enabled")] {
        let refused = admin(folder.path(), &settings, &["store", "migrate", "--from", from, "--to", to]);
        assert_eq!(refused.code, Some(3));
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
    kmip.kill();
    thread::scope(|scope| {
        let asking = scope.spawn(|| migrate(folder.path(), &settings, "soft", "kmip"));
        wait_until("what it waits for is told", || {
            let status = admin(folder.path(), &settings, &["rotation", "status"]);
            status.code == Some(0)
                && told(&status)["waiting"].as_str().is_some_and(|why| why.contains("KMIP"))
        });
        check(&server, &stored);
        kmip.run();
        assert_eq!(asking.join().unwrap()["changed"], 3);
    });
    check(&server, &stored);
    assert_eq!(objects(&kmip), 4);
}
