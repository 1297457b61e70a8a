//! What is sent to somebody who helps from afar.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_tests::{Server, admin};

const PAYLOAD: &str = "canary-payload-5f1d0c7e";
const TOKEN: &str = "gAAAAA-canary-token-0b5d8c33";
const HOOK: &str = "canary-hook-71e2";
const USER: &str = "canary-user-ann";
const NAME: &str = "canary-name-9921";

#[test]
fn a_bundle_tells_how_things_are_and_no_secret() {
    let server = Server::start();
    let data = server.data_dir();
    let client = server.client("demo").header("X-User-Id", USER).header("X-Auth-Token", TOKEN);
    let secret = json!({"name": NAME, "payload": PAYLOAD, "payload_content_type": "text/plain"});
    let reference = client.create(&secret);
    assert_eq!(client.payload(&reference, "text/plain").text(), PAYLOAD);
    let outsider = client.header("X-Project-Id", "elsewhere").header("X-Roles", "member");
    for _ in 0..2 {
        assert_eq!(outsider.payload(&reference, "text/plain").status, 403);
    }
    // A receiver whose URL is as good as a password.
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("strongroom.toml");
    let hook_secret = folder.path().join("hook");
    fs::write(&hook_secret, HOOK).unwrap();
    let text = format!(
        "data_dir = {data:?}\n[[audit.forwarders]]\nname = 'siem'\nkind = 'webhook'\nca_file = '/ca'\n\
         url = 'https://ann:{HOOK}@siem.example/{HOOK}'\nsecret_file = {hook_secret:?}\n"
    );
    fs::write(&config, text).unwrap();

    let to = folder.path().join("bundle.json");
    let run =
        || admin(&["--config", config.to_str().unwrap(), "support-bundle", "--to", to.to_str().unwrap()]);
    let made = run();
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o7777, 0o600);
    let text = fs::read_to_string(&to).unwrap();
    let key = fs::read_to_string(data.join("master.key")).unwrap();
    let key = key.lines().nth(1).unwrap().split(' ').nth(2).unwrap().to_owned();
    let hex = hex::encode(STANDARD.decode(&key).unwrap());
    for canary in [PAYLOAD, TOKEN, HOOK, USER, NAME, &key, &hex, &STANDARD.encode(PAYLOAD)] {
        assert!(!text.contains(canary), "{canary} in {text}");
    }

    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["versions"]["schema"]["found"], told["versions"]["schema"]["known"]);
    assert_eq!(told["health"]["database_is_served"], true);
    let refused = json!({"action": "secret.payload.read", "outcome": "refused", "code": "forbidden",
        "rule": "secret:decrypt", "count": 2});
    assert_eq!(told["refusals"], json!([refused]));
    let settings = told["settings"].as_array().unwrap();
    let forwarders = settings.iter().find(|setting| setting["key"] == "audit.forwarders").unwrap();
    assert_eq!(forwarders["value"][0]["url"], "https://siem.example/(left out)");
    let doctor = told["doctor"].as_array().unwrap();
    let forwarded = doctor.iter().find(|found| found["id"] == "AUD-02").unwrap();
    assert_eq!(forwarded["verdict"], "fail", "{forwarded}");
    assert!(forwarded["evidence"].as_str().unwrap().contains("siem has never run"), "{forwarded}");

    // What is there is not overwritten, and what is broken is told.
    assert_eq!(run().code, Some(3));
    fs::remove_file(&to).unwrap();
    server.kill();
    let empty = tempfile::tempdir().unwrap();
    let bare = ["--data-dir", empty.path().to_str().unwrap(), "support-bundle", "--to", to.to_str().unwrap()];
    assert_eq!(admin(&bare).code, Some(0));
    let told: Value = serde_json::from_str(&fs::read_to_string(&to).unwrap()).unwrap();
    assert!(told["versions"]["schema"].is_string() && told["refusals"].is_string(), "{told}");
}
