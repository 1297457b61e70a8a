#![doc = include_str!("../README.md")]

mod backend;
mod client;
mod connection;
mod endpoint;
mod error;
mod form;
mod made;
mod mark;
mod master_key;
mod operator;
pub mod protocol;
mod remote_key;
mod rest;
mod sweep;
mod tls;
pub mod ttlv;
mod vault;

pub use backend::{Custody, KmipBackend};
pub use client::{CertificateEnds, Client, ClientSettings};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use error::KmipError;
pub use master_key::{MasterKeyFileError, MasterKeyObject, MasterKeyObjects};
pub use operator::{MasterKeyReport, ServerReport, create_master_key, inspect};
pub use sweep::MadeObject;
pub use tls::TlsFiles;
