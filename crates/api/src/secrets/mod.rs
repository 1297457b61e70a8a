//! `/v1/secrets` and what is under each secret but its user metadata.

mod delete;
mod input;
mod payload;
mod view;

pub(crate) use delete::delete;
pub(crate) use input::json_body;
pub(crate) use payload::{asks_for_payload, payload, upload};
pub(crate) use view::reference;

use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use serde_json::{Map, Value, json as object};
use strongroom_core::SecretId;

use crate::answer::{Answer, Reply, json, with_header};
use crate::http::links::{add_paging, paging};
use crate::pipeline::Call;

/// `POST /secrets`.
pub(crate) async fn create(call: Call<'_>) -> Answer {
    let new = || input::new_secret(&call);
    let verdict = call.manager.secrets().create(&call.context, new).await;
    call.answer(verdict, |secret| {
        let reference = reference(&call.base, secret.id);
        located(json(StatusCode::CREATED, &object!({"secret_ref": &reference})), &reference)
    })
}

/// `GET /secrets`.
pub(crate) async fn list(call: Call<'_>) -> Answer {
    let paging = paging(call.settings, &call.query);
    let query = || input::query(&call, paging);
    let verdict = call.manager.secrets().list(&call.context, query).await;
    call.answer(verdict, |page| {
        let items: Vec<_> =
            page.items.iter().map(|secret| view::document(secret, &call.base, call.version)).collect();
        let mut body = Map::new();
        let kept = call.query.without(&["limit", "offset"]);
        add_paging(&mut body, &call.base.reference("secrets"), paging, items.len(), page.total, &kept);
        body.insert("secrets".to_owned(), Value::Array(items));
        json(StatusCode::OK, &body)
    })
}

/// `GET /secrets/{id}` as metadata.
pub(crate) async fn describe(call: Call<'_>, id: SecretId) -> Answer {
    let verdict = call.manager.secrets().describe(&call.context, id).await;
    call.answer(verdict, |secret| json(StatusCode::OK, &view::document(&secret, &call.base, call.version)))
}

/// The reply with a `Location`, unless the base URL can't be a header.
pub(crate) fn located(reply: Reply, reference: &str) -> Reply {
    match HeaderValue::from_str(reference) {
        Ok(value) => with_header(reply, LOCATION, value),
        Err(_) => reply,
    }
}
