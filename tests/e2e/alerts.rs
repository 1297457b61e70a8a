//! What looks like an attack is told at once, once, and whoever does it can be kept out for a while.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use strongroom_tests::{Client, Server, eventually};

use crate::forwarding::rsyslog::Rsyslog;
use crate::notices::{KEY, PASSWORD, Place, Receiver, free_port};

const CANARY: &str = "canary-alerts-77b1f0-Zwitscher";

fn server(data: &Path, settings: &str) -> Server {
    let file = data.with_extension("toml");
    fs::write(&file, settings).unwrap();
    let mut command = Server::command(data);
    command.arg("--config").arg(&file);
    Server::try_start(command, data).unwrap_or_else(|ended| panic!("no start: {ended:?}"))
}

fn refusals(by: &str, times: u32, more: &str) -> String {
    format!(
        "[[alerts.rules]]\nname = 'by-{by}'\nkind = 'refusals'\nby = '{by}'\ntimes = {times}\n\
         within_seconds = 60\n{more}\n"
    )
}

/// Is refused so often.
fn be_refused(client: &Client, times: usize) {
    for _ in 0..times {
        assert_eq!(client.header("X-Roles", "nobody").get("/v1/secrets").status, 403);
    }
}

fn summaries(receiver: &Receiver) -> Vec<String> {
    let taken = receiver.taken();
    taken.iter().map(|notice| notice["summary"].as_str().unwrap().to_owned()).collect()
}

/// Records of that action.
fn recorded(server: &Server, action: &str) -> Vec<Value> {
    server.records().into_iter().filter(|record| record["action"] == action).collect()
}

#[test]
fn a_burst_of_refusals_is_told_once_by_every_channel() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path());
    let (webhook, smtp, port) = (place.webhook(0), place.smtp(0), free_port());
    Rsyslog::configure(folder.path(), port);
    let _rsyslog = Rsyslog::start(folder.path(), port);
    let channels = [place.to_webhook(webhook.port), place.to_syslog(port), place.to_smtp(smtp.port)].concat();
    let settings = channels + &refusals("caller", 5, "");
    let server = server(&folder.path().join("data"), &settings);
    let client = server.client("demo").header("X-User-Id", "mallory");
    let payload = json!({"name": "n", "payload": CANARY, "payload_content_type": "text/plain"});
    let secret = client.create(&payload);
    for _ in 0..3 {
        assert_eq!(client.header("X-Roles", "nobody").payload(&secret, "text/plain").status, 403);
    }
    be_refused(&client, 20);
    // Somebody below the bound, and then another burst: when that is told, all else has been.
    be_refused(&server.client("demo").header("X-User-Id", "ann"), 4);
    be_refused(&server.client("demo").header("X-User-Id", "eve"), 5);
    let log = folder.path().join("received");
    let syslog = || fs::read_to_string(&log).unwrap_or_default();
    eventually(|| {
        let eve = |text: &str| text.contains("eve");
        let mails = smtp.taken().iter().any(|mail| eve(mail["text"].as_str().unwrap()));
        summaries(&webhook).iter().any(|summary| eve(summary)) && mails && eve(&syslog())
    });

    let told = "5 requests were refused within 60 s: caller mallory of project demo.";
    assert_eq!(summaries(&webhook), [told, &told.replace("mallory", "eve")]);
    let notice = &webhook.taken()[0];
    assert_eq!((&notice["topic"], &notice["severity"]), (&json!("alert"), &json!("warning")));
    let facts = &notice["facts"];
    assert_eq!((&facts["rule"], &facts["last_user"]), (&json!("by-caller"), &json!("mallory")));
    assert!(facts["last_request_id"].as_str().unwrap().starts_with("req-"), "{facts}");
    let subjects: Vec<_> = smtp.taken().iter().map(|mail| mail["subject"].clone()).collect();
    assert_eq!((subjects.len(), &subjects[0]), (2, &json!(format!("[strongroom] alert: {told}"))));
    assert_eq!(syslog().matches(" alert [strongroom@32473 ").count(), 2, "{}", syslog());
    assert_eq!(syslog().matches(told).count(), 1, "{}", syslog());

    let alerts = recorded(&server, "alert.raise");
    let targets: Vec<_> = alerts.iter().map(|alert| alert["target"].as_str().unwrap()).collect();
    let target = "alert/by-caller: caller mallory of project demo";
    assert_eq!(targets, [target, &target.replace("mallory", "eve")]);
    assert_eq!(alerts[0]["reason"], json!({"code": "refusals-of-caller", "times": 5}));
    let everything = format!("{:?}{:?}{}{}", webhook.taken(), smtp.taken(), syslog(), server.log());
    for secret in [CANARY, KEY, PASSWORD] {
        assert!(!everything.contains(secret), "{secret}");
    }
}

#[test]
fn a_receiver_that_was_down_is_told_after_all() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path());
    let port = free_port();
    let settings = place.to_webhook(port) + &refusals("caller", 3, "");
    let server = server(&folder.path().join("data"), &settings);
    be_refused(&server.client("demo").header("X-User-Id", "mallory"), 3);
    eventually(|| server.log().contains("a notice can't be delivered"));
    let webhook = place.webhook(port);
    eventually(|| summaries(&webhook).len() == 1);
    assert!(server.stop().success());
}

