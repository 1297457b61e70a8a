//! Where random bytes come from.

use pkcs8::rand_core::{TryCryptoRng, TryRng};
use ring::error::Unspecified;
use ring::rand::{SecureRandom as _, SystemRandom};
use strongroom_core::ports::BackendError;
use thiserror::Error;

/// Fills a buffer. Production code passes [`system`]; the tests of stored formats pass fixed bytes.
pub type Random<'a> = &'a dyn Fn(&mut [u8]) -> Result<(), Unspecified>;

/// The operating system's generator.
pub fn system(bytes: &mut [u8]) -> Result<(), Unspecified> {
    SystemRandom::new().fill(bytes)
}

/// Fills a buffer with random bytes of the operating system's generator.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), BackendError> {
    Ok(system(bytes).map_err(|_| NoRandom)?)
}

/// The same generator, for the crates that want it as a value.
pub(crate) struct SystemRng;

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, Error)]
#[error("the system's random number generator failed")]
pub struct NoRandom;

impl From<NoRandom> for BackendError {
    fn from(error: NoRandom) -> Self {
        Self::Denied(error.to_string())
    }
}

impl TryRng for SystemRng {
    type Error = NoRandom;

    fn try_next_u32(&mut self) -> Result<u32, NoRandom> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandom> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoRandom> {
        system(bytes).map_err(|_| NoRandom)
    }
}

impl TryCryptoRng for SystemRng {}
