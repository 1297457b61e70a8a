use serde_json::{Map, Value};
use strongroom_core::order::{Order, OrderResult, OrderState};
use strongroom_core::{Object, OrderId};

use crate::references;
use crate::settings::BaseUrl;

/// The reference to an order.
pub(super) fn reference(base: &BaseUrl, id: OrderId) -> String {
    base.reference(format_args!("orders/{id}")).to_string()
}

/// What is told about an order (spec section 10.1).
pub(super) fn document(order: &Order, base: &BaseUrl) -> Value {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("created", order.created.to_string().into());
    put("updated", order.updated.to_string().into());
    put("type", order.order_type.as_str().into());
    // It was written by this service, from JSON.
    put("meta", serde_json::from_str(&order.meta).unwrap_or_default());
    put("order_ref", reference(base, order.id).into());
    if let Some(creator) = &order.creator {
        put("creator_id", creator.as_str().into());
    }
    match &order.state {
        OrderState::Pending => {
            put("status", "PENDING".into());
        }
        OrderState::Active(result) => {
            put("status", "ACTIVE".into());
            put("sub_status", "Unknown".into());
            put("sub_status_message", "Unknown".into());
            match *result {
                OrderResult::Secret(id) => put("secret_ref", references::secret(base, id).to_string().into()),
                OrderResult::Container(id) => {
                    put("container_ref", references::object(base, Object::Container(id)).to_string().into())
                }
            };
        }
        OrderState::Failed(failure) => {
            put("status", "ERROR".into());
            put("error_status_code", failure.code.to_string().into());
            put("error_reason", failure.reason().into());
        }
    }
    Value::Object(body)
}
