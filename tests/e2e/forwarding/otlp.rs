use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::json;
use strongroom_tests::python;

use super::{assert_complete, numbers, server};

struct Receiver(Child);

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn an_otlp_receiver_gets_every_record() {
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/forwarding/otlp_receiver.py");
    let mut receiver = Receiver(python("python").arg(script).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(receiver.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let port = lines.next().unwrap();
    let table = format!(
        "[[audit.forwarders]]\nname = 'otlp'\nkind = 'otlp'\nurl = 'http://127.0.0.1:{port}/v1/logs'\nrequired = true\n"
    );
    let server = server(&folder.path().join("data"), &table);
    server.client("demo").create(&json!({"name": "n"}));
    let journal = server.records();
    let bodies: Vec<String> = lines.take(journal.len()).collect();
    assert_complete(&journal, &numbers(bodies.iter().map(String::as_str)));
}
