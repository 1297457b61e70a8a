use http::StatusCode;
use strongroom_core::{Error, SecretId, Violation};

use crate::answer::{Answer, empty};
use crate::http::microversion::Microversion;
use crate::pipeline::Call;

/// `DELETE /secrets/{id}`; from 1.2 on `force` is read, and strictly (spec section 6.6).
pub(crate) async fn delete(call: Call<'_>, id: SecretId) -> Answer {
    let condition = || match call.query.get("force") {
        Some(text) if call.version >= Microversion::V1_2 => strict_boolean(text).map(|_force| ()),
        _ => Ok(()),
    };
    let verdict = call.manager.secrets().delete(&call.context, id, condition).await;
    call.answer(verdict, |()| empty(StatusCode::NO_CONTENT))
}

fn strict_boolean(text: &str) -> Result<bool, Error> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Ok(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Ok(false),
        _ => Err(Violation::new("force", "is not a Boolean").into()),
    }
}
