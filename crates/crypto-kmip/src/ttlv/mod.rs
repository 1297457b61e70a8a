//! The encoding of KMIP messages: tag, type, length, value (KMIP 1.4, section 9.1). Bytes in, bytes out.
//!
//! One form for every item: what decodes encodes to the very same bytes. So nothing can hide in an
//! encoding, and a message is judged by its items alone.

mod decode;
mod encode;
mod item;

pub use decode::{DecodeError, MAX_DEPTH, MAX_MESSAGE, decode, message_length};
pub use encode::encode;
pub use item::{Item, Tag, Value};

#[cfg(test)]
mod tests;
