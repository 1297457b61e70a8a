//! The handbook's table of contents and its pages must agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

const CONTENTS: &str = "SUMMARY.md";

/// Every page that the table of contents names and that is missing, and every page that it leaves out.
pub(super) fn check(folder: &Path) -> Result<Vec<String>> {
    let contents = folder.join(CONTENTS);
    let text = fs::read_to_string(&contents).with_context(|| format!("can't read {}", contents.display()))?;
    let listed: BTreeSet<_> = links(&text).map(str::to_owned).collect();
    let present = pages(folder, folder)?;
    let missing = listed.difference(&present).map(|page| format!("docs: {page} is listed but missing"));
    let unlisted = present.difference(&listed).map(|page| format!("docs: {page} is not in {CONTENTS}"));
    Ok(missing.chain(unlisted).collect())
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|after| after.split(')').next())
}

/// The pages below a folder, relative to the book's root.
fn pages(root: &Path, folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).with_context(|| format!("can't list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(pages(root, &path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") && !path.ends_with(CONTENTS) {
            found.insert(path.strip_prefix(root)?.display().to_string());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_and_pages_are_compared_both_ways() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in
            [(CONTENTS, "# Summary\n[A](a.md)\n- [B](b.md)\n"), ("a.md", "# A"), ("stray.md", "# C")]
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let problems = check(folder.path()).unwrap();
        assert_eq!(problems, ["docs: b.md is listed but missing", "docs: stray.md is not in SUMMARY.md"]);
    }
}
