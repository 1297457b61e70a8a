//! The review of secrets that nobody seems to need.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use strongroom_tests::{Client, Ended};

use crate::undo::{admin, create, id, start};

pub(crate) fn told(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn plain(client: &Client, name: &str) -> String {
    create(client, &json!({"name": name, "payload": name, "payload_content_type": "text/plain"}))
}

/// The names of the secrets in a review file, in order.
fn names(file: &Path) -> Vec<String> {
    listed(file).into_iter().map(|[name, _, _]| name).collect()
}

/// Name, reasons and twin of each secret in a review file, in the order of the names.
pub(crate) fn listed(file: &Path) -> Vec<[String; 3]> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().skip(1).map(|line| {
        let cells: Vec<_> = line.split(',').collect();
        [6, 3, 11].map(|at| cells[at].to_owned())
    });
    let mut listed: Vec<_> = lines.collect();
    listed.sort();
    listed
}

/// Writes decisions, by name, behind the lines.
pub(crate) fn decide(file: &Path, decisions: &[(&str, &str)]) {
    let text = fs::read_to_string(file).unwrap();
    let decided = text.lines().map(|line| {
        let name = line.split(',').nth(6).unwrap();
        let decision = decisions.iter().find(|(decided, _)| *decided == name);
        let undecided = line.rsplit_once(',').unwrap().0;
        decision.map_or_else(|| line.to_owned(), |(_, decision)| format!("{undecided},{decision}"))
    });
    fs::write(file, decided.collect::<Vec<_>>().join("\r\n")).unwrap();
}

#[test]
fn what_nobody_needs_is_listed_decided_on_deleted_and_signed_off() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data, &[]);
    let client = server.client("demo");
    let secrets = ["unused", "kept", "changed", "read later", "read"].map(|name| plain(&client, name));
    let [unused, _, changed, later, read] = &secrets;
    let needed = plain(&client, "used");
    let uses = json!({"service": "nova", "resource_type": "server", "resource_id": "1"});
    assert_eq!(client.json("POST", &format!("{needed}/consumers"), &uses).status, 200);
    let member = client.get(&plain(&client, "member")).value()["secret_ref"].clone();
    let container =
        json!({"name": "c", "type": "generic", "secret_refs": [{"name": "one", "secret_ref": member}]});
    assert_eq!(client.json("POST", "/v1/containers", &container).status, 201);
    create(&client, &json!({"name": "expires", "expiration": "2099-01-01T00:00:00"}));
    create(&client, &json!({"name": "=formula"}));
    assert_eq!(client.payload(read, "text/plain").status, 200);
    // Then at the latest it is stored when secrets were read.
    assert!(server.stop().success());
    let server = start(&data, &[]);
    let client = server.client("demo");

    let file = folder.path().join("review.csv");
    let path = file.to_str().unwrap();
    let begin = |to: &str, more: &[&str]| {
        let arguments = ["review", "start", "--to", to, "--unread-days", "0", "--operator", "olga"];
        admin(&data, &[], &[&arguments[..], more].concat())
    };
    let opened = told(&begin(path, &[]))["reviews"][0].clone();
    assert_eq!(
        (&opened["looked_at"], &opened["listed"], &opened["stage"]),
        (&json!(9), &json!(5), &json!("open"))
    );
    assert_eq!(names(&file), ["'=formula", "changed", "kept", "read later", "unused"]);
    assert_eq!(begin(path, &[]).code, Some(3), "no file is written over");
    let year = ["review", "start", "--to", "year.csv", "--operator", "olga"];
    let within = told(&admin(&data, &[], &[&year[..3], &[&*format!("{path}.year")], &year[4..]].concat()));
    assert_eq!(within["reviews"][0]["listed"], 0, "nothing is known about a year yet");

    let apply = |settings: &[(&str, &str)]| admin(&data, settings, &["review", "apply"]);
    let take_back = |file: &str| admin(&data, &[], &["review", "decide", file, "--operator", "olga"]);
    decide(&file, &[("unused", "delete"), ("kept", "keep"), ("changed", "Delete"), ("read later", "delete")]);
    let acl = json!({"read": {"project-access": false}});
    assert_eq!(client.json("PUT", &format!("{changed}/acl"), &acl).status, 200);
    let refused = take_back(path);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains(id(changed)) && refused.stderr.contains("was changed"), "{refused:?}");
    assert_eq!(apply(&[]).code, Some(3), "nothing is decided");
    decide(&file, &[("changed", "perhaps")]);
    assert!(take_back(path).stderr.contains("neither keep"));
    decide(&file, &[("changed", "keep")]);
    let decided = told(&take_back(path))["reviews"][0].clone();
    assert_eq!((&decided["stage"], &decided["to_delete"]), (&json!("decided"), &json!(2)));

    // Read after it was decided, before it is deleted.
    assert_eq!(client.payload(later, "text/plain").status, 200);
    assert_eq!(
        apply(&[("DELETION__UNDO_DAYS", "0")]).code,
        Some(3),
        "not without a way back, unless it is meant"
    );
    let applied = told(&apply(&[]))["reviews"][0].clone();
    assert_eq!(
        (&applied["stage"], &applied["deleted"], &applied["spared"]),
        (&json!("done"), &json!(1), &json!(1))
    );
    client.get(unused).error(404);
    assert_eq!(client.payload(later, "text/plain").status, 200);
    let restorable = told(&admin(&data, &[], &["deleted", "list"]));
    assert_eq!(restorable["deleted"][0]["secret"], json!(id(unused)));
    assert_eq!(restorable["deleted"][0]["by"], "olga");

    let records = server.records();
    let signed = records.iter().find(|record| record["action"] == "review.sign").unwrap();
    assert_eq!(signed["caller"]["user"], "olga");
    assert_eq!(signed["target"], json!(format!("review/{}", applied["review"].as_str().unwrap())));
    let doctor = admin(&data, &[], &["doctor"]);
    let report: Value = serde_json::from_str(&doctor.stdout).unwrap();
    let finding =
        report["findings"].as_array().unwrap().iter().find(|found| found["id"] == "REV-01").unwrap();
    let evidence = finding["evidence"].as_str().unwrap();
    assert!(finding["verdict"] == "pass" && evidence.contains("1 deleted"), "{finding}");
    assert!(evidence.contains(applied["file_sha256"].as_str().unwrap()), "{finding}");
    let again = take_back(path);
    assert!(again.code == Some(3) && again.stderr.contains("no review"), "{again:?}");

    // The same in JSON, with nothing to delete, and without a server.
    let other = folder.path().join("again.json");
    assert_eq!(begin(other.to_str().unwrap(), &["--format", "json"]).code, Some(0));
    let text = fs::read_to_string(&other).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains("\"reason\":\"unused\"")).count(), 3);
    told(&take_back(other.to_str().unwrap()));
    assert!(server.stop().success());
    let applied = told(&apply(&[]))["reviews"][0].clone();
    assert_eq!((&applied["stage"], &applied["deleted"]), (&json!("done"), &json!(0)));
    assert_eq!(admin(&data, &[], &["audit", "verify"]).code, Some(0));
}
