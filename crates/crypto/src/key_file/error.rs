use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::locked::LockError;

/// Why no master key could be had from a file. No variant shows anything of the file's content.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is no such file.
    #[error(
        "there is no master key file {path}; a key is never made because none was found: an operator makes \
         one with `strongroom-admin master-key generate`",
        path = .path.display()
    )]
    Missing {
        /// The file looked for.
        path: PathBuf,
    },
    /// There is something at the place of the file to be created; it was left as it is.
    #[error("{path} exists already and was left untouched; choose another name", path = .path.display())]
    Exists {
        /// The file that was to be created.
        path: PathBuf,
    },
    /// The path names a folder, a link or anything else but a regular file.
    #[error("{path} is not a regular file; give the path of the file itself", path = .path.display())]
    NotAFile {
        /// What was found instead.
        path: PathBuf,
    },
    /// The mode of the file, or of a folder above it, lets others in.
    #[error(
        "{path} has mode {found:04o}, but {wanted}; run: {mend} {quoted}",
        path = .path.display(),
        quoted = Quoted(.path)
    )]
    Mode {
        /// The file or folder.
        path: PathBuf,
        /// The mode found.
        found: u32,
        /// The mode wanted, as a clause.
        wanted: &'static str,
        /// The command that mends it, but for the path.
        mend: &'static str,
    },
    /// The file, or a folder above it, belongs to somebody else.
    #[error(
        "{path} is owned by user id {found}, but must be owned by {wanted}; run: chown {owner} {quoted}",
        path = .path.display(),
        quoted = Quoted(.path)
    )]
    Owner {
        /// The file or folder.
        path: PathBuf,
        /// The owner found.
        found: u32,
        /// The owner wanted, as a clause.
        wanted: &'static str,
        /// The user id to give it to.
        owner: u32,
    },
    /// No version can be added to the file; it was left as it is.
    #[error(
        "{path} holds as many versions of the master key as it can; take out those that nothing refers to any \
         more, on a copy that you keep",
        path = .path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The highest version can't be taken out; the file was left as it is.
    #[error("version {version} is the newest in {path} and stays there", path = .path.display())]
    Newest {
        /// The file.
        path: PathBuf,
        /// The version.
        version: u32,
    },
    /// The content is not that of a master key file.
    #[error(
        "{path}, line {line}: {reason}; restore the file from its backup, and do not edit it by hand",
        path = .path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line at fault; the first is 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The system refused something.
    #[error("can't {act} {path}", path = .path.display())]
    Io {
        /// What was attempted.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The system gave no random bytes for a new key.
    #[error("the system's random number generator failed; no key was made")]
    Random,
    /// The keys can't be held safely.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl KeyFileError {
    /// For `map_err`: the system refused `act` on `path`.
    pub(super) fn io<E: Into<io::Error>>(act: &'static str, path: &Path) -> impl FnOnce(E) -> Self {
        move |source| Self::Io { act, path: path.to_owned(), source: source.into() }
    }
}

/// A path as a shell reads it.
struct Quoted<'a>(&'a Path);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string_lossy();
        if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+:@".contains(&b)) {
            f.write_str(&text)
        } else {
            write!(f, "'{}'", text.replace('\'', r"'\''"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        for (path, quoted) in
            [("/etc/a-b_c.key", "/etc/a-b_c.key"), ("/a b", "'/a b'"), ("/it's;", r"'/it'\''s;'")]
        {
            assert_eq!(Quoted(Path::new(path)).to_string(), quoted);
        }
    }
}
