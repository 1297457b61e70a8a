//! Connections and processes from their beginning to their end: slow, broken and endless ones, and a stop.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use strongroom_tests::{Server, Wire};

const SOON: Duration = Duration::from_secs(10);

fn head(method: &str, path: &str, length: usize, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: kms\r\nX-Project-Id: demo\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{more}\r\n"
    )
}

fn body(name: &str) -> String {
    json!({"name": name, "payload": "s3cret", "payload_content_type": "text/plain"}).to_string()
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !done() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn names(server: &Server) -> Vec<String> {
    let list = server.client("demo").get("/v1/secrets?limit=100").value();
    let secrets = list["secrets"].as_array().unwrap().iter();
    secrets.map(|secret| secret["name"].as_str().unwrap().to_owned()).collect()
}

/// The changes whose intent is on record, and those whose outcome is.
fn changes(server: &Server) -> [Vec<String>; 2] {
    let records = server.records();
    ["intent", "outcome"].map(|phase| {
        let told = records.iter().filter(|record| record["change"].is_string() && record["phase"] == phase);
        let mut ids: Vec<_> = told.map(|record| record["change"].to_string()).collect();
        ids.sort();
        ids
    })
}

#[test]
fn a_stop_finishes_the_request_at_hand_and_closes_idle_connections() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_in(&data);
    let mut idle = Wire::connect(server.address());
    idle.send(head("GET", "/v1/secrets", 0, "").as_bytes()).unwrap();
    assert_eq!(idle.reply("GET").unwrap().unwrap().status, 200);

    let body = body("in flight");
    let (first, rest) = body.split_at(10);
    let mut slow = TcpStream::connect(server.address()).unwrap();
    slow.set_read_timeout(Some(SOON)).unwrap();
    slow.write_all(head("POST", "/v1/secrets", body.len(), "Expect: 100-continue\r\n").as_bytes()).unwrap();
    // Only once the server wants the body has it begun with the request.
    let mut go_on = [0; 25];
    slow.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    slow.write_all(first.as_bytes()).unwrap();

    kill_process(server.pid(), Signal::TERM).unwrap();
    wait_for("the listener is closed", || TcpStream::connect(server.address()).is_err());
    assert!(idle.reply("GET").unwrap().is_none(), "an idle connection is closed");
    slow.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(server.stop().success());
    assert_eq!(names(&Server::start_in(&data)), ["in flight"]);
}

#[test]
fn a_stop_waits_no_longer_than_it_was_told_to() {
    let server = Server::start_with(&[("API__DRAIN_TIMEOUT_SECONDS", "1")]);
    let mut slow = TcpStream::connect(server.address()).unwrap();
    slow.write_all(head("POST", "/v1/secrets", 100, "Expect: 100-continue\r\n").as_bytes()).unwrap();
    slow.read_exact(&mut [0; 25]).unwrap();
    let begun = Instant::now();
    assert_eq!(server.stop().code(), Some(1), "a stop that cut a request off is told apart");
    assert!((Duration::from_millis(900)..SOON).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

/// Whatever the moment at which the client hangs up: a change that was begun is finished and on record.
#[test]
fn a_client_that_hangs_up_leaves_no_half_effect() {
    let server = Server::start();
    let address = server.address().to_socket_addrs().unwrap().next().unwrap();
    for round in 0..100_u64 {
        let body = body(&format!("round {round}"));
        let mut request = head("POST", "/v1/secrets", body.len(), "");
        request.push_str(&body);
        let cut = if round % 3 == 0 { request.len() - 5 } else { request.len() };
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&request.as_bytes()[..cut]).unwrap();
        if round % 2 == 0 {
            // The connection is reset rather than closed.
            set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
        }
        thread::sleep(Duration::from_micros(round * 20));
        drop(stream);
    }
    // One more request, so that those before it have begun if they ever do.
    server
        .client("demo")
        .create(&json!({"name": "last", "payload": "s3cret", "payload_content_type": "text/plain"}));
    wait_for("every intent has its outcome", || {
        let [intents, outcomes] = changes(&server);
        intents == outcomes
    });
    let records = server.records();
    let recorded = |name: &Value| {
        let ours =
            records.iter().filter(|record| record["action"] == "secret.create" && record["target"] == *name);
        ours.filter(|record| record["outcome"] == "success").count()
    };
    let client = server.client("demo");
    let list = client.get("/v1/secrets?limit=100").value();
    for secret in list["secrets"].as_array().unwrap() {
        let reference = secret["secret_ref"].as_str().unwrap();
        let name = secret["name"].as_str().unwrap();
        assert!(name == "last" || name[6..].parse::<u64>().unwrap() % 3 != 0, "{name} never arrived whole");
        assert_eq!(client.payload(reference, "text/plain").text(), "s3cret");
        let target = reference.replace(&format!("{}/v1/secrets/", server.endpoint()), "secret/");
        assert_eq!(recorded(&target.into()), 1);
    }
    assert_eq!(server.admin(&["audit", "verify"]).code, Some(0));
}

#[test]
fn slow_heads_are_cut_off_while_others_are_served() {
    let server =
        Server::start_with(&[("API__HEADER_TIMEOUT_SECONDS", "1"), ("API__IDLE_TIMEOUT_SECONDS", "2")]);
    let beginnings =
        ["", "P", "PRI * HTTP/2.0\r\n", "GET /v1/secr", "GET /v1/secrets HTTP/1.1\r\nX-Project-Id: de"];
    let slow: Vec<_> = (0..50)
        .map(|number| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.write_all(beginnings[number % beginnings.len()].as_bytes()).unwrap();
            stream.set_read_timeout(Some(SOON)).unwrap();
            stream
        })
        .collect();
    let client = server.client("demo");
    let begun = Instant::now();
    client.create(&json!({"name": "served"}));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    for mut stream in slow {
        let mut answer = Vec::new();
        // Closed or reset; perhaps with a word of why.
        stream.read_to_end(&mut answer).ok();
        assert!(begun.elapsed() < SOON, "{}", String::from_utf8_lossy(&answer));
    }
}

