//! Why a request was refused, told from the journal.

use serde_json::{Value, json};
use strongroom_tests::{Reply, Server};

fn request_id(reply: &Reply) -> String {
    reply.header("x-openstack-request-id").expect("a request id").to_owned()
}

fn why(server: &Server, request: &str) -> Value {
    let ended = server.admin(&["why-denied", request]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn who_was_refused_by_which_rule_and_what_would_allow_it() {
    let server = Server::start();
    let [ann, bob] = ["ann", "bob"].map(|user| server.client("demo").header("X-User-Id", user));
    let reference =
        ann.create(&json!({"name": "n", "payload": "s3cret", "payload_content_type": "text/plain"}));
    let outsider = bob.header("X-Project-Id", "elsewhere").header("X-Roles", "member");
    let refused = outsider.payload(&reference, "text/plain");
    assert_eq!(refused.status, 403);
    let told = why(&server, &request_id(&refused));
    let [record] = told["records"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!(record["record"]["caller"]["user"], "bob");
    assert_eq!(record["record"]["reason"]["rule"], "secret:decrypt");
    assert_eq!(record["steps"][0]["holds"], false, "{told}");
    let ways = record["would_allow"].as_array().unwrap();
    let text = record["would_allow"].to_string();
    assert!(!ways.is_empty() && text.contains("elsewhere") && text.contains("demo"), "{told}");

    // What is told to help does help: a list that names the caller.
    let id = reference.rsplit('/').next().unwrap();
    let acl = json!({"read": {"users": ["bob"], "project-access": true}});
    assert_eq!(ann.json("PUT", &format!("/v1/secrets/{id}/acl"), &acl).status, 200);
    let told = why(&server, &request_id(&refused));
    assert!(told["records"][0]["advice"].as_str().unwrap().starts_with("allowed now"), "{told}");
    assert_eq!(outsider.payload(&reference, "text/plain").status, 200);

    // The target is gone: the rule is told all the same.
    assert_eq!(ann.delete(&format!("/v1/secrets/{id}")).status, 204);
    let told = why(&server, &request_id(&refused));
    assert!(told["records"][0]["advice"].as_str().unwrap().contains("without the target"), "{told}");

    let missing = ann.get(&format!("/v1/secrets/{id}"));
    assert_eq!(missing.status, 404);
    let told = why(&server, &request_id(&missing));
    assert!(told["records"][0]["advice"].as_str().unwrap().contains("no such thing"), "{told}");
    let unknown = server.admin(&["why-denied", "req-94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f"]);
    assert_eq!(unknown.code, Some(3), "{unknown:?}");
    assert!(unknown.stderr.contains("no record"), "{unknown:?}");
}
