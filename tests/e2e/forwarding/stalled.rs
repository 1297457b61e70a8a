use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use super::{assert_complete, numbers, server, until};

fn table(port: u16, more: &str) -> String {
    format!(
        "[[audit.forwarders]]\nname = 'siem'\nkind = 'syslog-tcp'\naddress = '127.0.0.1:{port}'\n\
         timeout_seconds = 1\n{more}"
    )
}

/// Accepts connections and never reads from them, until it is dropped.
struct Stalled {
    port: u16,
    stop: mpsc::Sender<()>,
    thread: Option<thread::JoinHandle<TcpListener>>,
}

impl Stalled {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut held = Vec::new();
            while stopped.try_recv().is_err() {
                held.push(listener.accept().unwrap());
            }
            listener
        });
        Self { port, stop, thread: Some(thread) }
    }

    /// Stops stalling: what is connected ends, and the listener is free for somebody who reads.
    fn wake(mut self) -> TcpListener {
        self.stop.send(()).unwrap();
        TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        self.thread.take().unwrap().join().unwrap()
    }
}

/// Reads every connection to its end; gives the journal's lines that came.
fn read_all(listener: TcpListener) -> mpsc::Receiver<String> {
    let (told, lines) = mpsc::channel();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut text = Vec::new();
            if stream.read_to_end(&mut text).is_err() {
                continue;
            }
            let mut rest = text.as_slice();
            // Octet counting: a length, a space, and so many bytes.
            while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
                let length: usize = std::str::from_utf8(&rest[..space]).unwrap().parse().unwrap();
                let message = String::from_utf8(rest[space + 1..][..length].to_vec()).unwrap();
                let at = message.find("] {\"hash\"").unwrap();
                if told.send(message[at + 2..].to_owned()).is_err() {
                    return;
                }
                rest = &rest[space + 1 + length..];
            }
        }
    });
    lines
}

#[test]
fn a_receiver_that_never_reads_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let stalled = Stalled::start();
    let server = server(&folder.path().join("data"), &table(stalled.port, ""));
    let client = server.client("demo");
    until("the delivery has failed", || {
        assert_eq!(client.get("/v1/secrets").status, 200);
        server.log().contains("can't be delivered")
    });
    assert_eq!(client.get("/healthcheck").status, 200);
    let received = read_all(stalled.wake());
    let journal = server.records();
    let mut lines = Vec::new();
    until("all has come", || {
        lines.extend(received.try_iter());
        numbers(lines.iter().map(String::as_str)).len() >= journal.len()
    });
    assert_complete(&journal, &numbers(lines.iter().map(String::as_str))[..journal.len()]);
    assert!(server.stop().success());
}

#[test]
fn rather_no_service_than_one_that_a_required_receiver_does_not_see() {
    let folder = tempfile::tempdir().unwrap();
    let stalled = Stalled::start();
    let tables = table(stalled.port, "required = true\nmax_lag_seconds = 1\n");
    let server = server(&folder.path().join("data"), &tables);
    let client = server.client("demo");
    until("refused", || client.get("/v1/secrets").status == 503);
    let refused = client.get("/v1/secrets");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert_eq!(client.get("/healthcheck").status, 503);
    assert!(server.log().contains("the required forwarder"), "{}", server.log());
    // Nothing of what was refused happened.
    let records = server.records().len();
    assert_eq!(client.json("POST", "/v1/secrets", &serde_json::json!({"name": "no"})).status, 503);
    assert_eq!(server.records().len(), records);

    let received = read_all(stalled.wake());
    until("served again", || client.get("/v1/secrets").status == 200);
    assert_eq!(client.get("/healthcheck").status, 200);
    assert!(received.try_iter().count() > 0);
}