/// A byte every now and then keeps no connection open for longer than a head may take.
#[test]
fn a_head_that_drips_is_cut_off() {
    let server = Server::start_with(&[("API__HEADER_TIMEOUT_SECONDS", "1")]);
    for drop in ["GET / HTTP/1.1\r\nX-A: ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let begun = Instant::now();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut bytes = drop.bytes().take(23).chain(std::iter::repeat(b'a'));
        let closed = loop {
            if begun.elapsed() > Duration::from_secs(4) {
                break false;
            }
            if stream.write_all(&[bytes.next().unwrap()]).is_err() {
                break true;
            }
            match stream.read(&mut [0; 512]) {
                Ok(0) => break true,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => break true,
            }
        };
        assert!(closed, "{drop:?} is still being waited for after {:?}", begun.elapsed());
    }
}

#[test]
fn a_connection_that_has_served_may_rest_for_longer_than_a_head_may_take() {
    let server =
        Server::start_with(&[("API__HEADER_TIMEOUT_SECONDS", "1"), ("API__IDLE_TIMEOUT_SECONDS", "3")]);
    let request = head("GET", "/v1/secrets", 0, "");
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let mut ask = || {
        stream.write_all(request.as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        let silence = stream.read(&mut [0; 1]).unwrap_err();
        assert_eq!(silence.kind(), std::io::ErrorKind::WouldBlock, "{silence}");
    };
    ask();
    ask();
    stream.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "nor does it rest for ever");
}

#[test]
fn slow_bodies_are_cut_off_with_an_answer_while_others_are_served() {
    let server = Server::start_with(&[("API__BODY_TIMEOUT_SECONDS", "1")]);
    let mut slow = Wire::connect(server.address());
    slow.send(head("POST", "/v1/secrets", 1000, "").as_bytes()).unwrap();
    slow.send(b"{\"name\": \"slow").unwrap();
    assert_eq!(server.client("demo").get("/v1/secrets").status, 200);
    let reply = slow.reply("POST").unwrap().unwrap();
    assert_eq!(reply.error(408), "the body did not arrive in time");
    assert!(slow.reply("POST").unwrap().is_none(), "the rest of the body is not waited for");
    assert_eq!(server.client("demo").total(), 0);
    let refused = server.records().into_iter().filter(|record| record["reason"]["code"] == "body-too-slow");
    assert_eq!(refused.count(), 1);
}

#[test]
fn a_client_that_does_not_take_its_answers_is_cut_off() {
    let server = Server::start_with(&[("API__WRITE_TIMEOUT_SECONDS", "1")]);
    let client = server.client("demo");
    let secret = json!({"name": "n".repeat(255)});
    (0..50).for_each(|_| drop(client.create(&secret)));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_write_timeout(Some(SOON)).unwrap();
    let request = head("GET", "/v1/secrets?limit=100", 0, "");
    // Answers pile up until the system takes no more of them; then the server takes no more requests.
    let begun = Instant::now();
    while stream.write_all(request.as_bytes()).is_ok() {
        assert!(begun.elapsed() < Duration::from_mins(1), "it is never cut off");
    }
    assert_eq!(client.total(), 50);
}

