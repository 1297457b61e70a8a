//! The README's first command, and what a second one finds.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;
use strongroom_tests::Server;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn everything_is_made_with_the_right_modes_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_in(&data);
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("master.key")), 0o400);
    assert_eq!(mode(&data.join("strongroom.sqlite")), 0o600);
    assert_eq!(mode(&data.join("journal")), 0o700);
    assert_eq!(mode(&data.join("journal/0000000001.jsonl")), 0o600);

    let secret = json!({"name": "kept", "payload": "s3cret", "payload_content_type": "text/plain"});
    let reference = server.client("demo").create(&secret);
    let path = reference.strip_prefix(&server.endpoint()).unwrap().to_owned();
    let key = fs::read(data.join("master.key")).unwrap();
    assert!(server.stop().success());

    let again = Server::start_in(&data);
    assert_eq!(again.client("demo").payload(&path, "text/plain").text(), "s3cret");
    assert_eq!(fs::read(data.join("master.key")).unwrap(), key);
}
