//! Takes versions out of a key file: afterwards the file is the old one or the new one, whole.

use std::path::Path;

use rustix::process::geteuid;
use strongroom_core::ports::MasterKeyVersion;
use zeroize::Zeroizing;

use super::add::{locked, replace};
use super::guard::{Folder, Keeper};
use super::{KeyFileError, format, read};

/// Takes these versions out of a key file, and tells which of them were in it. The highest version stays
/// whatever is asked for; asking for it is an error.
///
/// As careful as [`add_key_version`](super::add_key_version). What is taken out is gone: only a copy of the
/// file can bring it back, and a backup of the database from before the rotation can't be read without it.
pub fn remove_key_versions(
    path: &Path,
    versions: &[MasterKeyVersion],
) -> Result<Vec<MasterKeyVersion>, KeyFileError> {
    let user = geteuid().as_raw();
    let folder = Folder::holding(path, user)?;
    let _lock = locked(&folder).map_err(KeyFileError::io("lock the folder of", path))?;
    let text = read(folder.open_checked(path, Keeper::Service, user)?, path)?;
    let keys = format::parse(&text, path)?;
    let newest = keys.newest().version;
    if versions.contains(&newest) {
        return Err(KeyFileError::Newest { path: path.to_owned(), version: newest.0 });
    }
    let there: Vec<_> = keys.versions().map(|(version, _)| version).collect();
    let removed: Vec<_> = there.iter().copied().filter(|version| versions.contains(version)).collect();
    if removed.is_empty() {
        return Ok(removed);
    }
    // Of the same size, so that it is never moved; behind the header there is a line for each version, in order.
    let mut shrunk = Zeroizing::new(Vec::with_capacity(text.len()));
    let kept = std::iter::once(true).chain(there.iter().map(|version| !removed.contains(version)));
    for (line, kept) in text.split_inclusive(|byte| *byte == b'\n').zip(kept) {
        if kept {
            shrunk.extend_from_slice(line);
        }
    }
    replace(&folder, path, &shrunk)?;
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use strongroom_core::Timestamp;

    use super::super::{MasterKeys, add_key_version, create_key_file};
    use super::*;

    #[test]
    fn only_what_is_asked_for_goes_and_never_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let now = Timestamp::from_micros(0).unwrap();
        create_key_file(&path, now).unwrap();
        add_key_version(&path, now).unwrap();
        add_key_version(&path, now).unwrap();
        let before = fs::read_to_string(&path).unwrap();

        assert!(matches!(
            remove_key_versions(&path, &[MasterKeyVersion(1), MasterKeyVersion(3)]),
            Err(KeyFileError::Newest { version: 3, .. })
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), before);

        let asked = [MasterKeyVersion(1), MasterKeyVersion(9)];
        assert_eq!(remove_key_versions(&path, &asked).unwrap(), [MasterKeyVersion(1)]);
        assert_eq!(remove_key_versions(&path, &asked).unwrap(), []);
        let left: Vec<_> =
            MasterKeys::load(&path).unwrap().versions().map(|(version, _)| version.0).collect();
        assert_eq!(left, [2, 3]);
        let lines: Vec<_> =
            before.lines().enumerate().filter(|(at, _)| *at != 1).map(|(_, line)| line).collect();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().collect::<Vec<_>>(), lines);
    }
}
