//! Which objects of the server are the versions of the master key.
//!
//! ```text
//! strongroom-kmip-master-key 1
//! 1 2026-05-16T19:40:44.123456 49a1ca88-6bea-4fb2-b450-7e58802c3038
//! ```
//!
//! One line for each version, lowest first: its number, when it was made, the object's unique identifier.
//! Nothing in it is secret. Objects are never looked for by name: names are not unique, and whoever may make
//! objects on the server could make one of that name.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use strongroom_core::Timestamp;
use strongroom_core::ports::MasterKeyVersion;
use thiserror::Error;

const HEADER: &str = "strongroom-kmip-master-key 1";
/// Longest unique identifier taken, in bytes: those of known servers are well below it.
const LONGEST_UID: usize = 1024;

/// The master key's versions and the objects that they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MasterKeyObjects(BTreeMap<MasterKeyVersion, MasterKeyObject>);

/// One version of the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyObject {
    /// The object's unique identifier in the server.
    pub uid: String,
    /// When it was made.
    pub created: Timestamp,
}

/// Why the file that names the master key's objects can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MasterKeyFileError {
    /// There is no such file.
    #[error(
        "there is no {}: restore it from its backup, or, for a new installation, run \
         `strongroom-admin kmip create-master-key`",
        .0.display()
    )]
    Missing(PathBuf),
    /// There is one already.
    #[error("{} names a master key already; to add a version to it, say --next-version", .0.display())]
    Exists(PathBuf),
    /// Its content is not that of such a file.
    #[error("{}, line {line}: {reason}; restore the file from its backup", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line at fault; the first is 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The system refused something.
    #[error("can't {act} {}", .path.display())]
    Io {
        /// What was attempted.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl MasterKeyObjects {
    /// Reads the file.
    pub fn load(path: &Path) -> Result<Self, MasterKeyFileError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|(line, reason)| MasterKeyFileError::Malformed {
                path: path.to_owned(),
                line,
                reason,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(MasterKeyFileError::Missing(path.to_owned()))
            }
            Err(source) => Err(MasterKeyFileError::Io { act: "read", path: path.to_owned(), source }),
        }
    }

    /// Puts the file in place, whole and durable, or leaves what there was.
    pub fn save(&self, path: &Path) -> Result<(), MasterKeyFileError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = path.with_file_name(name);
        let failed = |act, path: &Path| {
            let path = path.to_owned();
            move |source| MasterKeyFileError::Io { act, path, source }
        };
        // That nobody else is at it is told by the name being free.
        let mut file =
            OpenOptions::new().write(true).create_new(true).open(&fresh).map_err(failed("create", &fresh))?;
        let written = file.write_all(self.render().as_bytes()).and_then(|()| file.sync_all());
        let placed = written.and_then(|()| fs::rename(&fresh, path));
        if placed.is_err() {
            // What is left of an attempt that failed would only be in the next one's way.
            fs::remove_file(&fresh).ok();
        }
        placed.map_err(failed("write", path))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync", folder))
    }

    /// The versions, lowest first.
    pub fn versions(&self) -> impl Iterator<Item = (MasterKeyVersion, &MasterKeyObject)> {
        self.0.iter().map(|(version, object)| (*version, object))
    }

    /// The object that is that version.
    pub fn get(&self, version: MasterKeyVersion) -> Option<&MasterKeyObject> {
        self.0.get(&version)
    }

    /// The highest version.
    pub fn newest(&self) -> Option<(MasterKeyVersion, &MasterKeyObject)> {
        self.0.last_key_value().map(|(version, object)| (*version, object))
    }

    /// With one version more, the next after the highest. An identifier that can't be written down is
    /// refused: `None`.
    #[must_use]
    pub fn with_next(&self, object: MasterKeyObject) -> Option<Self> {
        let number = self.newest().map_or(Some(1), |(version, _)| version.0.checked_add(1))?;
        let mut objects = self.clone();
        is_plain(&object.uid).then(|| {
            objects.0.insert(MasterKeyVersion(number), object);
            objects
        })
    }

    fn render(&self) -> String {
        let line = |(version, object): (MasterKeyVersion, &MasterKeyObject)| {
            format!("{version} {} {}\n", object.created, object.uid)
        };
        self.versions().map(line).fold(format!("{HEADER}\n"), |text, line| text + &line)
    }

    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut lines = (1..).zip(text.split_inclusive('\n'));
        if lines.next().is_none_or(|(_, first)| first.strip_suffix('\n') != Some(HEADER)) {
            return Err((1, "this is not such a file, or one of a later version"));
        }
        let mut objects = BTreeMap::new();
        for (number, line) in lines {
            let fault = |reason| (number, reason);
            let line = line.strip_suffix('\n').ok_or(fault("the line is cut short"))?;
            let mut fields = line.splitn(3, ' ');
            let mut field = || fields.next().ok_or(fault("a line is a version, a time and an identifier"));
            let (version, created, uid) = (field()?, field()?, field()?);
            let number = version.parse::<u32>().ok().filter(|number| *number > 0);
            let number = number.filter(|number| number.to_string() == version);
            let version = MasterKeyVersion(number.ok_or(fault("the version is not a number above 0"))?);
            let created = Timestamp::parse(created).map_err(|_| fault("the time is not one"))?;
            if !is_plain(uid) {
                return Err(fault("the identifier is empty, too long, or not of visible ASCII characters"));
            }
            if objects.last_key_value().is_some_and(|(last, _)| *last >= version) {
                return Err(fault("the versions do not count up"));
            }
            objects.insert(version, MasterKeyObject { uid: uid.to_owned(), created });
        }
        if objects.is_empty() { Err((2, "there is no version")) } else { Ok(Self(objects)) }
    }
}