#[test]
fn connections_beyond_the_limit_wait_for_one_to_end() {
    let server = Server::start_with(&[("API__MAX_CONNECTIONS", "3"), ("API__IDLE_TIMEOUT_SECONDS", "60")]);
    let request = head("GET", "/v1/secrets", 0, "");
    let mut open: Vec<_> = (0..3)
        .map(|_| {
            let mut wire = Wire::connect(server.address());
            wire.send(request.as_bytes()).unwrap();
            assert_eq!(wire.reply("GET").unwrap().unwrap().status, 200);
            wire
        })
        .collect();
    let mut fourth = Wire::connect(server.address());
    fourth.send(request.as_bytes()).unwrap();
    let (told, answered) = mpsc::channel();
    let waiting = thread::spawn(move || told.send(fourth.reply("GET").unwrap().unwrap().status));
    assert!(answered.recv_timeout(Duration::from_millis(300)).is_err(), "the limit is kept");
    for wire in &mut open {
        wire.send(request.as_bytes()).unwrap();
        assert_eq!(wire.reply("GET").unwrap().unwrap().status, 200, "those at hand are served");
    }
    open.pop();
    assert_eq!(answered.recv_timeout(SOON), Ok(200));
    waiting.join().unwrap().unwrap();
}

#[test]
fn bodies_and_heads_that_are_too_large_are_refused_and_never_read_whole() {
    let server = Server::start();
    for (method, path, status) in [("POST", "/v1/secrets", 400), ("PUT", "/v1/secrets/ID", 413)] {
        let id = server.client("demo").create(&json!({"name": "empty"}));
        let path = path.replace("/v1/secrets/ID", &id[id.find("/v1/").unwrap()..]);
        let head = head(method, &path, 4_000_000_000, "").replace(
            "application/json",
            match method {
                "PUT" => "text/plain",
                _ => "application/json",
            },
        );
        let mut wire = Wire::connect(server.address());
        wire.send(head.as_bytes()).unwrap();
        // The server may stop reading at any moment.
        wire.send(&vec![b' '; 100_000]).ok();
        wire.reply(method).unwrap().unwrap().error(status);
        assert_eq!(server.client("demo").payload(&id, "text/plain").status, 404);
    }
    let endless = "POST /v1/secrets HTTP/1.1\r\nHost: kms\r\nX-Project-Id: demo\r\n\
                   Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut wire = Wire::connect(server.address());
    wire.send(endless.as_bytes()).unwrap();
    let begun = Instant::now();
    while wire.send(format!("1000\r\n{}\r\n", " ".repeat(4096)).as_bytes()).is_ok() {
        assert!(begun.elapsed() < SOON, "the body is read for ever");
    }

    let mut wire = Wire::connect(server.address());
    wire.send(format!("GET / HTTP/1.1\r\nX-Long: {}\r\n\r\n", "a".repeat(100_000)).as_bytes()).ok();
    assert_eq!(wire.reply("GET").unwrap().unwrap().status, 431);
    assert_eq!(names(&server), ["empty", "empty"]);
}

#[test]
fn the_processes_memory_stays_out_of_dumps_and_its_keys_out_of_swap() {
    let server = Server::start();
    server.client("demo").create(&json!({"payload": "s3cret", "payload_content_type": "text/plain"}));
    let proc = format!("/proc/{}", server.pid().as_raw_nonzero());
    let read = |name: &str| fs::read_to_string(format!("{proc}/{name}")).unwrap();
    let limits = read("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"]);
    let locked = read("status").lines().find(|line| line.starts_with("VmLck:")).unwrap().to_owned();
    assert!(locked.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() > 0, "{locked}");
    let smaps = read("smaps");
    let flags = smaps.lines().filter_map(|line| line.strip_prefix("VmFlags:"));
    let locked = flags.filter(|flags| flags.split_whitespace().any(|flag| flag == "lo"));
    let locked: Vec<_> = locked.collect();
    assert!(!locked.is_empty());
    for flags in locked {
        for wanted in ["dd", "dc"] {
            assert!(flags.split_whitespace().any(|flag| flag == wanted), "{wanted} is not among {flags}");
        }
    }
}

/// The kernel shows this by giving the process's files to root; so it takes another user to see it.
#[test]
fn no_debugger_of_the_same_user_may_attach() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    use std::os::unix::process::CommandExt as _;

    let folder = tempfile::tempdir().unwrap();
    let user = if rustix::process::geteuid().is_root() { 65534 } else { rustix::process::geteuid().as_raw() };
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    chown(&data, Some(user), None).unwrap();
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Server::command(&data);
    command.uid(user);
    let server = Server::try_start(command, &data).unwrap_or_else(|ended| panic!("{ended:?}"));
    let maps = format!("/proc/{}/maps", server.pid().as_raw_nonzero());
    assert_eq!(fs::metadata(maps).unwrap().uid(), 0);
}
