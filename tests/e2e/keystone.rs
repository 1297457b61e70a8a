//! Callers with real tokens of the real Keystone.

use std::fs;
use std::path::Path;

use serde_json::json;
use strongroom_tests::{Client, Keystone, Project, Server, User, eventually, outcomes, write_private};

const PAYLOAD: &str = "correct horse";

fn client(server: &Server, token: &str) -> Client {
    Client::new(&server.endpoint()).header("X-Auth-Token", token)
}

fn store(client: &Client) -> String {
    client.create(&json!({"name": "s", "payload": PAYLOAD, "payload_content_type": "text/plain"}))
}

fn member(keystone: &Keystone) -> (Project, User) {
    let project = keystone.project();
    let user = keystone.user(&project, &["member"]);
    (project, user)
}

#[test]
fn a_token_lets_in_whom_keystone_names_and_the_record_says_so() {
    let keystone = Keystone::shared();
    let (project, user) = member(keystone);
    let server = keystone.server(&[]);
    let client = client(&server, &keystone.token(&user, &project));
    let reference = store(&client);
    let read = client.payload(&reference, "text/plain");
    assert_eq!(read.text(), PAYLOAD);
    let records = server.records();
    let [record] = outcomes(&records, &read)[..] else { panic!("{records:?}") };
    assert_eq!(record["caller"]["source"], "keystone");
    assert_eq!(record["caller"]["user"], user.id.as_str());
    assert_eq!(record["caller"]["project"], project.id.as_str());
    // With the role that member implies, as Keystone has it.
    let roles = record["caller"]["roles"].as_array().unwrap();
    assert!(roles.len() == 2 && roles.contains(&json!("member")) && roles.contains(&json!("reader")));
}

#[test]
fn what_is_no_valid_project_token_is_refused_with_a_challenge() {
    let keystone = Keystone::shared();
    let (project, user) = member(keystone);
    let server = keystone.server(&[("IDENTITY__KEYSTONE__WWW_AUTHENTICATE_URI", "https://keystone.example")]);
    let anonymous = Client::new(&server.endpoint());
    let good = keystone.token(&user, &project);
    let mut damaged = good.clone();
    damaged.replace_range(100..101, if good[100..].starts_with('A') { "B" } else { "A" });
    let unscoped = keystone.unscoped_token(&user);
    let system = keystone.system_token();
    let tokens = [&damaged, &unscoped, &system, "", "junk", "white space", "junk,", &"j".repeat(5000)];
    let mut refused =
        vec![anonymous.get("/v1/secrets"), anonymous.header("X-Project-Id", &project.id).get("/v1")];
    refused.extend(tokens.iter().map(|token| client(&server, token).get("/v1/secrets")));
    // Asked again: the refusal is remembered.
    refused.extend(tokens.iter().map(|token| client(&server, token).get("/v1/secrets")));
    for reply in refused {
        assert_eq!(reply.status, 401, "{}", reply.text());
        assert_eq!(reply.header("www-authenticate"), Some("Keystone uri=\"https://keystone.example\""));
    }
    // The headers that the unauthenticated mode believes are worth nothing here.
    let disguised = client(&server, &good).header("X-Project-Id", "another").header("X-Roles", "admin");
    let reference = store(&disguised);
    let records = server.records();
    let created = records.iter().find(|record| record["action"] == "secret.create").unwrap();
    assert_eq!(created["caller"]["project"], project.id.as_str());
    assert!(client(&server, &good).payload(&reference, "text/plain").status == 200);
    // No token is told, in whatever form.
    let told = format!("{}{records:?}", server.log());
    for token in [&good, &damaged, &unscoped, &system] {
        assert!(!told.contains(&token[..40]));
    }
    assert!(!told.contains("the service user's password"));
}

#[test]
fn roles_and_projects_decide_as_ever() {
    let keystone = Keystone::shared();
    let (project, user) = member(keystone);
    let (other_project, other) = member(keystone);
    let reader = keystone.user(&project, &["reader"]);
    let server = keystone.server(&[]);
    let reference = store(&client(&server, &keystone.token(&user, &project)));
    assert_eq!(client(&server, &keystone.token(&other, &other_project)).get(&reference).status, 403);
    let reading = client(&server, &keystone.token(&reader, &project));
    assert_eq!(reading.payload(&reference, "text/plain").status, 403);
    assert_eq!(reading.json("POST", "/v1/secrets", &json!({})).status, 403);
    assert_eq!(reading.get("/v1/quotas").status, 200);
    assert_eq!(client(&server, &keystone.token(&other, &other_project)).total(), 0);
}

#[test]
fn a_revoked_token_is_refused_once_what_is_remembered_is_old() {
    let keystone = Keystone::shared();
    let (project, user) = member(keystone);
    let brief = keystone.server(&[("IDENTITY__KEYSTONE__CACHE_SECONDS", "1")]);
    let long = keystone.server(&[]);
    let token = keystone.token(&user, &project);
    assert_eq!(client(&brief, &token).get("/v1/secrets").status, 200);
    assert_eq!(client(&long, &token).get("/v1/secrets").status, 200);
    keystone.revoke(&token);
    eventually(|| client(&brief, &token).get("/v1/secrets").status == 401);
    assert_eq!(client(&long, &token).get("/v1/secrets").status, 200);
    // A server that has not asked about it yet does not let it in.
    assert_eq!(client(&keystone.server(&[]), &token).get("/v1/secrets").status, 401);
}

/// The handbook's example, as it stands but for where this machine has things.
#[test]
fn the_settings_of_the_example() {
    let keystone = Keystone::shared();
    let (project, user) = member(keystone);
    let folder = tempfile::tempdir().unwrap();
    write_private(
        &folder.path().join("keystone-password"),
        &fs::read_to_string(keystone.password_file()).unwrap(),
    );
    let data = folder.path().join("data");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/keystone.toml");
    let mut command = Server::command(&data);
    command.arg("--config").arg(example).env("CREDENTIALS_DIRECTORY", folder.path());
    command.env("STRONGROOM_IDENTITY__KEYSTONE__URL", keystone.url());
    command.env("STRONGROOM_IDENTITY__KEYSTONE__TIMEOUT_SECONDS", "25");
    let server = Server::try_start(command, &data).unwrap();
    let client = client(&server, &keystone.token(&user, &project));
    let reference = store(&client);
    let path = reference.strip_prefix("https://key-manager.example").unwrap();
    assert_eq!(client.payload(path, "text/plain").text(), PAYLOAD);
    let refused = Client::new(&server.endpoint()).get("/v1/secrets");
    assert_eq!(refused.header("www-authenticate"), Some("Keystone uri=\"https://keystone.example:5000/v3\""));
}
