//! The liveness check (spec section 2.4). It says nothing about any secret and is asked every few seconds
//! by machines, so it is the one request that goes unrecorded.

use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json as object;
use strongroom_core::KeyManager;

use crate::answer::{Reply, json, with_body};
use crate::http::accept;
use crate::settings::ApiSettings;

/// 200 while the service can do its work, 503 with the reason while it can't.
pub(crate) async fn check(manager: &KeyManager, settings: &ApiSettings, headers: &HeaderMap) -> Reply {
    let disabled = settings.disable_file.as_ref().is_some_and(|file| file.exists());
    let (status, reason) = if disabled {
        (StatusCode::SERVICE_UNAVAILABLE, "DISABLED BY FILE")
    } else {
        let ailments = manager.ailments().await;
        if ailments.is_empty() {
            (StatusCode::OK, "OK")
        } else {
            tracing::warn!(?ailments, "the health check fails");
            (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE")
        }
    };
    if accept::raw(headers).is_some()
        && accept::quality(headers, "application/json") > accept::quality(headers, "text/plain")
    {
        json(status, &object!({"detailed": false, "reasons": [reason]}))
    } else {
        with_body(status, HeaderValue::from_static("text/plain; charset=UTF-8"), reason)
    }
}
