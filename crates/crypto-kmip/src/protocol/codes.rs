//! The values of lists in use (KMIP 1.4, section 9.1.3.2).

use std::fmt;

/// Advanced Encryption Standard, among the cryptographic algorithms.
pub const AES: u32 = 3;
/// Triple DES, among the cryptographic algorithms.
pub const TRIPLE_DES: u32 = 2;
/// Galois/Counter Mode, among the block cipher modes.
pub const GCM: u32 = 9;
/// RSA, among the cryptographic algorithms.
pub const RSA: u32 = 4;
/// DSA, among the cryptographic algorithms.
pub const DSA: u32 = 5;
/// ECDSA, among the cryptographic algorithms.
pub const ECDSA: u32 = 6;
/// HMAC-SHA1, among the cryptographic algorithms.
pub const HMAC_SHA1: u32 = 7;
/// HMAC-SHA256, among the cryptographic algorithms.
pub const HMAC_SHA256: u32 = 9;
/// HMAC-SHA384, among the cryptographic algorithms.
pub const HMAC_SHA384: u32 = 10;
/// HMAC-SHA512, among the cryptographic algorithms.
pub const HMAC_SHA512: u32 = 11;
/// Raw, among the key formats.
pub const RAW: u32 = 1;
/// PKCS #8, among the key formats.
pub const PKCS_8: u32 = 4;
/// X.509, among the key formats: a SubjectPublicKeyInfo.
pub const X_509: u32 = 5;
/// X.509, among the types of certificates.
pub const X_509_CERTIFICATE: u32 = 1;
/// Opaque, among the key formats.
pub const OPAQUE: u32 = 2;
/// Password, among the types of secret data.
pub const PASSWORD: u32 = 1;
/// No longer needed, among the reasons for a revocation.
pub const CESSATION_OF_OPERATION: u32 = 6;
/// May encrypt and decrypt, as a usage mask.
pub const ENCRYPT_AND_DECRYPT: i32 = 0x04 | 0x08;
/// May be read out, as a usage mask.
pub const EXPORT: i32 = 0x40;
/// May make and verify message authentication codes, as a usage mask.
pub const MAC: i32 = 0x80 | 0x100;

/// Success, among the results.
pub const SUCCESS: u32 = 0;

/// There is no object of that name.
pub const ITEM_NOT_FOUND: u32 = 0x01;
/// A cipher failed: in servers that tell, a wrong tag.
pub const CRYPTOGRAPHIC_FAILURE: u32 = 0x0A;
/// The object's state does not allow it.
pub const ILLEGAL_OPERATION: u32 = 0x0B;
/// The caller may not, or the object's state does not allow it.
pub const PERMISSION_DENIED: u32 = 0x0C;
/// The object has been destroyed (KMIP 2.0, which some servers use at 1.4).
pub const OBJECT_DESTROYED: u32 = 0x36;
/// There is no object of that name (KMIP 2.0, which some servers use at 1.4).
pub const OBJECT_NOT_FOUND: u32 = 0x37;
/// The object's state does not allow it (KMIP 2.0, which some servers use at 1.4).
pub const WRONG_LIFECYCLE_STATE: u32 = 0x43;
/// Anything: in some servers, a wrong tag as well.
pub const GENERAL_FAILURE: u32 = 0x100;

/// What a server can be asked to do. Those that the standard does not have are kept as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation(pub u32);

#[expect(missing_docs, reason = "each has the standard's own name")]
impl Operation {
    pub const CREATE: Self = Self(1);
    pub const REGISTER: Self = Self(3);
    pub const LOCATE: Self = Self(8);
    pub const GET: Self = Self(10);
    pub const GET_ATTRIBUTES: Self = Self(11);
    pub const ACTIVATE: Self = Self(18);
    pub const REVOKE: Self = Self(19);
    pub const DESTROY: Self = Self(20);
    pub const QUERY: Self = Self(24);
    pub const DISCOVER_VERSIONS: Self = Self(30);
    pub const ENCRYPT: Self = Self(31);
    pub const DECRYPT: Self = Self(32);
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::CREATE => "Create",
            Self::REGISTER => "Register",
            Self::LOCATE => "Locate",
            Self::GET => "Get",
            Self::GET_ATTRIBUTES => "Get Attributes",
            Self::ACTIVATE => "Activate",
            Self::REVOKE => "Revoke",
            Self::DESTROY => "Destroy",
            Self::QUERY => "Query",
            Self::DISCOVER_VERSIONS => "Discover Versions",
            Self::ENCRYPT => "Encrypt",
            Self::DECRYPT => "Decrypt",
            Self(other) => return write!(f, "operation {other:#x}"),
        };
        f.write_str(name)
    }
}

/// Where an object is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State(pub u32);

impl State {
    /// In use.
    pub const ACTIVE: Self = Self(2);
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            1 => "pre-active",
            2 => "active",
            3 => "deactivated",
            4 => "compromised",
            5 => "destroyed",
            6 => "destroyed, compromised",
            _ => "in an unknown state",
        })
    }
}
