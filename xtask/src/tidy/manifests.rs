//! What every package's manifest takes from the workspace: version, edition, lints and dependencies.

use std::fs;

use anyhow::{Context as _, Result};
use cargo_metadata::Metadata;
use toml::{Table, Value};

/// Every manifest that goes its own way, and every library or binary without a README.
pub(super) fn check(metadata: &Metadata) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let path = package.manifest_path.as_std_path();
        let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        let manifest: Table = text.parse().with_context(|| format!("can't parse {}", path.display()))?;
        problems.extend(problems_in(&manifest).into_iter().map(|what| format!("{}: {what}", package.name)));
        let in_crates =
            path.parent().and_then(|folder| folder.parent()).is_some_and(|up| up.ends_with("crates"));
        if in_crates && !path.with_file_name("README.md").is_file() {
            problems.push(format!("{}: has no README.md", package.name));
        }
    }
    Ok(problems)
}

fn problems_in(manifest: &Table) -> Vec<String> {
    let mut problems = Vec::new();
    if !from_workspace(manifest.get("lints")) {
        problems.push("has no `[lints] workspace = true`".to_owned());
    }
    for field in ["version", "edition", "rust-version", "license"] {
        if !from_workspace(manifest.get("package").and_then(|package| package.get(field))) {
            problems.push(format!("`{field}` is not taken from the workspace"));
        }
    }
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    for table in targets.filter_map(|(_, target)| target.as_table()).chain([manifest]) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let dependencies = table.get(kind).and_then(Value::as_table).into_iter().flatten();
            problems.extend(
                dependencies.filter(|(_, dependency)| !from_workspace(Some(dependency))).map(|(name, _)| {
                    format!("`{name}` in [{kind}] is not taken from [workspace.dependencies]")
                }),
            );
        }
    }
    problems
}

fn from_workspace(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
        [package]
        name = 'x'
        version.workspace = true
        edition.workspace = true
        rust-version.workspace = true
        license.workspace = true
        [dependencies]
        serde = { workspace = true, features = ['rc'] }
        [lints]
        workspace = true
    ";

    fn problems(text: &str) -> Vec<String> {
        problems_in(&text.parse().unwrap())
    }

    #[test]
    fn a_manifest_that_takes_all_from_the_workspace_passes() {
        assert_eq!(problems(GOOD), Vec::<String>::new());
    }

    #[test]
    fn each_departure_is_named() {
        for (from, to, expected) in [
            ("edition.workspace = true", "edition = '2021'", "`edition` is not taken"),
            ("[lints]\n        workspace = true", "", "has no `[lints] workspace = true`"),
            ("[dependencies]", "[dependencies]\nhex = '0.4'", "`hex` in [dependencies]"),
            (
                "[lints]",
                "[dev-dependencies]\nhex = { path = '../hex' }\n[lints]",
                "`hex` in [dev-dependencies]",
            ),
            ("[lints]", "[target.'cfg(unix)'.dependencies]\nhex = '1'\n[lints]", "`hex` in [dependencies]"),
        ] {
            let changed = GOOD.replace(from, to);
            assert_ne!(changed, GOOD, "{from}");
            let found = problems(&changed);
            assert!(matches!(found.as_slice(), [one] if one.starts_with(expected)), "{to}: {found:?}");
        }
    }
}
