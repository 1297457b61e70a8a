use http::StatusCode;
use strongroom_core::{Deletion, Error, Violation};

use crate::answer::empty;
use crate::call::{Call, Handled};
use crate::http::microversion::Microversion;

/// `DELETE /secrets/{id}`; from 1.2 on consumers stand in its way unless it is forced (spec section 6.6).
pub(crate) async fn delete(call: &Call<'_>) -> Handled {
    let verdict = call.manager.secrets().delete(&call.context, call.names.id()?, || how(call)).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

fn how(call: &Call<'_>) -> Result<Deletion, Error> {
    if call.version < Microversion::V1_2 {
        return Ok(Deletion::Anyway);
    }
    let force = call.query.get("force").map(strict_boolean).transpose()?;
    Ok(if force.unwrap_or(false) { Deletion::Anyway } else { Deletion::UnlessUsed })
}

fn strict_boolean(text: &str) -> Result<bool, Violation> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Ok(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Ok(false),
        _ => Err(Violation::new("force", "is not a Boolean")),
    }
}
