//! The hardening guide as checks.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use strongroom_tests::{Server, admin};

fn examined(data: &Path) -> (Option<i32>, Value) {
    let ended = admin(&["--data-dir", data.to_str().unwrap(), "--output", "json", "doctor"]);
    let told = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended.code, told)
}

fn verdict<'a>(told: &'a Value, id: &str) -> &'a str {
    finding(told, id)["verdict"].as_str().unwrap()
}

pub(crate) fn finding<'a>(told: &'a Value, id: &str) -> &'a Value {
    told["findings"].as_array().unwrap().iter().find(|found| found["id"] == id).expect(id)
}

#[test]
fn what_is_wrong_is_found_and_what_is_mended_passes() {
    let server = Server::start();
    let data = server.data_dir();
    let (code, told) = examined(data);
    assert_eq!((code, &told["sound"]), (Some(1), &Value::Bool(false)));
    for (id, expected) in [
        ("KEY-01", "pass"),
        ("KEY-02", "pass"),
        ("KEY-04", "pass"),
        ("BAK-01", "fail"),
        ("BAK-02", "not-applicable"),
        ("BAK-03", "fail"),
        ("BAK-04", "warn"),
        ("ROT-01", "pass"),
        ("ROT-02", "pass"),
        ("HSM-01", "not-applicable"),
        ("AUD-01", "pass"),
        ("AUD-02", "warn"),
        ("AUD-03", "not-applicable"),
        ("EXP-01", "not-applicable"),
        ("EXP-02", "pass"),
        ("EXP-03", "pass"),
        ("EXP-04", "warn"),
        ("NET-01", "pass"),
        ("NET-03", "not-applicable"),
        ("NET-04", "not-applicable"),
        ("NET-05", "not-applicable"),
        ("SBX-01", "pass"),
        ("REV-01", "warn"),
        ("DIR-01", "pass"),
        ("DIR-03", "pass"),
    ] {
        assert_eq!(verdict(&told, id), expected, "{id}: {}", finding(&told, id));
    }
    assert!(server.log().contains("BAK-01"), "the server tells it at start: {}", server.log());

    let media = tempfile::tempdir().unwrap();
    let at = |name: &str| media.path().join(name).to_str().unwrap().to_owned();
    let shares = ["--shares", "2/2", "--shares-dir"];
    let key = ["master-key", "backup", "--to", &at("key.age")];
    assert_eq!(server.admin(&[&key[..], &shares, &[&at("a")]].concat()).code, Some(0));
    let (one, two) = (at("a/share-1"), at("a/share-2"));
    let opening = ["--share", &one, "--share", &two];
    let verify = ["master-key", "verify-backup", &at("key.age")];
    assert_eq!(server.admin(&[&verify[..], &opening].concat()).code, Some(0));
    let whole = ["backup", "create", "--to", &at("whole.age")];
    assert_eq!(server.admin(&[&whole[..], &shares, &[&at("b")]].concat()).code, Some(0));
    let (one, two) = (at("b/share-1"), at("b/share-2"));
    let verify = ["backup", "verify", &at("whole.age"), "--share", &one, "--share", &two];
    assert_eq!(server.admin(&verify).code, Some(0));
    assert_eq!(server.admin(&["attest", "orphan-review", "--detail", "ann"]).code, Some(0));
    let (_, told) = examined(data);
    for id in ["BAK-01", "BAK-02", "BAK-03", "BAK-04", "REV-01"] {
        assert_eq!(verdict(&told, id), "pass", "{}", finding(&told, id));
    }

    // A rotation makes the backup out of date.
    assert_eq!(server.admin(&["master-key", "rotate"]).code, Some(0));
    let (_, told) = examined(data);
    assert_eq!((verdict(&told, "BAK-01"), verdict(&told, "ROT-02")), ("fail", "pass"));

    fs::set_permissions(data.join("master.key"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(data.join("strongroom.sqlite"), fs::Permissions::from_mode(0o644)).unwrap();
    let (_, told) = examined(data);
    assert_eq!((verdict(&told, "KEY-01"), verdict(&told, "DIR-02")), ("fail", "fail"));
    assert!(finding(&told, "KEY-01")["remedy"].as_str().unwrap().starts_with("chmod 0400"));
    let markdown = server.admin(&["doctor", "--format", "markdown"]);
    assert!(markdown.stdout.contains("| KEY-01 | critical | fail |"), "{markdown:?}");
}

#[test]
fn a_server_refuses_to_start_without_what_its_settings_insist_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = Server::command(&data);
    command.env("STRONGROOM_DOCTOR__REFUSE_START", "[\"BAK-01\"]");
    let refused = Server::try_start(command, &data).err().expect("no start");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("BAK-01") && refused.stderr.contains("never backed up"), "{refused:?}");
    let mut command = Server::command(&data);
    command.env("STRONGROOM_DOCTOR__REFUSE_START", "[\"AUD-01\", \"NONE-99\"]");
    let refused = Server::try_start(command, &data).err().expect("no start");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("there is no control NONE-99"), "{refused:?}");
}
