//! What a secret is: its fields, their rules, and the questions one can ask of many.

mod attributes;
mod base64;
mod content;
mod metadata;
mod new;
mod payload;
mod query;
mod record;

pub(crate) use base64::decode_leniently;

pub use attributes::{BitLength, Label, SecretType};
pub use content::{ContentType, PayloadFormat};
pub use metadata::{MetadataKey, MetadataValue, UserMetadata};
pub use new::{NewPayload, NewSecret, Upload};
pub use payload::Payload;
pub use query::{DateFilter, DateTerm, Page, Paging, SecretQuery, Sort, SortField, SortKey};
pub use record::Secret;