/// Whether an identifier can be written on a line.
fn is_plain(uid: &str) -> bool {
    !uid.is_empty() && uid.len() <= LONGEST_UID && uid.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(uid: &str) -> MasterKeyObject {
        MasterKeyObject {
            uid: uid.to_owned(),
            created: Timestamp::from_micros(1_700_000_000_123_456).unwrap(),
        }
    }

    #[test]
    fn versions_are_added_and_survive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kmip-master-key");
        assert!(matches!(MasterKeyObjects::load(&path), Err(MasterKeyFileError::Missing(_))));
        let one = MasterKeyObjects::default().with_next(object("7")).unwrap();
        one.save(&path).unwrap();
        assert_eq!(MasterKeyObjects::load(&path).unwrap(), one);
        let two = one.with_next(object("a-b")).unwrap();
        two.save(&path).unwrap();
        let read = MasterKeyObjects::load(&path).unwrap();
        assert_eq!(read.newest(), Some((MasterKeyVersion(2), &object("a-b"))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        for bad in ["", "a b", "a\nb", "ä"] {
            assert_eq!(one.with_next(object(bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn each_fault_names_its_line() {
        let time = "2026-05-16T19:40:44.123456";
        for (text, line) in [
            (String::new(), 1),
            ("strongroom-kmip-master-key 2\n".to_owned(), 1),
            (format!("{HEADER}\n"), 2),
            (format!("{HEADER}\n1 {time} 7"), 2),
            (format!("{HEADER}\n1 {time}\n"), 2),
            (format!("{HEADER}\n0 {time} 7\n"), 2),
            (format!("{HEADER}\n+1 {time} 7\n"), 2),
            (format!("{HEADER}\n1 today 7\n"), 2),
            (format!("{HEADER}\n1 {time} 7\n1 {time} 8\n"), 3),
            (format!("{HEADER}\n1 {time} 7\n2 {time} a b\n"), 3),
        ] {
            assert_eq!(MasterKeyObjects::parse(&text).unwrap_err().0, line, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(uids in prop::collection::vec("[!-~]{1,40}", 1..5)) {
            let objects = uids.iter().try_fold(MasterKeyObjects::default(), |all, uid| all.with_next(object(uid)));
            let objects = objects.unwrap();
            prop_assert_eq!(MasterKeyObjects::parse(&objects.render()), Ok(objects));
        }

        #[test]
        fn whatever_is_read_is_written_the_same(text in "strongroom-kmip-master-key 1\n[0-9 :.T\\-a-z\n]{0,80}") {
            if let Ok(objects) = MasterKeyObjects::parse(&text) {
                prop_assert_eq!(MasterKeyObjects::parse(&objects.render()), Ok(objects));
            }
        }
    }
}
