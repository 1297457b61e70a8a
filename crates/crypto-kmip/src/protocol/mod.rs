//! KMIP messages, apart from how they travel: what is asked and how an answer is judged (KMIP 1.4).

pub mod codes;
mod message;
mod request;
mod response;
pub mod tags;

pub use message::{BatchId, VERSION};
pub use request::{Gcm, KeyKind, ObjectKind, Request};
pub use response::{Fault, Reply};

#[cfg(test)]
mod tests;
