//! What becomes of secrets that have expired.

use std::thread;
use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::{Value, json};
use strongroom_tests::{Client, Server};

fn of<'a>(records: &'a [Value], action: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["action"] == action).collect()
}

#[test]
fn an_expired_secret_is_destroyed_when_its_time_is_over_and_others_stay() {
    let server = Server::start_with(&[("EXPIRY__DESTROY_AFTER_DAYS", "0")]);
    let client = server.client("demo");
    let kept = client.create(&json!({"name": "without end"}));
    client.create(&json!({"name": "later", "expiration": after(&client, &kept, 3_600_000)}));
    let soon = after(&client, &kept, 3000);
    let secret = json!({"payload": "s", "payload_content_type": "text/plain", "expiration": soon});
    let gone = client.create(&secret);
    let id = gone.rsplit('/').next().unwrap();

    let deadline = Instant::now() + Duration::from_mins(1);
    let destroyed = loop {
        let records = server.records();
        let told: Vec<_> = of(&records, "secret.destroy").into_iter().cloned().collect();
        if told.len() == 2 {
            break told;
        }
        assert!(Instant::now() < deadline, "it is never destroyed");
        thread::sleep(Duration::from_millis(200));
    };
    for (record, phase) in destroyed.iter().zip(["intent", "outcome"]) {
        assert_eq!((&record["phase"], &record["target"]), (&json!(phase), &json!(format!("secret/{id}"))));
        assert!(record.get("caller").is_none(), "{record}");
    }
    assert_eq!(destroyed[1]["outcome"], "success");
    assert_eq!(client.get(&gone).status, 404);
    assert_eq!(client.total(), 2);
}

/// A time so many milliseconds after that secret was made.
fn after(client: &Client, secret: &str, milliseconds: i64) -> String {
    let made: NaiveDateTime = client.get(secret).value()["created"].as_str().unwrap().parse().unwrap();
    (made + TimeDelta::milliseconds(milliseconds)).format("%FT%T%.6f").to_string()
}
