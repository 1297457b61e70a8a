//! What a server shows of itself: numbers that add up, the ways of requests, and whether it is ready. Nothing secret in
//! any of it.

mod collected;
mod operator;
mod scraped;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;
use strongroom_tests::{Client, Server, eventually, python};

const PAYLOAD: &str = "canary-payload-77d1e0c2-Zwitscher";
const NAME: &str = "canary-name-4be2a91f-Zwitscher";
const TOKEN: &str = "gAAAAA-canary-token-31aa07de";

/// A server in that folder with these settings besides.
fn server(data: &Path, settings: &[(&str, &str)]) -> Server {
    let mut command = Server::command(data);
    command.envs(settings.iter().map(|(name, value)| (format!("STRONGROOM_{name}"), value)));
    Server::try_start(command, data).unwrap_or_else(|ended| panic!("no start: {ended:?}"))
}

/// A client of the operator's listener, which the server's log tells.
fn operator(server: &Server) -> Client {
    let told = || {
        let log = server.log();
        let (_, rest) = log.split_once("operator=")?;
        Some(rest.split_once('\n')?.0.to_owned())
    };
    // The log is read beside what the server prints.
    eventually(|| told().is_some());
    Client::new(&told().unwrap())
}

/// One sample of a scrape.
#[derive(Debug)]
struct Sample {
    family: String,
    kind: String,
    name: String,
    labels: Value,
    value: f64,
}

/// What Prometheus' own parser makes of the metrics.
fn scrape(operator: &Client) -> Vec<Sample> {
    let reply = operator.get("/metrics");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/telemetry/prometheus.py");
    let mut command = python("python");
    let mut parser = command
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = parser.stdin.take().unwrap();
    let writing = thread::spawn(move || input.write_all(&reply.body));
    let output = parser.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |line: &str| {
        let [family, kind, name, labels, value]: [Value; 5] = serde_json::from_str(line).unwrap();
        let text = |value: Value| value.as_str().unwrap().to_owned();
        let value = value.as_f64().unwrap();
        Sample { family: text(family), kind: text(kind), name: text(name), labels, value }
    };
    String::from_utf8(output.stdout).unwrap().lines().map(read).collect()
}

/// The sum of the series of that name whose labels have these values.
fn sum(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |sample: &&Sample| {
        sample.name == name && labels.iter().all(|(label, value)| sample.labels[*label] == *value)
    };
    samples.iter().filter(fits).map(|sample| sample.value).sum()
}

/// A collector at work, and what it has been sent so far.
struct Collector {
    process: Child,
    port: String,
    received: Arc<Mutex<Vec<Value>>>,
}

impl Collector {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/telemetry/collector.py");
        let mut process = python("python").arg(script).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.next().unwrap();
        let received = Arc::<Mutex<Vec<Value>>>::default();
        let kept = Arc::clone(&received);
        thread::spawn(move || {
            for line in lines {
                kept.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { process, port, received }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The `metric`s or the `span`s so far.
    fn received(&self, kind: &str) -> Vec<Value> {
        let received = self.received.lock().unwrap();
        received.iter().map(|item| item[kind].clone()).filter(|item| !item.is_null()).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn assert_no_canary(text: &str) {
    for canary in [PAYLOAD, NAME, TOKEN] {
        assert!(!text.contains(canary), "{canary} is in {text}");
    }
}
