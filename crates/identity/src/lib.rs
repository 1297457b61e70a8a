#![doc = include_str!("../README.md")]

mod certificate;
mod endpoint;
mod error;
mod jwt;
mod keystone;
mod outbound;
mod sources;
mod unauthenticated;

pub use certificate::{CertificateRule, ClientCertificate, InvalidRule, RuleSettings};
pub use endpoint::{Endpoint, InvalidEndpoint, PlainHttp};
pub use error::SetupError;
pub use jwt::{ClaimPath, Claims, InvalidClaimPath, JwtSettings, KeySource, SignedToken, SigningAlgorithm};
pub use keystone::{Keystone, KeystoneDirectory, KeystoneSettings, Named, Standing};
pub use sources::{Source, Sources};
pub use unauthenticated::UnauthenticatedContext;
