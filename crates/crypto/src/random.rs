//! Where random bytes come from.

use ring::error::Unspecified;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Fills a buffer. Production code passes [`system`]; the tests of stored formats pass fixed bytes.
pub(crate) type Random<'a> = &'a dyn Fn(&mut [u8]) -> Result<(), Unspecified>;

/// The operating system's generator.
pub(crate) fn system(bytes: &mut [u8]) -> Result<(), Unspecified> {
    SystemRandom::new().fill(bytes)
}
