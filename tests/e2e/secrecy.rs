//! A payload is nowhere but in the answer to whoever may read it: not in the journal, the log, the database,
//! an output, an argument or a variable.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_tests::{Client, Server};

const TEXT: &str = "canary-text-5f1d0c7e-Zwitscher";
const LATER: &str = "canary-later-9a3b77d2-Zwitscher";
const UPLOAD: &[u8] = b"canary-upload-\x00\xff\xfe-31c9a8b4";
const REFUSED: &str = "canary-refused-7c2e11aa-Zwitscher";
const BROKEN: &str = "canary-broken-e4420b19-Zwitscher";
const TOKEN: &str = "gAAAAA-canary-token-0b5d8c33";

fn bytes() -> Vec<u8> {
    b"canary-bytes-".iter().copied().chain(0..=255).collect()
}

/// What must not be found, in every form in which it came in or could be written.
fn forbidden(master_key: &str) -> Vec<Vec<u8>> {
    let payloads = [
        TEXT.as_bytes(),
        LATER.as_bytes(),
        UPLOAD,
        REFUSED.as_bytes(),
        BROKEN.as_bytes(),
        &bytes(),
        TOKEN.as_bytes(),
    ];
    let key = master_key.lines().nth(1).unwrap().split(' ').nth(2).unwrap();
    let mut forms: Vec<Vec<u8>> = vec![key.as_bytes().to_vec(), STANDARD.decode(key).unwrap()];
    for payload in payloads {
        // The middle of it will do: an encoding may begin and end differently.
        let middle = &payload[3..payload.len() - 3];
        let hex = hex::encode(middle);
        let listed: Vec<_> = middle.iter().map(u8::to_string).collect();
        forms.extend([middle.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()]);
        forms.extend([listed.join(", ").into_bytes(), middle.escape_ascii().to_string().into_bytes()]);
        forms.push(STANDARD.encode(&payload[3..payload.len() / 3 * 3]).into_bytes());
    }
    forms
}

