use serde::Serialize;
use strongroom_core::secret::{BitLength, Label};
use strongroom_core::{Secret, SecretView, Timestamp, UserId};

use crate::consumers::Summary;
use crate::http::microversion::Microversion;
use crate::references::{self, Reference};
use crate::settings::BaseUrl;

/// Whether a secret's document shows who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consumers {
    Shown,
    Left,
}

impl Consumers {
    /// What that version of the API does.
    pub(super) fn at(version: Microversion) -> Self {
        if version >= Microversion::V1_1 { Self::Shown } else { Self::Left }
    }
}

/// What is told about a secret (spec section 6.1).
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    created: Timestamp,
    updated: Timestamp,
    status: &'static str,
    name: Option<&'a Label>,
    secret_type: &'static str,
    expiration: Option<Timestamp>,
    algorithm: Option<&'a Label>,
    mode: Option<&'a Label>,
    bit_length: Option<BitLength>,
    creator_id: Option<&'a UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumers: Option<Vec<Summary<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_types: Option<ContentTypes>,
    secret_ref: Reference<'a>,
}

#[derive(Serialize)]
struct ContentTypes {
    default: &'static str,
}

impl<'a> Document<'a> {
    pub(crate) fn of(view: &'a SecretView, base: &'a BaseUrl, consumers: Consumers) -> Self {
        let SecretView { secret, uses } = view;
        let shown = (consumers == Consumers::Shown).then(|| uses.iter().map(Summary::of).collect());
        let Secret { id, created, updated, secret_type, expiration, bit_length, content_type, .. } = *secret;
        Self {
            created,
            updated,
            status: "ACTIVE",
            name: secret.name.as_ref(),
            secret_type: secret_type.as_str(),
            expiration,
            algorithm: secret.algorithm.as_ref(),
            mode: secret.mode.as_ref(),
            bit_length,
            creator_id: secret.creator.as_ref(),
            consumers: shown,
            content_types: content_type.map(|content_type| ContentTypes { default: content_type.as_str() }),
            secret_ref: references::secret(base, id),
        }
    }
}
