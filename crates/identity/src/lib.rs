#![doc = include_str!("../README.md")]

mod endpoint;
mod error;
mod keystone;
mod outbound;
mod sources;
mod unauthenticated;

pub use endpoint::{Endpoint, InvalidEndpoint, PlainHttp};
pub use error::SetupError;
pub use keystone::{Keystone, KeystoneSettings, Named};
pub use sources::{Source, Sources};
pub use unauthenticated::UnauthenticatedContext;
