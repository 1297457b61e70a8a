use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::json;
use strongroom_runtime::Settings;

use super::filter::each;
use super::{CommandResult, Ended, row};
use crate::flags::{Filter, Output, WhoRead};
use crate::print;

/// Callers named as denied most often.
const TOP: usize = 10;

/// `audit report`: how often each action ended how, and who was denied most often.
pub(super) fn run(settings: &Settings, asked: &Filter, output: Output) -> CommandResult {
    let mut counts: BTreeMap<[String; 2], u64> = BTreeMap::new();
    let mut denied: BTreeMap<[String; 3], u64> = BTreeMap::new();
    each(settings, asked, |ending| {
        let outcome = ending.text(&["outcome"]);
        *counts.entry([ending.text(&["action"]), outcome].map(str::to_owned)).or_default() += 1;
        if outcome == "refused" {
            *denied.entry(ending.caller().map(str::to_owned)).or_default() += 1;
        }
    })?;
    let mut denied: Vec<_> = denied.into_iter().collect();
    denied.sort_by_key(|(_, count)| Reverse(*count));
    denied.truncate(TOP);
    let mut rows = vec![row(["COUNT", "WHAT", "OUTCOME", "USER", "PROJECT", "ADDRESS"])];
    rows.extend(
        counts
            .iter()
            .map(|([action, outcome], count)| row([&count.to_string(), action, outcome, "", "", ""])),
    );
    rows.extend(denied.iter().map(|([user, project, address], count)| {
        row([&count.to_string(), "denied caller", "refused", user, project, address])
    }));
    let counts = counts
        .iter()
        .map(|([action, outcome], count)| json!({"action": action, "outcome": outcome, "count": count}));
    let denied = denied.iter().map(|([user, project, address], count)| {
        json!({"user": user, "project": project, "address": address, "count": count})
    });
    let value = json!({"actions": counts.collect::<Vec<_>>(), "denied": denied.collect::<Vec<_>>()});
    print::result(output, &value, &rows)?;
    Ok(Ended::Well)
}

/// `audit who-read`: who was given a secret's payload, how often and when.
pub(super) fn who_read(settings: &Settings, asked: &WhoRead, output: Output) -> CommandResult {
    let filter = Filter {
        secret: Some(asked.secret.clone()),
        action: Some("secret.payload.read".to_owned()),
        outcome: Some("success".to_owned()),
        since: asked.since,
        until: asked.until,
        ..Filter::default()
    };
    let mut readers: BTreeMap<[String; 3], (u64, String, String)> = BTreeMap::new();
    each(settings, &filter, |ending| {
        let at = ending.text(&["at"]).to_owned();
        let known = readers.entry(ending.caller().map(str::to_owned));
        let (count, _, last) = known.or_insert_with(|| (0, at.clone(), at.clone()));
        *count += 1;
        *last = at;
    })?;
    let mut rows = vec![row(["USER", "PROJECT", "ADDRESS", "READS", "FIRST", "LAST"])];
    rows.extend(readers.iter().map(|([user, project, address], (count, first, last))| {
        row([user, project, address, &count.to_string(), first, last])
    }));
    let value = readers.iter().map(|([user, project, address], (count, first, last))| {
        json!({"user": user, "project": project, "address": address, "reads": count, "first": first, "last": last})
    });
    print::result(output, &value.collect::<Vec<_>>(), &rows)?;
    Ok(Ended::Well)
}
