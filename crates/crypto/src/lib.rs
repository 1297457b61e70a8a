#![doc = include_str!("../README.md")]

mod cache;
mod cipher;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod envelope;
mod harden;
mod key_file;
mod locked;
mod random;
mod soft;
mod stack;

pub use harden::{Hardening, harden};
pub use key_file::{KeyFileError, MasterKeys, create_key_file};
pub use locked::LockError;
pub use soft::{Caching, SoftBackend};
