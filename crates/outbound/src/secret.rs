use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::SetUpError;

/// Most bytes of a secret, and the room made for it at once, so that no copy is left behind by growing.
const LONGEST: usize = 16 << 10;

/// Reads a file that only its owner may read; what is beyond 16 KiB is no secret of ours.
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, SetUpError> {
    let failed = |source| SetUpError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SetUpError::Exposed { path: path.to_owned(), mode });
    }
    let mut content = Zeroizing::new(Vec::with_capacity(LONGEST));
    file.take(u64::try_from(LONGEST).unwrap_or(u64::MAX)).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}
