//! `/v1/secrets/{id}/metadata` (spec section 7).

use http::StatusCode;
use serde_json::{Map, Value, json as object};
use strongroom_core::secret::{MetadataKey, MetadataValue, UserMetadata};
use strongroom_core::{Error, Violation};

use crate::answer::{Reply, empty, json, located};
use crate::call::{Call, Handled};
use crate::references;

/// `GET …/metadata`.
pub(crate) async fn all(call: &Call<'_>) -> Handled {
    let verdict = call.manager.metadata().all(&call.context, call.names.id()?).await;
    Ok(call.answer(verdict, |all| {
        let pairs: Map<String, Value> =
            all.iter().map(|(key, value)| (key.as_str().to_owned(), value.as_str().into())).collect();
        json(StatusCode::OK, &object!({"metadata": pairs}))
    }))
}

/// `PUT …/metadata`: replaces the whole set.
pub(crate) async fn replace(call: &Call<'_>) -> Handled {
    let id = call.names.id()?;
    let verdict = call.manager.metadata().replace(&call.context, id, || whole_set(call)).await;
    Ok(call.answer(verdict, |()| {
        let reference = format!("{}/metadata", references::secret(&call.base, id));
        json(StatusCode::CREATED, &object!({"metadata_ref": reference}))
    }))
}

/// `POST …/metadata`: adds one pair.
pub(crate) async fn add(call: &Call<'_>) -> Handled {
    let id = call.names.id()?;
    let verdict = call.manager.metadata().add(&call.context, id, || pair(call)).await;
    Ok(call.answer(verdict, |(key, value)| {
        let reference = format!("{}/metadata/{}", references::secret(&call.base, id), key.as_str());
        located(document(StatusCode::CREATED, &key, &value), &reference)
    }))
}

/// `GET …/metadata/{key}`.
pub(crate) async fn get(call: &Call<'_>) -> Handled {
    let verdict = call.manager.metadata().get(&call.context, call.names.id()?, call.names.part()).await;
    Ok(call.answer(verdict, |(key, value)| document(StatusCode::OK, &key, &value)))
}

/// `PUT …/metadata/{key}`.
pub(crate) async fn set(call: &Call<'_>) -> Handled {
    let (id, key) = (call.names.id()?, call.names.part());
    let verdict = call.manager.metadata().set(&call.context, id, key, || pair(call)).await;
    Ok(call.answer(verdict, |(key, value)| document(StatusCode::OK, &key, &value)))
}

/// `DELETE …/metadata/{key}`.
pub(crate) async fn remove(call: &Call<'_>) -> Handled {
    let verdict = call.manager.metadata().remove(&call.context, call.names.id()?, call.names.part()).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

fn document(status: StatusCode, key: &MetadataKey, value: &MetadataValue) -> Reply {
    json(status, &object!({"key": key.as_str(), "value": value.as_str()}))
}

fn whole_set(call: &Call<'_>) -> Result<UserMetadata, Error> {
    let pairs = call.fields()?.required_object("metadata")?;
    pairs
        .into_map()
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(text) => Ok((MetadataKey::new(&key)?, MetadataValue::new(text)?)),
            _ => Err(Violation::new("metadata", "has a value that is not a string").into()),
        })
        .collect()
}

fn pair(call: &Call<'_>) -> Result<(MetadataKey, MetadataValue), Error> {
    let mut fields = call.fields()?;
    let key = MetadataKey::new(&fields.required_text("key")?)?;
    let value = MetadataValue::new(fields.required_text("value")?.as_str())?;
    if !fields.is_empty() {
        return Err(Violation::new("body", "has properties other than key and value").into());
    }
    Ok((key, value))
}
