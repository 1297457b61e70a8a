//! `/v1/secrets/{id}/metadata` (spec section 7).

use http::StatusCode;
use serde_json::{Map, Value, json as object};
use strongroom_core::secret::{MetadataKey, MetadataValue, UserMetadata};
use strongroom_core::{Error, SecretId, Violation};

use crate::answer::{Answer, Reply, empty, json};
use crate::pipeline::Call;
use crate::secrets::{json_body, located, reference};

/// `GET …/metadata`.
pub(crate) async fn all(call: Call<'_>, id: SecretId) -> Answer {
    let verdict = call.manager.metadata().all(&call.context, id).await;
    call.answer(verdict, |all| {
        let pairs: Map<String, Value> =
            all.iter().map(|(key, value)| (key.as_str().to_owned(), value.as_str().into())).collect();
        json(StatusCode::OK, &object!({"metadata": pairs}))
    })
}

/// `PUT …/metadata`: replaces the whole set.
pub(crate) async fn replace(call: Call<'_>, id: SecretId) -> Answer {
    let verdict = call.manager.metadata().replace(&call.context, id, || whole_set(&call)).await;
    call.answer(verdict, |()| {
        let reference = format!("{}/metadata", reference(&call.base, id));
        json(StatusCode::CREATED, &object!({"metadata_ref": reference}))
    })
}

/// `POST …/metadata`: adds one pair.
pub(crate) async fn add(call: Call<'_>, id: SecretId) -> Answer {
    let verdict = call.manager.metadata().add(&call.context, id, || pair(&call)).await;
    call.answer(verdict, |(key, value)| {
        let reference = format!("{}/metadata/{}", reference(&call.base, id), key.as_str());
        located(document(StatusCode::CREATED, &key, &value), &reference)
    })
}

/// `GET …/metadata/{key}`.
pub(crate) async fn get(call: Call<'_>, id: SecretId, key: &str) -> Answer {
    let verdict = call.manager.metadata().get(&call.context, id, key).await;
    call.answer(verdict, |(key, value)| document(StatusCode::OK, &key, &value))
}

/// `PUT …/metadata/{key}`.
pub(crate) async fn set(call: Call<'_>, id: SecretId, key: &str) -> Answer {
    let verdict = call.manager.metadata().set(&call.context, id, key, || pair(&call)).await;
    call.answer(verdict, |(key, value)| document(StatusCode::OK, &key, &value))
}

/// `DELETE …/metadata/{key}`.
pub(crate) async fn remove(call: Call<'_>, id: SecretId, key: &str) -> Answer {
    let verdict = call.manager.metadata().remove(&call.context, id, key).await;
    call.answer(verdict, |()| empty(StatusCode::NO_CONTENT))
}

fn document(status: StatusCode, key: &MetadataKey, value: &MetadataValue) -> Reply {
    json(status, &object!({"key": key.as_str(), "value": value.as_str()}))
}

fn whole_set(call: &Call<'_>) -> Result<UserMetadata, Error> {
    let pairs = json_body(call)?.object("metadata")?;
    pairs
        .rest()
        .map(|(key, value)| match value {
            Value::String(text) => Ok((MetadataKey::new(&key)?, MetadataValue::new(text)?)),
            _ => Err(Violation::new("metadata", "has a value that is not a string").into()),
        })
        .collect()
}

fn pair(call: &Call<'_>) -> Result<(MetadataKey, MetadataValue), Error> {
    let mut fields = json_body(call)?;
    let key = MetadataKey::new(&fields.required_text("key")?)?;
    let value = MetadataValue::new(fields.required_text("value")?.as_str())?;
    if !fields.is_empty() {
        return Err(Violation::new("body", "has properties other than key and value").into());
    }
    Ok((key, value))
}
