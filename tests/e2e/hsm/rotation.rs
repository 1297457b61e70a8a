//! The master key is replaced by a new one in the token, while clients are served.

use std::process::Command;

use serde_json::json;
use strongroom_tests::{Ended, program, run};

use super::Site;
use crate::rotation::{check, store, told, under_load};

fn admin(site: &Site, arguments: &[&str]) -> Ended {
    let mut command: Command = site.with_settings(program("strongroom-admin"));
    command.arg("--data-dir").arg(site.folder.path().join("data")).args(["--output", "json"]);
    run(command.args(arguments))
}

#[test]
fn the_master_key_is_rotated_in_the_token_under_load() {
    let site = Site::new();
    site.tokens.empty_token("one");
    site.settings("[rotation]\nshare_percent = 100", &[(&site.tokens.module("plain"), "one")]);
    assert_eq!(site.admin(&["generate-master-key"]).0, Some(0));
    let server = site.start();
    let mut stored = store(&server, 3, 2);
    let done = |arguments: &[&str]| {
        let ended = admin(&site, arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        told(&ended)
    };

    // Nothing is made by a rotation: the new version is an operator's act of its own.
    let refused = admin(&site, &["master-key", "rotate"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("hsm generate-master-key"), "{refused:?}");

    let more = under_load(&server, &stored, || {
        assert_eq!(done(&["hsm", "generate-master-key", "--next"])["version"], json!("2"));
        let plan = done(&["master-key", "rotate", "--dry-run"]);
        assert_eq!((&plan["active"], &plan["highest_at_hand"]), (&json!(1), &json!(2)), "{plan}");
        let rotated = done(&["master-key", "rotate", "--store", "pkcs11"]);
        assert_eq!((&rotated["stage"], &rotated["failed"]), (&json!("done"), &json!(0)), "{rotated}");
        assert!(rotated["changed"].as_u64().unwrap() >= 3, "{rotated}");
        let resealed = done(&["project-key", "rotate", "--all"]);
        assert_eq!((&resealed["stage"], &resealed["failed"]), (&json!("done"), &json!(0)), "{resealed}");
        assert!(resealed["changed"].as_u64().unwrap() >= 6, "{resealed}");
    });
    stored.extend(more);
    check(&server, &stored);
    assert!(server.stop().success());
    check(&site.start(), &stored);
}
