//! The handbook's page on the network: its samples, and what is so without doing anything.

use std::process::Command;

use serde_json::json;
use strongroom_tests::{Server, Wire, records, run};

#[test]
fn the_sample_firewall_is_sound() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/nftables.conf");
    let ended = run(Command::new("nft").args(["-c", "-f", rules]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_request_that_tells_its_length_twice_does_nothing_and_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(&folder.path().join("data"));
    let body = "{\"name\": \"smuggled\"}";
    let request = format!(
        "POST /v1/secrets HTTP/1.1\r\nHost: kms\r\nX-Project-Id: demo\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len(),
        body.len(),
    );
    let mut wire = Wire::connect(server.address());
    wire.send(request.as_bytes()).unwrap();
    wire.reply("POST").unwrap().unwrap().error(400);
    assert_eq!(wire.rest(), b"");
    assert_eq!(server.client("demo").total(), 0);
    assert!(server.stop().success());
    let records = records(&folder.path().join("data/journal"));
    let refused: Vec<_> = records.iter().filter(|record| record["action"] == "admit").collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0]["reason"], json!({"code": "framing", "times": 1}));
    assert!(!records.iter().any(|record| record["action"] == "secret.create"));
}
