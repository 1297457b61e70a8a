//! Source files: short enough to be one idea, and finished.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The most lines a source file may have, tests included.
const MAX_LINES: usize = 700;

/// What no source file may contain. Written in halves, so that this file passes its own rule.
const UNFINISHED: [&str; 3] =
    [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("#[ig", "nore")];

/// Where Rust's guarantees may be lifted: a C library, which tests load as a vendor's.
const MAY_BE_UNSAFE: &str = "tests/faulty-pkcs11/";
const UNSAFE: &str = concat!("expect(unsafe", "_code");

/// Every source file of the workspace that breaks a rule.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for folder in ["crates", "bins", "xtask", "tests"] {
        for path in rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path).display();
            if text.contains(UNSAFE) && !path.starts_with(root.join(MAY_BE_UNSAFE)) {
                problems.push(format!("{name}: lifts the ban on unsafe code"));
            }
            problems.extend(problems_in(&text).into_iter().map(|what| format!("{name}: {what}")));
        }
    }
    Ok(problems)
}

fn problems_in(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let too_long = (lines > MAX_LINES).then(|| format!("has {lines} lines, the limit is {MAX_LINES}"));
    let unfinished =
        UNFINISHED.iter().filter(|mark| text.contains(**mark)).map(|mark| format!("contains `{mark}`"));
    too_long.into_iter().chain(unfinished).collect()
}

/// All Rust sources below a folder, build output excepted.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("can't list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_unfinished_files_are_named() {
        assert_eq!(problems_in(&"line\n".repeat(MAX_LINES)), Vec::<String>::new());
        assert_eq!(problems_in(&"line\n".repeat(MAX_LINES + 1)), ["has 701 lines, the limit is 700"]);
        for mark in UNFINISHED {
            assert_eq!(problems_in(&format!("fn f() {{ {mark}")), [format!("contains `{mark}`")]);
        }
    }

    #[test]
    fn sources_are_found_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("c.rs"), "").unwrap();
        fs::write(deep.join("c.md"), "").unwrap();
        assert_eq!(rust_files(folder.path()).unwrap(), [deep.join("c.rs")]);
    }
}
