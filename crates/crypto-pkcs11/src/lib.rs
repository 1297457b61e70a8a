#![doc = include_str!("../README.md")]

mod backend;
mod check;
mod config;
mod drill;
mod error;
mod fault;
mod keeper;
mod link;
mod master;
mod module;
mod pin;
mod provision;
mod seat;
mod slot;
mod token;
mod token_key;
mod worker;

pub use backend::{Pkcs11Backend, TokenState, TokenStatus};
pub use check::{Finding, MasterKeyFound, Severity, TokenReport, check};
pub use config::{Custody, Pkcs11Config, TokenConfig, TokenSelector};
pub use drill::Outage;
pub use error::Pkcs11Error;
pub use pin::PinSource;
pub use provision::generate_master_key;