/// Stores and reads the canaries in every way, and fails to in many.
fn use_everything(client: &Client) {
    let text = json!({"name": "text", "payload": TEXT, "payload_content_type": "text/plain"});
    let text = client.create(&text);
    let binary = client.create(&json!({
        "name": "binary",
        "payload": STANDARD.encode(bytes()),
        "payload_content_type": "application/octet-stream",
        "payload_content_encoding": "base64",
    }));
    let plain = client.header("Content-Type", "text/plain");
    let octets = client.header("Content-Type", "application/octet-stream");
    let later = client.create(&json!({"name": "later"}));
    assert_eq!(plain.send("PUT", &later, LATER.as_bytes()).status, 204);
    let upload = client.create(&json!({"name": "upload"}));
    assert_eq!(octets.send("PUT", &upload, UPLOAD).status, 204);
    let encoded = client.create(&json!({"name": "encoded"}));
    let encoding = octets.header("Content-Encoding", "base64");
    assert_eq!(encoding.send("PUT", &encoded, STANDARD.encode(UPLOAD).as_bytes()).status, 204);

    assert_eq!(client.payload(&text, "text/plain").text(), TEXT);
    assert_eq!(client.header("Accept", "text/plain").get(&text).text(), TEXT);
    assert_eq!(client.payload(&later, "text/plain").text(), LATER);
    assert_eq!(client.payload(&binary, "application/octet-stream").body, bytes());
    assert_eq!(client.payload(&upload, "application/octet-stream").body, UPLOAD);
    assert_eq!(client.payload(&encoded, "application/octet-stream").body, UPLOAD);

    let refuse = |body: Value| assert_eq!(client.json("POST", "/v1/secrets", &body).status, 400, "{body}");
    refuse(json!({"payload": REFUSED}));
    refuse(json!({"payload": REFUSED, "payload_content_type": "text/nonsense"}));
    refuse(
        json!({"payload": REFUSED, "payload_content_type": "text/plain", "payload_content_encoding": "base64"}),
    );
    refuse(
        json!({"payload": REFUSED, "payload_content_type": "application/octet-stream", "payload_content_encoding": "base64"}),
    );
    refuse(json!({"payload": [REFUSED], "payload_content_type": "text/plain"}));
    refuse(json!({"payload": REFUSED, "payload_content_type": "text/plain", "expiration": "2000-01-01"}));
    refuse(json!({"payload": REFUSED, "payload_content_type": "text/plain", "bit_length": REFUSED}));
    let json = client.header("Content-Type", "application/json");
    let cut = format!("{{\"payload\": \"{BROKEN}\", \"payload_content_type\": ");
    assert_eq!(json.send("POST", "/v1/secrets", cut.as_bytes()).status, 400);
    assert_eq!(plain.send("POST", "/v1/secrets", BROKEN.as_bytes()).status, 415);
    assert_eq!(plain.send("PUT", &text, REFUSED.as_bytes()).status, 409);
    let others = client.header("X-Roles", "nobody");
    assert_eq!(others.payload(&text, "text/plain").status, 403);
    let token = client.header("X-Auth-Token", TOKEN);
    assert_eq!(token.get("/v1/secrets").status, 200);
    assert_eq!(token.without("X-Project-Id").get("/v1/secrets").status, 400);
    assert_eq!(client.delete(&binary).status, 204);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn assert_clean(place: &str, content: &[u8], forbidden: &[Vec<u8>]) {
    for form in forbidden {
        let found = content.windows(form.len()).position(|part| part == form);
        assert!(found.is_none(), "{place} holds {:?} at {found:?}", form.escape_ascii().to_string());
    }
}

#[test]
fn no_payload_key_or_token_is_written_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for format in ["text", "json"] {
        let mut command = Server::command(&data);
        command.env("STRONGROOM_LOG__LEVEL", "trace").env("STRONGROOM_LOG__FORMAT", format);
        let server = Server::try_start(command, &data).unwrap_or_else(|ended| panic!("{ended:?}"));
        use_everything(&server.client("demo"));
        let forbidden = forbidden(&fs::read_to_string(data.join("master.key")).unwrap());

        // The search finds what is there: the names are no secret, and are where they belong.
        let names = [b"binary".to_vec()];
        let log = fs::read(data.join("strongroom.sqlite-wal")).unwrap();
        assert!(std::panic::catch_unwind(|| assert_clean("the log of changes", &log, &names)).is_err());

        let searched = check_files(&data, &forbidden);
        assert!(searched.iter().any(|path| path.ends_with("strongroom.sqlite-wal")), "{searched:?}");
        assert!(searched.iter().any(|path| path.ends_with("journal/0000000001.jsonl")), "{searched:?}");
        assert!(server.log().contains("DEBUG"), "the log is not at its most talkative");
        assert_clean("the log", server.log().as_bytes(), &forbidden);
        assert_clean("the output", server.printed().as_bytes(), &forbidden);
        for name in ["cmdline", "environ"] {
            let path = format!("/proc/{}/{name}", server.pid().as_raw_nonzero());
            assert_clean(&path, &fs::read(&path).unwrap(), &forbidden);
        }
        let verified = server.admin(&["audit", "verify"]);
        assert_clean("the verifier's output", format!("{verified:?}").as_bytes(), &forbidden);
        assert!(server.stop().success());
        check_files(&data, &forbidden);
    }
}

/// Looks into every file but the key's own.
fn check_files(data: &Path, forbidden: &[Vec<u8>]) -> Vec<PathBuf> {
    let searched: Vec<_> = files(data).into_iter().filter(|path| !path.ends_with("master.key")).collect();
    for path in &searched {
        assert_clean(&path.display().to_string(), &fs::read(path).unwrap(), forbidden);
    }
    searched
}
