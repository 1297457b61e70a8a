//! The API's description: served as it is committed, and held against the real server by schemathesis.

use std::fs;

use serde_json::{Value, json};
use strongroom_tests::{Client, Reply, Server, python, run};

#[test]
fn the_description_is_served_as_it_is_committed() {
    let server = Server::start();
    let answer = Client::new(&server.endpoint()).get("/openapi.json");
    assert_eq!(answer.status, 200);
    let committed: Value =
        serde_json::from_str(&fs::read_to_string("../docs/openapi.json").unwrap()).unwrap();
    assert_eq!(answer.value(), committed);
}

/// Requests made from the description, sound and unsound ones: none is answered by a 5xx, by a status or a
/// media type that is not described, or by a body of another form.
#[test]
fn the_server_is_as_it_is_described() {
    let server = Server::start_with(&[("ORDERS__WAIT_MS", "0")]);
    let client = server.client("demo");
    let made = |path: &str, body: &Value| id(&client.json("POST", path, body));
    let secret = made("/v1/secrets", &json!({"payload": "p", "payload_content_type": "text/plain"}));
    made(&format!("/v1/secrets/{secret}/metadata"), &json!({"key": "k", "value": "v"}));
    let container = made("/v1/containers", &json!({"type": "generic", "name": "c"}));
    let order = made("/v1/orders", &json!({"type": "key", "meta": {"algorithm": "aes", "bit_length": 256}}));
    let transport_key = made("/v1/transport_keys", &json!({"plugin_name": "p", "transport_key": "k"}));

    // Most requests go to things that are there; deletions to things that are made up.
    let folder = tempfile::tempdir().unwrap();
    let operations = [
        ("secrets", secret),
        ("containers", container),
        ("orders", order),
        ("transport_keys", transport_key),
        ("project-quotas", "demo".to_owned()),
    ]
    .map(|(collection, id)| {
        format!(
            "[[operations]]\ninclude-path-regex = \"^/v1/{collection}/\"\n\
             include-method = [\"GET\", \"PUT\", \"POST\", \"PATCH\"]\nparameters = {{ \"path.id\" = \"{id}\" }}\n"
        )
    });
    fs::write(folder.path().join("schemathesis.toml"), operations.concat()).unwrap();
    let ended = run(python("st")
        .current_dir(folder.path())
        .args(["run", &format!("{}/openapi.json", server.endpoint()), "--header", "X-Project-Id: demo"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .args(["--phases", "coverage,fuzzing", "--max-examples", "4", "--seed", "1", "--no-color"])
        .args(["--request-timeout", "20"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("Tested: 54"), "{}", ended.stdout);
    // It was not turned away at the door.
    let answered =
        |outcome: &str| server.records().iter().filter(|record| record["outcome"] == outcome).count();
    assert!(answered("success") > 200 && answered("refused") > 200, "{}", ended.stdout);
}

/// The id of what a request has made.
fn id(reply: &Reply) -> String {
    let location = reply.header("location").unwrap_or_else(|| panic!("nothing was made: {}", reply.text()));
    location.rsplit('/').next().unwrap().to_owned()
}