#[test]
fn decoys_and_first_readers_are_told_and_a_restart_forgets_no_reader() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path());
    let webhook = place.webhook(0);
    let data = folder.path().join("data");
    let payload = json!({"name": "n", "payload": CANARY, "payload_content_type": "text/plain"});
    let read = |server: &Server, user: &str, secret: &str| {
        let path = &secret[secret.find("/v1/").unwrap()..];
        let client = server.client("demo").header("X-User-Id", user);
        assert_eq!(client.payload(path, "text/plain").text(), CANARY);
    };
    let quiet = server(&data, "");
    let [decoy, secret] = [0, 1].map(|_| quiet.client("demo").create(&payload));
    read(&quiet, "ann", &secret);
    assert!(quiet.stop().success());

    let settings = place.to_webhook(webhook.port)
        + &format!(
            "[[alerts.rules]]\nname = 'decoys'\nkind = 'decoy'\nsecrets = ['{}']\n\
             [[alerts.rules]]\nname = 'readers'\nkind = 'first-reader'\nolder_than_days = 0\n",
            decoy.rsplit('/').next().unwrap()
        );
    let told = |number: usize| {
        eventually(|| webhook.taken().len() >= number);
        assert_eq!(webhook.taken().len(), number, "{:?}", webhook.taken());
        let notice = webhook.taken()[number - 1].clone();
        let fact = |name: &str| notice["facts"][name].as_str().unwrap().to_owned();
        (fact("rule"), fact("last_user"), notice["severity"].as_str().unwrap().to_owned())
    };
    let expected =
        |rule: &str, user: &str, severity: &str| (rule.to_owned(), user.to_owned(), severity.to_owned());
    let watched = server(&data, &settings);
    read(&watched, "ann", &secret);
    read(&watched, "bob", &secret);
    assert_eq!(told(1), expected("readers", "bob", "warning"));
    // Whoever only asks what the decoy is has come too near.
    let path = &decoy[decoy.find("/v1/").unwrap()..];
    assert_eq!(watched.client("demo").header("X-User-Id", "bob").get(path).status, 200);
    assert_eq!(told(2), expected("decoys", "bob", "critical"));
    assert!(watched.stop().success());

    let watched = server(&data, &settings);
    read(&watched, "bob", &secret);
    read(&watched, "carl", &secret);
    assert_eq!(told(3), expected("readers", "carl", "warning"));
    let everything = format!("{:?}{}", webhook.taken(), watched.log());
    assert!(!everything.contains(CANARY));
}

#[test]
fn a_source_is_locked_out_for_a_while_and_named_networks_never() {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        "[edge]\nproxies = ['127.0.0.1']\nforwarding_headers = 'x-forwarded'\nrefusal_window_seconds = 1\n\
                    [alerts]\nnever_lock_out = ['127.0.0.9']\n"
            .to_owned()
            + &refusals("source", 4, "lock_out_seconds = 10");
    let server = server(&folder.path().join("data"), &settings);
    let from = |address: &str| server.client("demo").header("X-Forwarded-For", address);
    let (mallory, ann, office) = (from("127.0.0.7"), from("127.0.0.8"), from("127.0.0.9"));
    be_refused(&office, 4);
    be_refused(&mallory, 4);
    eventually(|| mallory.get("/v1/secrets").status == 403);
    let locked_out = mallory.get("/v1/secrets");
    locked_out.error(403);
    let wait: u64 = locked_out.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    assert_eq!(ann.get("/v1/secrets").status, 200);
    assert_eq!(office.get("/v1/secrets").status, 200);
    assert_eq!(server.client("demo").get("/v1/secrets").status, 200, "the proxy's own requests");
    eventually(|| mallory.get("/v1/secrets").status == 200);

    let lock_outs = recorded(&server, "lock-out.begin");
    let targets: Vec<_> = lock_outs.iter().map(|record| record["target"].as_str().unwrap()).collect();
    assert_eq!(targets, ["lock-out/by-source: 10 s, source 127.0.0.7"]);
    let mut alerts: Vec<_> =
        recorded(&server, "alert.raise").iter().map(|record| record["target"].to_string()).collect();
    alerts.sort();
    let alert = |address: &str| format!("\"alert/by-source: source {address}\"");
    assert_eq!(alerts, [alert("127.0.0.7"), alert("127.0.0.9")]);
    // What was refused meanwhile is counted, and on record for each window.
    eventually(|| recorded(&server, "admit").iter().any(|record| record["reason"]["code"] == "locked-out"));
}

#[test]
fn a_caller_is_locked_out_wherever_from() {
    let folder = tempfile::tempdir().unwrap();
    let settings = refusals("caller", 4, "lock_out_seconds = 300");
    let server = server(&folder.path().join("data"), &settings);
    let mallory = server.client("demo").header("X-User-Id", "mallory");
    be_refused(&mallory, 4);
    eventually(|| mallory.get("/v1/secrets").status == 403);
    assert!(mallory.get("/v1/secrets").header("retry-after").is_some());
    assert_eq!(server.client("demo").header("X-User-Id", "ann").get("/v1/secrets").status, 200);
    assert_eq!(server.client("other").header("X-User-Id", "mallory").get("/v1/secrets").status, 200);
    let lock_outs = recorded(&server, "lock-out.begin");
    assert_eq!(lock_outs[0]["target"], "lock-out/by-caller: 300 s, caller mallory of project demo");
}
