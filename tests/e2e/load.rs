//! What is beyond the rates and the capacity that are set.

use std::sync::Barrier;
use std::thread;

use serde_json::json;
use strongroom_tests::Server;

#[test]
fn callers_and_projects_that_ask_too_often_are_told_to_wait_and_counted() {
    for (setting, code) in [("LOAD__CALLER_RATE", "caller-rate"), ("LOAD__PROJECT_RATE", "project-rate")] {
        let burst = setting.replace("_RATE", "_BURST");
        let server =
            Server::start_with(&[(setting, "1"), (&burst, "3"), ("EDGE__REFUSAL_WINDOW_SECONDS", "1")]);
        let one = server.client("demo").header("X-User-Id", "one");
        let two = server.client("demo").header("X-User-Id", "two");
        let mut statuses: Vec<_> = (0..4).map(|_| one.get("/v1/secrets").status).collect();
        assert_eq!(statuses.pop(), Some(429), "{setting}");
        assert_eq!(statuses, [200; 3], "{setting}");
        let other = two.get("/v1/secrets");
        if code == "caller-rate" {
            assert_eq!(other.status, 200);
        } else {
            other.error(429);
            assert_eq!(other.header("retry-after"), Some("1"));
        }
        assert_eq!(server.client("other").get("/v1/secrets").status, 200);
        let refused = loop {
            let records = server.records();
            if let Some(refused) = records.iter().find(|record| record["action"] == "admit") {
                break refused.clone();
            }
            thread::yield_now();
        };
        assert_eq!(refused["reason"]["code"], code);
        assert_eq!(refused["origin"]["address"], "127.0.0.1");
    }
}

#[test]
fn beyond_capacity_some_are_answered_and_the_others_told_to_come_back() {
    let server = Server::start_with(&[("LOAD__MAX_AT_WORK", "1"), ("LOAD__MAX_WAIT_MS", "1")]);
    let client = server.client("demo");
    client.create(&json!({"payload": "s3cret", "payload_content_type": "text/plain"}));
    let begin = Barrier::new(32);
    let mut answered: Vec<_> = thread::scope(|scope| {
        let ask = || {
            begin.wait();
            (0..20).map(|_| client.get("/v1/secrets")).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..32).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let refused: Vec<_> = answered.extract_if(.., |reply| reply.status == 503).collect();
    assert!(answered.iter().all(|reply| reply.status == 200));
    assert!(!answered.is_empty() && !refused.is_empty(), "{} and {}", answered.len(), refused.len());
    assert!(refused.iter().all(|reply| reply.header("retry-after") == Some("1")));
    assert_eq!(client.get("/healthcheck").status, 200);
    let listed = server.records().iter().filter(|record| record["action"] == "secret.list").count();
    assert_eq!(listed, answered.len(), "what was refused was not begun");
}
