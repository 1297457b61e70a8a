use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ledger::Ledger;

/// The journal tells of every change once that it was intended and once how it ended, and the secrets that it
/// says there are, are those that there are.
pub(super) fn check(records: &[Value], ledgers: &[Ledger]) {
    let mut changes: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    let mut by_request: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for record in records.iter().filter(|record| record["outcome"] != "unknown") {
        if let Some(change) = record["change"].as_str() {
            changes.entry(change).or_default().push(record);
            if let Some(id) = record["origin"]["request_id"].as_str() {
                by_request.entry(id).or_default().push(record);
            }
        }
    }
    for told in changes.values() {
        let phases: Vec<_> = told.iter().map(|record| record["phase"].as_str().unwrap()).collect();
        assert_eq!(phases, ["intent", "outcome"], "a change is to be told of twice: {told:#?}");
    }
    for id in ledgers.iter().flat_map(|ledger| &ledger.acknowledged) {
        let told = by_request[id.as_str()].iter().filter(|record| record["action"] != "project-key.create");
        let told: Vec<_> = told.map(|record| (&record["phase"], &record["outcome"])).collect();
        assert_eq!(told.len(), 2, "{id}: {told:?}");
        assert_eq!(told[1].1, "success", "{id}");
    }
    assert_eq!(by_the_journal(changes.values()), by_the_ledgers(ledgers));
}

/// The targets of all creations that happened, without those of deletions that did.
fn by_the_journal<'a>(changes: impl Iterator<Item = &'a Vec<&'a Value>>) -> BTreeSet<String> {
    let (mut created, mut deleted) = (BTreeSet::new(), BTreeSet::new());
    for told in changes {
        if !["success", "settleddone"].contains(&told[1]["outcome"].as_str().unwrap()) {
            continue;
        }
        let target = told[0]["target"].as_str().map(str::to_owned);
        match told[0]["action"].as_str() {
            Some("secret.create") => created.extend(target),
            Some("secret.delete") => deleted.extend(target),
            _ => {}
        }
    }
    created.difference(&deleted).cloned().collect()
}

fn by_the_ledgers(ledgers: &[Ledger]) -> BTreeSet<String> {
    let all = ledgers.iter().flat_map(|ledger| &ledger.secrets);
    let there = all.filter(|(_, entry)| entry.content.is_some());
    there.map(|(path, _)| path.replace("/v1/secrets/", "secret/")).collect()
}
