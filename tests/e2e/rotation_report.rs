//! The signed report on a rotation: what it tells is right, and only as it was signed is it believed.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use strongroom_tests::{Ended, Server, admin};

use crate::rotation::{done, store, told};

fn verified(report: &str, key: &Path) -> Ended {
    // As an auditor elsewhere does: without settings, database or journal.
    admin(&["--output", "json", "audit", "verify-report", report, "--public-key", key.to_str().unwrap()])
}

fn step<'a>(report: &'a Value, action: &str) -> &'a Value {
    report["steps"].as_array().unwrap().iter().find(|step| step["action"] == action).expect(action)
}

#[test]
fn a_rotation_leaves_a_report_that_the_public_key_proves() {
    let server = Server::start();
    store(&server, 3, 2);
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("journal.pem");
    let pem = told(&server.admin(&["audit", "public-key"]))["pem"].as_str().unwrap().to_owned();
    fs::write(&key, pem).unwrap();

    let rotated = done(&server.admin(&["master-key", "rotate"]));
    let path = rotated["report"].as_str().unwrap();
    let proved = verified(path, &key);
    assert_eq!(proved.code, Some(0), "{proved:?}");
    let report = &told(&proved)["report"];
    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    assert_eq!(report["asked_by"], String::from_utf8(user).unwrap().trim());
    assert_eq!((&report["rotation"], &report["verdict"]), (&rotated["id"], &json!("done")));
    assert_eq!((&report["changed"], &report["failed"]), (&json!(3), &json!(0)));
    assert_eq!((&report["goal"], &report["store"]), (&json!("master-key"), &json!("soft")));
    assert_eq!((&report["from_versions"], &report["to_version"]), (&json!([1]), &json!(2)));
    assert_eq!(
        report["versions"],
        json!([
            {"version": 1, "state": "retired", "project_keys": 0},
            {"version": 2, "state": "active", "project_keys": 3},
        ])
    );
    for act in ["activate", "rewrap", "verify", "retire"] {
        let step = step(report, &format!("master-key.{act}"));
        assert_eq!((&step["acts"], &step["outcomes"]), (&json!(1), &json!({"success": 1})), "{act}");
    }
    assert!(report["begun"].as_str() < report["ended"].as_str(), "{report}");
    let again = told(&server.admin(&["rotation", "report"]));
    assert_eq!(again["report"], path, "made once");

    // Whatever is altered in it, it is refused.
    let text = fs::read_to_string(path).unwrap();
    let forged = folder.path().join("forged.jsonl");
    for (from, to) in [("\"changed\":3", "\"changed\":4"), ("\"through\":", "\"through\":1")] {
        assert!(text.contains(from), "{text}");
        fs::write(&forged, text.replace(from, to)).unwrap();
        let refused = verified(forged.to_str().unwrap(), &key);
        assert_eq!((refused.code, &told(&refused)["intact"]), (Some(1), &json!(false)), "{refused:?}");
    }
    let stranger = Server::start();
    let pem = told(&stranger.admin(&["audit", "public-key"]))["pem"].as_str().unwrap().to_owned();
    let other = folder.path().join("other.pem");
    fs::write(&other, pem).unwrap();
    assert_eq!(verified(path, &other).code, Some(1));

    let resealed = done(&server.admin(&["project-key", "rotate", "--all"]));
    let proved = verified(resealed["report"].as_str().unwrap(), &key);
    let report = &told(&proved)["report"];
    assert_eq!((proved.code, &report["goal"]), (Some(0), &json!("every-project-key")), "{proved:?}");
    assert_eq!(report["changed"], 6);
    let step = step(report, "project-key.rotate");
    assert_eq!((&step["acts"], &step["outcomes"]), (&json!(3), &json!({"success": 3})));
}

#[test]
fn a_rotation_without_a_server_leaves_one_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_in(&data);
    store(&server, 2, 1);
    let key = folder.path().join("journal.pem");
    fs::write(&key, told(&server.admin(&["audit", "public-key"]))["pem"].as_str().unwrap()).unwrap();
    assert!(server.stop().success());
    let rotated =
        done(&admin(&["--data-dir", data.to_str().unwrap(), "--output", "json", "master-key", "rotate"]));
    let proved = verified(rotated["report"].as_str().unwrap(), &key);
    assert_eq!((proved.code, &told(&proved)["report"]["changed"]), (Some(0), &json!(2)), "{proved:?}");
}
