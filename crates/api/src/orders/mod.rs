//! `/v1/orders` (spec section 10).

mod input;
mod view;

use http::StatusCode;
use serde_json::json as object;
use strongroom_core::order::OrderQuery;
use strongroom_core::{Error, Missing, OrderId};
use strongroom_edge::away;
use tokio::time::timeout;

use crate::answer::{empty, json, located};
use crate::call::{Call, Handled};

/// `POST /orders`: accepted, and perhaps carried out before the answer leaves.
pub(crate) async fn place(call: &Call<'_>) -> Handled {
    let verdict = call.manager.orders().place(&call.context, || input::new_order(call)).await;
    let mut placed = None;
    let answer = call.answer(verdict, |order| {
        placed = Some(order.id);
        let reference = view::reference(&call.base, order.id);
        located(json(StatusCode::ACCEPTED, &object!({"order_ref": &reference})), &reference)
    });
    if let Some(id) = placed {
        // However it ends, and whether it has ended: what was accepted is accepted.
        away(timeout(call.settings.order_wait, call.manager.orders().ended(id))).await.ok();
    }
    Ok(answer)
}

/// `GET /orders`.
pub(crate) async fn list(call: &Call<'_>) -> Handled {
    let query = OrderQuery { meta: call.query.filled("meta").map(str::to_owned), paging: call.paging() };
    let verdict = call.manager.orders().list(&call.context, query).await;
    Ok(call.answer(verdict, |page| {
        let items = page.items.iter().map(|order| view::document(order, &call.base));
        call.page("orders", "orders", items, page.total)
    }))
}

/// `PUT /orders`: known, and refused to everybody.
pub(crate) async fn update(call: &Call<'_>) -> Handled {
    let verdict = call.manager.orders().refuse_update(&call.context, Error::NoSuchOperation).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

/// `GET /orders/{id}`.
pub(crate) async fn describe(call: &Call<'_>) -> Handled {
    let verdict = call.manager.orders().describe(&call.context, id(call)?).await;
    Ok(call.answer(verdict, |order| json(StatusCode::OK, &view::document(&order, &call.base))))
}

/// `DELETE /orders/{id}`.
pub(crate) async fn delete(call: &Call<'_>) -> Handled {
    let verdict = call.manager.orders().delete(&call.context, id(call)?).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

/// Unlike elsewhere, any text may name an order; one that is no id names none.
fn id(call: &Call<'_>) -> Result<OrderId, Error> {
    call.names.id().map_err(|_| Error::NotFound(Missing::Order))
}
