#![doc = include_str!("../README.md")]

mod cache;
mod cipher;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod envelope;
mod generate;
mod harden;
mod heap;
mod key_file;
mod locked;
mod random;
mod soft;
mod stack;

pub use generate::Algorithms;
pub use harden::{Hardening, harden};
pub use key_file::{KeyFileError, MasterKeys, add_key_version, create_key_file, remove_key_versions};
pub use locked::LockError;
pub use soft::{Caching, SoftBackend};
