//! Notices get through to operators: by a signed webhook, syslog and e-mail, to real receivers.

mod receivers;

use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};
use strongroom_tests::{Ended, admin, eventually};

pub(crate) use receivers::{KEY, PASSWORD, Place, Receiver};

use crate::forwarding::rsyslog::Rsyslog;

/// A port that nobody listens on, for now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn test(folder: &std::path::Path, settings: &str) -> (Ended, Value) {
    let file = folder.join("strongroom.toml");
    fs::write(&file, settings).unwrap();
    let ended = admin(&["--config", file.to_str().unwrap(), "--output", "json", "notices", "test"]);
    let told = serde_json::from_str(&ended.stdout).unwrap_or_default();
    (ended, told)
}

#[test]
fn a_test_notice_arrives_by_every_channel() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path());
    let (webhook, smtp, port) = (place.webhook(0), place.smtp(0), free_port());
    Rsyslog::configure(folder.path(), port);
    let _rsyslog = Rsyslog::start(folder.path(), port);
    let settings = [place.to_webhook(webhook.port), place.to_syslog(port), place.to_smtp(smtp.port)].concat();
    let (ended, told) = test(folder.path(), &settings);
    assert_eq!((ended.code, &told["delivered"]), (Some(0), &json!(true)), "{ended:?}");

    let syslog = || fs::read_to_string(folder.path().join("received")).unwrap_or_default();
    // They have it; what they print of it comes a moment later.
    eventually(|| !webhook.taken().is_empty() && !smtp.taken().is_empty() && !syslog().is_empty());
    let posted = webhook.taken();
    assert_eq!(
        (posted.len(), &posted[0]["topic"], &posted[0]["severity"]),
        (1, &json!("test"), &json!("info"))
    );
    let id = posted[0]["id"].as_str().unwrap();
    let mails = smtp.taken();
    let mail = &mails[0];
    assert_eq!((mails.len(), &mail["tls"], &mail["login"]), (1, &json!(true), &json!(true)), "{mail}");
    assert_eq!(mail["to"], json!(["ops@example.org", "night@example.org"]));
    assert_eq!(mail["auto_submitted"], "auto-generated");
    assert!(mail["subject"].as_str().unwrap().starts_with("[strongroom] test: "), "{mail}");
    assert!(mail["text"].as_str().unwrap().contains(&format!("\r\nid: {id}\r\n")), "{mail}");
    let log = syslog();
    assert!(log.contains(" test [strongroom@32473 node=\"") && log.contains(id), "{log}");
}

#[test]
fn a_channel_that_fails_is_named_with_the_reason_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path());
    let (webhook, smtp) = (place.webhook(0), place.smtp(0));
    // Another password, and another key.
    let settings = place.to_webhook(webhook.port) + &place.to_smtp(smtp.port);
    for (file, wrong) in [("password", "not the password at all"), ("hook.key", "not the key that signs")] {
        let path = folder.path().join(file);
        fs::remove_file(&path).unwrap();
        strongroom_tests::write_private(&path, wrong);
    }
    let (ended, told) = test(folder.path(), &settings);
    assert_eq!((ended.code, &told["delivered"]), (Some(1), &json!(false)), "{ended:?}");
    let failure = |number: usize| told["channels"][number]["last_failure"][1].as_str().unwrap().to_owned();
    assert!(failure(0).contains("status 403"), "{told}");
    assert!(failure(1).contains("535"), "{told}");
    assert!(!format!("{ended:?}").contains("not the"), "{ended:?}");
    assert!(webhook.taken().is_empty() && smtp.taken().is_empty());

    // A server whose certificate is for another name gets neither password nor mail.
    let settings = place.to_smtp(smtp.port).replace("localhost:", "127.0.0.1:");
    let (ended, told) = test(folder.path(), &settings);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(told["channels"][0]["last_failure"][1].as_str().unwrap().contains("certificate"), "{told}");
}
