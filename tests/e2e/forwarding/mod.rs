//! The journal's records reach other machines: every one, in order, whatever the other side does meanwhile.

pub(crate) mod certificates;
mod http;
mod otlp;
pub(crate) mod rsyslog;
mod stalled;

use std::fs;
use std::path::Path;
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

/// Waits until something is so that nobody announces.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
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
