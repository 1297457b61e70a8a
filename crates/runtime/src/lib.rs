#![doc = include_str!("../README.md")]

mod backends;
mod edge;
mod error;
mod first_run;
mod logging;
mod master_key;
mod orders;
mod parts;
mod policy_file;
mod serve;
mod settings;

pub use error::{RunError, chain};
pub use first_run::{FirstRun, prepare};
pub use logging::start_logging;
pub use master_key::{CanaryVerdict, MasterKeyReport, MasterKeyVerdict, check_master_key, load_master_keys};
pub use policy_file::{PolicyFile, PolicyFileError};
pub use serve::{Serving, serve};
pub use settings::{
    AuditSection, EdgeSection, Flag, IdentityMode, IdentitySection, LogFormat, LogSection, MasterKeySection,
    OrdersSection, PolicySection, Problem, Settings, SettingsError, Shown, Sources, StorageSection,
    StoreKind, StoresSection,
};

/// How the server stopped.
pub use strongroom_edge::Stopping;

/// A value of a [`Flag`].
pub use figment::value::Value;
