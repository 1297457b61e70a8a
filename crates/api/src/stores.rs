//! `/v1/secret-stores` (spec section 14). There is one store, so the API's part about several is off: whoever
//! may ask is told that there is nothing, and what names a store is not found by anybody.

use http::StatusCode;
use strongroom_core::StoreQuestion;

use crate::answer::empty;
use crate::call::{Call, Handled};

/// `GET /secret-stores`, `…/global-default` and `…/preferred`.
pub(crate) async fn ask(call: &Call<'_>, question: StoreQuestion) -> Handled {
    let verdict = call.manager.stores().ask(&call.context, question).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}
