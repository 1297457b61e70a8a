//! The review finds payloads that are stored twice, whatever becomes of the keys, and nobody else can.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use strongroom_tests::{Ended, Server};

use crate::kmip;
use crate::review::{decide, listed, told};
use crate::starts::sql;
use crate::undo::{admin, create, id, start};

fn text(name: &str, payload: &str) -> Value {
    json!({"name": name, "payload": payload, "payload_content_type": "text/plain"})
}

/// Which names go with which, by a review file.
fn twins(file: &Path, ids: &[(&str, &str)]) -> Vec<[String; 2]> {
    let name = |twin: &str| ids.iter().find(|(_, id)| *id == twin).map_or("?", |(name, _)| *name).to_owned();
    let same = listed(file).into_iter().filter(|[_, reasons, _]| reasons == "same-material");
    same.map(|[own, _, twin]| [own, name(&twin)]).collect()
}

fn begin(run: impl Fn(&[&str]) -> Ended, to: &Path) -> Value {
    fs::remove_file(to).ok();
    told(&run(&["review", "start", "--operator", "olga", "--to", to.to_str().unwrap()]))
}

fn rotated(ended: &Ended) {
    assert_eq!(told(ended)["stage"], "done", "{ended:?}");
}

/// Two of the same and one other in one project, and the same in another: their ids by name.
fn stored(server: &Server) -> Vec<(&'static str, String)> {
    let [ours, theirs] = ["demo", "other"].map(|project| server.client(project));
    let upload = create(&ours, &json!({"name": "two"}));
    let sent = ours.header("Content-Type", "text/plain").send("PUT", &upload, b"the same");
    assert_eq!(sent.status, 204, "{}", sent.text());
    vec![
        ("one", create(&ours, &text("one", "the same"))),
        ("two", upload),
        ("three", create(&ours, &text("three", "another"))),
        ("elsewhere", create(&theirs, &text("elsewhere", "the same"))),
    ]
}

fn pairs(expected: &[[&str; 2]]) -> Vec<[String; 2]> {
    expected.iter().map(|pair| pair.map(str::to_owned)).collect()
}

#[test]
fn what_is_stored_twice_is_told_after_every_rotation_and_one_of_it_is_always_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data, &[]);
    let references = stored(&server);
    let ids: Vec<_> = references.iter().map(|(name, reference)| (*name, id(reference))).collect();
    let file = folder.path().join("review.csv");
    let run = |arguments: &[&str]| admin(&data, &[], arguments);
    let both = pairs(&[["one", "two"], ["two", "one"]]);
    let review = begin(run, &file)["reviews"][0].clone();
    assert_eq!((&review["listed"], &review["materials_unknown"]), (&json!(2), &json!(0)), "{review}");
    assert_eq!(twins(&file, &ids), both);

    assert_eq!(run(&["master-key", "add"]).code, Some(0));
    rotated(&run(&["master-key", "rotate"]));
    begin(run, &file);
    assert_eq!(twins(&file, &ids), both);
    rotated(&run(&["project-key", "rotate", "--all"]));
    begin(run, &file);
    assert_eq!(twins(&file, &ids), both);

    // A successor that has the same bytes is one too.
    let payload = folder.path().join("payload");
    fs::write(&payload, "the same").unwrap();
    let replace = ["secret", "replace", ids[2].1, "--overlap", "0", "--operator", "olga", "--payload-file"];
    told(&run(&[&replace[..], &[payload.to_str().unwrap()]].concat()));
    begin(run, &file);
    let names: Vec<_> = listed(&file).into_iter().map(|[name, ..]| name).collect();
    assert_eq!(names, ["one", "three", "two"]);

    // A claim that is not true is not taken.
    let honest = fs::read_to_string(&file).unwrap();
    let false_twin = |line: &str| {
        let mut cells: Vec<_> = line.split(',').collect();
        cells[11] = if cells[11] == "same_as" { "same_as" } else { ids[3].1 };
        cells.join(",")
    };
    fs::write(&file, honest.lines().map(false_twin).collect::<Vec<_>>().join("\r\n")).unwrap();
    decide(&file, &[("one", "delete"), ("three", "delete")]);
    let take_back = |file: &Path| run(&["review", "decide", "--operator", "olga", file.to_str().unwrap()]);
    let refused = take_back(&file);
    assert!(refused.code == Some(1) && refused.stderr.contains("keep it"), "{refused:?}");

    // All are to go, and one stays.
    fs::write(&file, honest).unwrap();
    decide(&file, &[("one", "delete"), ("two", "delete"), ("three", "delete")]);
    assert_eq!(told(&take_back(&file))["reviews"][0]["to_delete"], 3);
    let applied = told(&run(&["review", "apply"]))["reviews"][0].clone();
    assert!(applied["deleted"].as_u64() >= Some(1) && applied["spared"].as_u64() >= Some(1), "{applied}");
    let client = server.client("demo");
    let left = client.get("/v1/secrets").value();
    let reference = format!("/v1/secrets/{}", id(left["secrets"][0]["secret_ref"].as_str().unwrap()));
    assert_eq!(client.payload(&reference, "text/plain").text(), "the same");

    // Clients and the journal hear nothing of it, and no payload was opened for it.
    assert!(!client.get("/v1/secrets").text().contains("fingerprint"));
    let records = server.records();
    assert!(records.iter().all(|record| !record.to_string().contains("fingerprint")));
    let reads = records.iter().filter(|record| record["action"] == "secret.payload.read");
    assert_eq!(reads.count(), 1, "the one above");
}

#[test]
fn what_a_kmip_server_keeps_is_compared_like_everything_else() {
    for custody in ["master-key", "secrets"] {
        let (kmip, folder, settings, server) = kmip::serving(custody);
        let references = stored(&server);
        let ids: Vec<_> = references.iter().map(|(name, reference)| (*name, id(reference))).collect();
        let file = folder.path().join("review.csv");
        let run = |arguments: &[&str]| kmip::admin(folder.path(), &settings, arguments);
        begin(run, &file);
        assert_eq!(twins(&file, &ids), pairs(&[["one", "two"], ["two", "one"]]), "{custody}");
        drop(kmip);
        let started = begin(run, &file);
        assert_eq!(started["reviews"][0]["materials_unknown"], 3, "{custody}: {started}");
        let what = started["unchecked"][0]["what"].as_str().unwrap();
        assert!(what.contains("demo") && what.contains("kmip"), "{custody}: {started}");
    }
}

#[test]
fn what_an_earlier_version_stored_is_not_known_until_its_project_key_is_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data, &[]);
    let references = stored(&server);
    let ids: Vec<_> = references.iter().map(|(name, reference)| (*name, id(reference))).collect();
    assert!(server.stop().success());
    sql(&data.join("strongroom.sqlite"), "UPDATE payloads SET fingerprint = NULL");
    let _server = start(&data, &[]);
    let file = folder.path().join("review.csv");
    let run = |arguments: &[&str]| admin(&data, &[], arguments);
    let review = begin(run, &file)["reviews"][0].clone();
    assert_eq!((&review["listed"], &review["materials_unknown"]), (&json!(0), &json!(4)), "{review}");
    rotated(&run(&["project-key", "rotate", "--all"]));
    let review = begin(run, &file)["reviews"][0].clone();
    assert_eq!((&review["listed"], &review["materials_unknown"]), (&json!(2), &json!(0)), "{review}");
    assert_eq!(twins(&file, &ids), pairs(&[["one", "two"], ["two", "one"]]));
}
