//! `/v1/secret-stores` (spec section 14).

use http::StatusCode;
use serde_json::{Value, json as object};
use strongroom_core::store::SecretStore;
use strongroom_core::{Error, Missing, SecretStoreId, Verdict};

use crate::answer::{Answer, empty, json};
use crate::call::{Call, Handled};

/// `GET /secret-stores`, which has neither total nor pages.
pub(crate) async fn list(call: &Call<'_>) -> Handled {
    let verdict = call.manager.stores().list(&call.context).await;
    Ok(call.answer(verdict, |stores| {
        let items: Vec<_> = stores.iter().map(|store| document(call, store)).collect();
        json(StatusCode::OK, &object!({"secret_stores": items}))
    }))
}

/// `GET /secret-stores/global-default`.
pub(crate) async fn global_default(call: &Call<'_>) -> Handled {
    let verdict = call.manager.stores().global_default(&call.context).await;
    Ok(shown(call, verdict))
}

/// `GET /secret-stores/preferred`.
pub(crate) async fn preferred(call: &Call<'_>) -> Handled {
    let verdict = call.manager.stores().preferred(&call.context).await;
    Ok(shown(call, verdict))
}

/// `GET /secret-stores/{id}`.
pub(crate) async fn get(call: &Call<'_>) -> Handled {
    let verdict = call.manager.stores().get(&call.context, id(call)?).await;
    Ok(shown(call, verdict))
}

/// `POST /secret-stores/{id}/preferred`; a body is ignored.
pub(crate) async fn prefer(call: &Call<'_>) -> Handled {
    let verdict = call.manager.stores().prefer(&call.context, id(call)?).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

/// `DELETE /secret-stores/{id}/preferred`.
pub(crate) async fn forget_preference(call: &Call<'_>) -> Handled {
    let verdict = call.manager.stores().forget_preference(&call.context, id(call)?).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

/// Any text may be asked for; what is no id names no store.
fn id(call: &Call<'_>) -> Result<SecretStoreId, Error> {
    SecretStoreId::parse(call.names.name()).map_err(|_| Error::NotFound(Missing::SecretStore))
}

fn shown(call: &Call<'_>, verdict: Verdict<SecretStore>) -> Answer {
    call.answer(verdict, |store| json(StatusCode::OK, &document(call, &store)))
}

fn document(call: &Call<'_>, store: &SecretStore) -> Value {
    object!({
        "created": store.created,
        "updated": store.created,
        "status": "ACTIVE",
        "name": store.names.name,
        "secret_store_plugin": store.names.secret_store_plugin,
        "crypto_plugin": store.names.crypto_plugin,
        "global_default": store.global_default,
        "secret_store_ref": call.base.reference(format_args!("secret-stores/{}", store.id)),
    })
}
