#![doc = include_str!("../README.md")]

mod backup;
mod cache;
mod cipher;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod envelope;
mod generate;
mod harden;
mod heap;
mod held;
mod key_file;
mod locked;
pub mod random;
mod soft;
mod stack;

pub use backup::{BackupError, Identities, KeyBackup, Recipients, Shares, back_up_key_file, split_identity};
pub use envelope::elsewhere::{RemoteBox, RemoteParts};
pub use envelope::receipt::Receipt;
pub use generate::{Algorithms, Generator};
pub use harden::{Hardening, harden};
pub use held::{HeldKey, HeldKeys};
pub use key_file::{
    KeyFileError, MasterKeys, add_key_version, create_key_file, read_private_credential, read_private_file,
    remove_key_versions,
};
pub use locked::{KEY_LEN, LockError};
pub use random::fill_random;
pub use soft::{Caching, SoftBackend};
