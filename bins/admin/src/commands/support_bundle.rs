use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Value, json};
use strongroom_core::{Clock as _, SystemClock};
use strongroom_runtime::{Settings, Shown, chain, examine, is_served, latest_rotation};
use strongroom_storage::schema_status;

use super::audit::each;
use super::{CommandResult, Ended, row};
use crate::flags::{Filter, Output};
use crate::print;

/// How far back refusals are counted, in seconds.
const WEEK: i64 = 7 * 86_400;

/// `support-bundle`: what somebody needs to know who is to help from afar, and nothing that identifies a caller or
/// opens anything. What can't be looked at is told as such: a bundle is asked for when something is broken.
pub(crate) fn run(
    settings: &Settings,
    shown: &[Shown],
    credentials: Option<&Path>,
    to: &Path,
    output: Output,
) -> CommandResult {
    let findings = examine(settings, credentials, None);
    let bundle = json!({
        "made": SystemClock.now(),
        "versions": {
            "strongroom": env!("CARGO_PKG_VERSION"),
            "system": fs::read_to_string("/proc/version").unwrap_or_default().trim_end(),
            "schema": schema(settings),
        },
        "health": health(settings),
        "settings": shown.iter().map(setting).collect::<Vec<_>>(),
        "doctor": findings,
        "refusals": refusals(settings).unwrap_or_else(|error| json!(chain(error.as_ref()))),
    });
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    file.write_all(&serde_json::to_vec_pretty(&bundle)?)?;
    file.sync_all()?;
    let shown = to.display().to_string();
    let advice = "Read it before you send it: it has host names, paths and networks, and no secret.";
    print::result(output, &json!({"file": shown}), &[row(["file", &shown]), row([advice])])?;
    Ok(Ended::Well)
}

fn schema(settings: &Settings) -> Value {
    match schema_status(&settings.storage.file) {
        Ok(status) => json!({"found": status.found, "known": status.known}),
        Err(error) => json!(chain(&error)),
    }
}

fn health(settings: &Settings) -> Value {
    let served = is_served(settings).map_or_else(|error| json!(chain(&error)), Value::from);
    let rotations = settings.stores.enabled.iter().map(|store| {
        let told = match latest_rotation(settings, &[*store]) {
            Ok(latest) => json!(latest.map(|rotation| {
                json!({"stage": rotation.stage, "paused": rotation.paused, "failed": rotation.failed,
                    "waiting": rotation.waiting, "updated": rotation.updated})
            })),
            Err(error) => json!(chain(&error)),
        };
        (store.backend().to_string(), told)
    });
    json!({"database_is_served": served, "rotations": rotations.collect::<BTreeMap<_, _>>()})
}

fn setting(shown: &Shown) -> Value {
    let mut value = without_paths_of_urls(&shown.value);
    // A decoy that is known to be one catches nobody.
    for rule in value.as_array_mut().filter(|_| shown.key == "alerts.rules").into_iter().flatten() {
        if let Some(secrets) = rule.get_mut("secrets") {
            *secrets = Value::from("(left out)");
        }
    }
    json!({"key": shown.key, "value": value, "source": shown.source})
}

/// No setting is a secret, but the path of a receiver's URL can be, and so can what stands before its host.
fn without_paths_of_urls(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(match text.split_once("://") {
            Some((scheme, rest)) => {
                let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
                let host = place.rsplit('@').next().unwrap_or_default();
                let more = if host.len() < rest.len() { "/(left out)" } else { "" };
                format!("{scheme}://{host}{more}")
            }
            None => text.clone(),
        }),
        Value::Array(items) => items.iter().map(without_paths_of_urls).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), without_paths_of_urls(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// How often what was refused or failed within a week, and why.
fn refusals(settings: &Settings) -> Result<Value, Box<dyn std::error::Error>> {
    let asked = Filter { since: Some(SystemClock.now().plus_seconds(-WEEK)), ..Filter::default() };
    let mut counts: BTreeMap<[String; 4], u64> = BTreeMap::new();
    each(settings, &asked, |ending| {
        let [action, outcome] = ["action", "outcome"].map(|name| ending.text(&[name]));
        let [code, rule] = ["code", "rule"].map(|name| ending.text(&["reason", name]));
        if outcome != "success" {
            *counts.entry([action, outcome, code, rule].map(str::to_owned)).or_default() += 1;
        }
    })?;
    let counts = counts.iter().map(|([action, outcome, code, rule], count)| {
        json!({"action": action, "outcome": outcome, "code": code, "rule": rule, "count": count})
    });
    Ok(counts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoys_are_left_out() {
        let value = json!([{"name": "d", "secrets": ["94c3e0a2"]}, {"name": "r"}]);
        let shown = Shown { key: "alerts.rules", value, source: "test".to_owned() };
        let expected = json!([{"name": "d", "secrets": "(left out)"}, {"name": "r"}]);
        assert_eq!(setting(&shown)["value"], expected);
    }

    #[test]
    fn of_urls_the_host_is_left() {
        for (given, left) in [
            ("https://user:word@siem.example:8080/hook/t0ken?k=v", "https://siem.example:8080/(left out)"),
            ("https://keystone.example:5000", "https://keystone.example:5000"),
            ("https://siem.example?t0ken", "https://siem.example/(left out)"),
            ("/etc/strongroom/master.key", "/etc/strongroom/master.key"),
        ] {
            let table = json!([{"url": given, "required": true}]);
            assert_eq!(without_paths_of_urls(&table), json!([{"url": left, "required": true}]));
        }
    }
}
