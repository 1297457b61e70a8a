//! KMIP messages, apart from how they travel: what is asked and how an answer is judged (KMIP 1.4).

mod attributes;
pub mod codes;
mod message;
mod object;
mod request;
mod response;
pub mod tags;

pub use attributes::Mark;
pub use message::{BatchId, VERSION};
pub use object::{KeyKind, ObjectKind};
pub use request::{Gcm, Request, Window};
pub use response::{Fault, Reply};

#[cfg(test)]
mod tests;
