use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::client::Reply;

/// Every record of a journal, oldest first, as far as its lines are complete.
pub fn records(folder: &Path) -> Vec<Value> {
    let entries = fs::read_dir(folder).expect("the journal is there");
    let mut segments: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    segments.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    segments.sort();
    let text: String = segments.iter().map(|path| fs::read_to_string(path).expect("a segment")).collect();
    let complete = text.rfind('\n').map_or("", |end| text.split_at(end).0);
    complete.lines().map(|line| serde_json::from_str(line).expect("a record is JSON")).collect()
}

/// The records that say how the request ended that was answered by `reply`. A project's key, made on the way
/// by the project's first secret, has records of its own and is not among them.
pub fn outcomes<'a>(records: &'a [Value], reply: &Reply) -> Vec<&'a Value> {
    let id = reply.header("x-openstack-request-id").expect("every response has a request id");
    let ours = records.iter().filter(|record| record["origin"]["request_id"] == id);
    ours.filter(|record| record["phase"] == "outcome" && record["action"] != "project-key.create").collect()
}
