use serde_json::{Map, Value, json as object};
use strongroom_core::SecretView;
use strongroom_core::secret::Label;

use crate::http::microversion::Microversion;
use crate::settings::BaseUrl;
use crate::{consumers, references};

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
pub(crate) fn document(view: &SecretView, base: &BaseUrl, consumers: Consumers) -> Value {
    let SecretView { secret, uses } = view;
    let label = |label: &Option<Label>| label.as_ref().map(|text| text.as_str().to_owned());
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("created", secret.created.to_string().into());
    put("updated", secret.updated.to_string().into());
    put("status", "ACTIVE".into());
    put("name", label(&secret.name).into());
    put("secret_type", secret.secret_type.as_str().into());
    put("expiration", secret.expiration.map(|at| at.to_string()).into());
    put("algorithm", label(&secret.algorithm).into());
    put("mode", label(&secret.mode).into());
    put("bit_length", secret.bit_length.map(strongroom_core::secret::BitLength::get).into());
    put("creator_id", secret.creator.as_ref().map(|user| user.as_str().to_owned()).into());
    if consumers == Consumers::Shown {
        put("consumers", uses.iter().map(consumers::summary).collect());
    }
    if let Some(content_type) = secret.content_type {
        put("content_types", object!({"default": content_type.as_str()}));
    }
    put("secret_ref", references::secret(base, secret.id).into());
    Value::Object(body)
}
