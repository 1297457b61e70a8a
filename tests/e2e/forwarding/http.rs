use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ring::hmac;
use serde_json::{Value, json};
use strongroom_tests::program;

use super::{Load, assert_complete, numbers, server, until};
use crate::notices::{Place, Receiver};

const SECRET: &str = "a secret of the webhook's own";

/// A request as it came: its head in lower case, and its body.
type Posted = (String, Vec<u8>);

/// Answers requests with these statuses in turn, the last one for ever.
fn answer_with(statuses: &'static [&'static str]) -> (u16, mpsc::Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, posted) = mpsc::channel();
    thread::spawn(move || {
        let mut statuses = statuses.iter();
        let mut status = "200 OK";
        while let Ok((stream, _)) = listener.accept() {
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap() > 2 {}
            head.make_ascii_lowercase();
            let (_, length) = head.split_once("content-length: ").unwrap();
            let mut body = vec![0; length.lines().next().unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            status = statuses.next().unwrap_or(&status);
            write!(reader.get_mut(), "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").unwrap();
            if status.starts_with("200") && told.send((head, body)).is_err() {
                return;
            }
        }
    });
    (port, posted)
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim()
}

#[test]
fn a_webhook_gets_signed_lines_of_the_journal_again_until_it_takes_them() {
    let folder = tempfile::tempdir().unwrap();
    let (port, posted) = answer_with(&["503 Service Unavailable", "302 Found", "200 OK"]);
    let secret = folder.path().join("secret");
    fs::write(&secret, SECRET).unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o400)).unwrap();
    let tables = format!(
        "[[audit.forwarders]]\nname = 'hook'\nkind = 'webhook'\nurl = 'http://127.0.0.1:{port}/in?x=1'\n\
         secret_file = '{}'\n",
        secret.display()
    );
    let server = server(&folder.path().join("data"), &tables);
    server.client("demo").create(&json!({"name": "n"}));
    let journal = server.records();
    let mut lines = String::new();
    until("all has come", || {
        for (head, body) in posted.try_iter() {
            assert!(head.starts_with("post /in?x=1 "), "{head}");
            let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
            let signed = [header(&head, "x-strongroom-timestamp").as_bytes(), b".", &body].concat();
            let signature = header(&head, "x-strongroom-signature").strip_prefix("sha256=").unwrap();
            hmac::verify(&key, &signed, &hex::decode(signature).unwrap()).unwrap();
            lines += std::str::from_utf8(&body).unwrap();
        }
        numbers(lines.lines()).len() >= journal.len()
    });
    assert_complete(&journal, &numbers(lines.lines())[..journal.len()]);
    assert!(server.log().contains("status 503"), "{}", server.log());

    // A restart goes on where the last run ended.
    let data = server.data_dir().to_owned();
    assert!(server.stop().success());
    posted.try_iter().count();
    let server = super::server(&data, &tables);
    assert_eq!(server.client("demo").get("/v1/secrets").status, 200);
    let newest = server.records().len();
    let (_, body) = posted.recv_timeout(Duration::from_secs(30)).unwrap();
    let first = numbers(std::str::from_utf8(&body).unwrap().lines())[0];
    assert!(usize::try_from(first).unwrap() > journal.len() && usize::try_from(first).unwrap() <= newest + 1);
}

#[test]
fn a_webhook_over_tls_killed_and_restarted_under_load_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path());
    let first = place.webhook(0);
    let port = first.port;
    let server = server(&folder.path().join("data"), &place.forwarder_to_webhook(port));
    let load = Load::on(&server, 2);
    let mut came = Vec::new();
    let mut receiver = first;
    for _ in 0..3 {
        until("more has come", || receiver.taken().len() > 50);
        came.extend(receiver.kill());
        receiver = place.webhook(port);
    }
    drop(load);
    let journal = server.records();
    let all = |receiver: &Receiver| {
        let lines: Vec<_> = came.iter().chain(&receiver.taken()).map(Value::to_string).collect();
        numbers(lines.iter().map(String::as_str))
    };
    until("all has come", || all(&receiver).len() >= journal.len());
    assert_complete(&journal, &all(&receiver)[..journal.len()]);
}

#[test]
fn a_secret_that_others_may_read_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, SECRET).unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o640)).unwrap();
    let file = folder.path().join("strongroom.toml");
    let table = "[[audit.forwarders]]\nname = 'hook'\nkind = 'webhook'\nurl = 'http://127.0.0.1:9/'\n";
    fs::write(&file, format!("{table}secret_file = '{}'\n", secret.display())).unwrap();
    let mut command = program("strongroom-server");
    command.arg("--config").arg(&file).args(["dev", "--listen", "127.0.0.1:0", "--data-dir"]);
    let ended = strongroom_tests::run(command.arg(folder.path().join("data")));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("chmod 0400") && !ended.stderr.contains(SECRET), "{ended:?}");
}

#[test]
fn a_local_file_gets_cadf_events() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cadf.json");
    let table =
        format!("[[audit.forwarders]]\nname = 'cadf'\nkind = 'cadf-file'\nfile = '{}'\n", file.display());
    let server = server(&folder.path().join("data"), &table);
    let client = server.client("demo").header("X-User-Id", "ann");
    let reference = client.create(&json!({"name": "n"}));
    assert_eq!(client.header("X-Roles", "reader").delete(&reference).status, 403);
    let journal = server.records();
    let events = || -> Vec<Value> {
        let text = fs::read_to_string(&file).unwrap_or_default();
        text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
    };
    until("all has come", || events().len() >= journal.len());
    let refused = events().into_iter().find(|event| event["outcome"] == "failure").unwrap();
    assert_eq!((&refused["action"], &refused["initiator"]["id"]), (&json!("delete"), &json!("ann")));
    assert_eq!(
        (&refused["typeURI"], &refused["reason"]["policyId"]),
        (&json!("http://schemas.dmtf.org/cloud/audit/1.0/event"), &json!("secret:delete"))
    );
    assert!(reference.ends_with(refused["target"]["id"].as_str().unwrap()));
}
