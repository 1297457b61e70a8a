//! The journal's records reach other machines: every one, in order, whatever the other side does meanwhile.

pub(crate) mod certificates;
mod http;
mod otlp;
pub(crate) mod rsyslog;
mod stalled;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use strongroom_tests::Server;

/// A server that forwards as these tables of `[[audit.forwarders]]` say.
fn server(data: &Path, forwarders: &str) -> Server {
    let file = data.with_extension("toml");
    fs::write(&file, forwarders).unwrap();
    let mut command = Server::command(data);
    command.arg("--config").arg(&file);
    Server::try_start(command, data).unwrap_or_else(|ended| panic!("no start: {ended:?}"))
}

/// Callers that list their secrets, one list after another, until it is dropped.
struct Load {
    enough: Arc<AtomicBool>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    fn on(server: &Server, callers: usize) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let start = |caller| {
            let (client, enough) = (server.client(&format!("p{caller}")), Arc::clone(&enough));
            thread::spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    assert_eq!(client.get("/v1/secrets").status, 200);
                }
            })
        };
        Self { callers: (0..callers).map(start).collect(), enough }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        let failed = self.callers.drain(..).filter_map(|caller| caller.join().err()).count();
        assert!(failed == 0 || thread::panicking(), "a caller was not answered");
    }
}

/// Waits until something is so that nobody announces.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The numbers of the records, as they came first: what is sent again is left out.
fn numbers<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<u64> {
    let mut seen = Vec::new();
    for line in lines {
        let Ok(record) = serde_json::from_str::<Value>(line) else { continue };
        let number = record["seq"].as_u64().unwrap();
        if !seen.contains(&number) {
            seen.push(number);
        }
    }
    seen
}

/// Every record of the journal came, in order.
fn assert_complete(journal: &[Value], received: &[u64]) {
    let expected: Vec<u64> = journal.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert_eq!(received, expected);
}
