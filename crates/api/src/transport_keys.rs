//! `/v1/transport_keys` (spec section 15).

use http::StatusCode;
use serde_json::{Value, json as object};
use strongroom_core::transport_key::{NewTransportKey, TransportKey};
use strongroom_core::{Error, Timestamp, TransportKeyId};

use crate::answer::{empty, json, located};
use crate::call::{Call, Handled};

/// `GET /transport_keys`.
pub(crate) async fn list(call: &Call<'_>) -> Handled {
    let plugin_name = call.query.filled("plugin_name").map(str::to_owned);
    let verdict = call.manager.transport_keys().list(&call.context, plugin_name, call.paging()).await;
    Ok(call.answer(verdict, |page| {
        let items = page.items.iter().map(|key| reference(call, key.id));
        call.page("transport_keys", "transport_keys", items, page.total)
    }))
}

/// `POST /transport_keys`.
pub(crate) async fn create(call: &Call<'_>) -> Handled {
    let verdict = call.manager.transport_keys().create(&call.context, || new_key(call)).await;
    Ok(call.answer(verdict, |key| {
        let reference = reference(call, key.id);
        located(json(StatusCode::CREATED, &object!({"transport_key_ref": &reference})), &reference)
    }))
}

/// `GET /transport_keys/{id}`.
pub(crate) async fn get(call: &Call<'_>) -> Handled {
    let verdict = call.manager.transport_keys().get(&call.context, call.names.id()?).await;
    Ok(call.answer(verdict, |key| json(StatusCode::OK, &document(&key))))
}

/// `DELETE /transport_keys/{id}`.
pub(crate) async fn delete(call: &Call<'_>) -> Handled {
    let verdict = call.manager.transport_keys().delete(&call.context, call.names.id()?).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

fn reference(call: &Call<'_>, id: TransportKeyId) -> String {
    call.base.reference(format_args!("transport_keys/{id}")).to_string()
}

/// The record as it is stored: unlike everywhere else, times have a space for the `T`.
fn document(key: &TransportKey) -> Value {
    let spaced = |time: Timestamp| time.to_string().replace('T', " ");
    object!({
        "id": key.id,
        "plugin_name": key.key.plugin_name(),
        "transport_key": key.key.transport_key(),
        "status": "ACTIVE",
        "created_at": spaced(key.created),
        "updated_at": spaced(key.created),
        "deleted_at": null,
        "deleted": false,
    })
}

fn new_key(call: &Call<'_>) -> Result<NewTransportKey, Error> {
    let mut fields = call.fields()?;
    let plugin_name = fields.required_text("plugin_name")?;
    Ok(NewTransportKey::new(&plugin_name, &fields.required_text("transport_key")?)?)
}
