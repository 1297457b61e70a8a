use std::fs::File;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::error::FileError;
use crate::folder::{Identity, Look};

/// A file that nobody else may touch while it is open here.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) path: PathBuf,
    identity: Identity,
}

impl Watched {
    /// The open file, as it is named now.
    pub(crate) fn new(file: &File, path: PathBuf) -> Result<Self, FileError> {
        let held = Look::into(file).map_err(FileError::when("look at", &path))?;
        Ok(Self { identity: held.identity, path })
    }

    /// Finds out, for the price of two looks at metadata, whether the file is where and as long as it must be.
    pub(crate) fn check(&self, file: &File, expected: u64) -> Result<(), Fault> {
        let held = Look::into(file).map_err(FileError::when("look at", &self.path))?;
        self.check_name()?;
        match held.len {
            len if len < expected => Err(self.tampered(Tampering::Cut { len, expected })),
            len if len > expected => Err(self.tampered(Tampering::Grown { len, expected })),
            _ => Ok(()),
        }
    }

    /// Whether the name still leads to the file.
    pub(crate) fn check_name(&self) -> Result<(), Fault> {
        match Look::at(&self.path) {
            Ok(named) if named.identity == self.identity => Ok(()),
            Ok(_) => Err(self.tampered(Tampering::Replaced)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.tampered(Tampering::Removed)),
            Err(error) => Err(FileError::when("look at", &self.path)(error).into()),
        }
    }

    pub(crate) fn tampered(&self, found: Tampering) -> Fault {
        Fault::Tampered { path: self.path.clone(), found }
    }
}

/// Why nothing can be written into the journal's files any more.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("{}", .0.in_full())]
    File(#[from] FileError),
    #[error("{} was tampered with: {found}", path.display())]
    Tampered { path: PathBuf, found: Tampering },
}

/// What somebody else did to a file that is being written, or to its folder.
#[derive(Debug, Error)]
pub(crate) enum Tampering {
    #[error("it was removed")]
    Removed,
    #[error("another file has taken its place")]
    Replaced,
    #[error("it has {len} bytes of {expected}")]
    Cut { len: u64, expected: u64 },
    #[error("it has {len} bytes, not {expected}")]
    Grown { len: u64, expected: u64 },
    #[error("its records were altered")]
    Altered,
    #[error("another folder has taken its place, or others may write into it")]
    FolderReplaced,
}
