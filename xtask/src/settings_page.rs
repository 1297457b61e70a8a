//! The handbook's page of settings must be true to the server: every setting, with its default.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::{step, workspace};

const PAGE: &str = "docs/src/settings.md";

/// A setting as `config show` prints it.
#[derive(Deserialize)]
struct Shown {
    key: String,
    value: Value,
}

/// Asks the server for its defaults and compares them with the page.
pub(crate) fn check(server: &Path) -> Result<()> {
    let output = step::ours(server).args(["config", "show", "--output", "json"]).output()?;
    ensure!(output.status.success(), "`config show` failed: {}", String::from_utf8_lossy(&output.stderr));
    let shown: Vec<Shown> = serde_json::from_slice(&output.stdout).context("`config show` is not JSON")?;
    let actual = shown.into_iter().map(|setting| (setting.key, setting.value.to_string())).collect();
    let page = fs::read_to_string(workspace::root().join(PAGE))?;
    let problems = differences(&actual, &documented(&page));
    ensure!(problems.is_empty(), "{PAGE} is not true to the server:\n  {}", problems.join("\n  "));
    Ok(())
}

/// The rows of the page's table: setting and default.
fn documented(page: &str) -> BTreeMap<String, String> {
    page.lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split("` | `");
            let key = cells.next()?;
            let default = cells.next()?.split("` |").next()?;
            Some((key.to_owned(), default.to_owned()))
        })
        .collect()
}

fn differences(actual: &BTreeMap<String, String>, documented: &BTreeMap<String, String>) -> Vec<String> {
    let wrong = actual.iter().filter_map(|(key, value)| match documented.get(key) {
        None => Some(format!("{key} is missing")),
        Some(default) if default != value => Some(format!("{key} defaults to {value}, not {default}")),
        Some(_) => None,
    });
    let gone = documented.keys().filter(|key| !actual.contains_key(*key));
    wrong.chain(gone.map(|key| format!("there is no {key}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_wrong_and_invented_settings_are_named() {
        let page = "# Settings\n\n| Setting | Default | Meaning |\n|---|---|---|\n\
                    | `a` | `\"x\"` | good, as `b` is |\n| `b` | `1` | wrong |\n| `d` | `true` | invented |\n";
        let actual = [("a", "\"x\""), ("b", "2"), ("c", "3")];
        let actual = actual.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        assert_eq!(
            differences(&actual, &documented(page)),
            ["b defaults to 2, not 1", "c is missing", "there is no d"]
        );
    }
}
