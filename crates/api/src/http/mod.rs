//! What the protocol asks for, apart from any resource: headers in, headers and bodies out.

pub(crate) mod accept;
pub(crate) mod body;
pub(crate) mod cors;
pub(crate) mod json;
pub(crate) mod links;
pub(crate) mod microversion;
pub(crate) mod query;
pub(crate) mod request_id;
