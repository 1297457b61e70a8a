//! `/v1/secrets` and what is under each secret but its user metadata, access list and consumers.

mod delete;
mod input;
mod payload;
mod view;

pub(crate) use delete::delete;
pub(crate) use payload::{asks_for_payload, payload, upload};
pub(crate) use view::{Consumers, Document};

use http::StatusCode;
use serde_json::json as object;
use strongroom_core::Violation;

use crate::answer::{json, located};
use crate::call::{Call, Handled};
use crate::references;

/// `POST /secrets`.
pub(crate) async fn create(call: &Call<'_>) -> Handled {
    let verdict = call.manager.secrets().create(&call.context, || input::new_secret(call)).await;
    Ok(call.answer(verdict, |secret| {
        let reference = references::secret(&call.base, secret.id).to_string();
        located(json(StatusCode::CREATED, &object!({"secret_ref": &reference})), &reference)
    }))
}

/// `GET /secrets`.
pub(crate) async fn list(call: &Call<'_>) -> Handled {
    let verdict = call.manager.secrets().list(&call.context, || input::query(call)).await;
    Ok(call.answer(verdict, |page| {
        let consumers = Consumers::at(call.version);
        let items = page.items.iter().map(|view| Document::of(view, &call.base, consumers));
        let kept = call.query.without(&["limit", "offset"]);
        call.page_keeping("secrets", "secrets", items, page.total, &kept)
    }))
}

/// `GET /secrets/{id}` as metadata.
pub(crate) async fn describe(call: &Call<'_>) -> Handled {
    let wanted = call.query.get("transport_key_needed");
    if wanted.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        let reason = "can't be met: no backend has transport keys";
        return Err(Violation::new("transport_key_needed", reason).into());
    }
    let verdict = call.manager.secrets().describe(&call.context, call.names.id()?).await;
    Ok(call.answer(verdict, |view| {
        json(StatusCode::OK, &Document::of(&view, &call.base, Consumers::at(call.version)))
    }))
}
