//! What tells whether two payloads have the same bytes, without opening them.

use std::fmt;

/// A payload's fingerprint as it is stored: masked, so that even two of the same bytes have nothing in common before
/// their project key has taken the mask off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; Self::LEN]);

impl Fingerprint {
    /// Its length in bytes.
    pub const LEN: usize = 16;
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

/// What a payload's bytes are known by under one project key: the same for the same bytes. It is for comparing, in the
/// process that has found it, and neither stored nor told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Material(pub [u8; Fingerprint::LEN]);

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Material(..)")
    }
}
