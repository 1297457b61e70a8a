use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use strongroom_core::{
    ContentType, Error, OpenedPayload, Payload, PayloadFormat, SecretId, Upload, Violation,
};

use crate::answer::{Answer, Reply, empty, with_body};
use crate::http::accept;
use crate::pipeline::Call;

/// Whether `GET /secrets/{id}` means the payload: every `Accept` but three does (spec section 3.2).
pub(crate) fn asks_for_payload(headers: &HeaderMap) -> bool {
    !matches!(accept::raw(headers).as_deref(), None | Some("application/json" | "*/*"))
}

/// `GET /secrets/{id}/payload`, or the older form without `/payload`.
pub(crate) async fn payload(call: Call<'_>, id: SecretId) -> Answer {
    let asked = accept::raw(&call.headers).filter(|value| !value.is_empty());
    let format = || {
        if call.query.filled("trans_wrapped_session_key").is_some() {
            return Err(Violation::new("transport_key_id", "names no transport key").into());
        }
        match asked.as_deref() {
            None => Ok(PayloadFormat::As(ContentType::OctetStream)),
            Some("*/*") => Ok(PayloadFormat::Stored),
            Some(named) => ContentType::parse(named).map(PayloadFormat::As).ok_or(Error::NotAcceptable),
        }
    };
    let verdict = call.manager.secrets().payload(&call.context, id, format).await;
    call.answer(verdict, |opened| bytes(opened, asked.as_deref()))
}

fn bytes(opened: OpenedPayload, asked: Option<&str>) -> Reply {
    if opened.payload.is_empty() {
        return empty(StatusCode::NO_CONTENT);
    }
    let content_type = match opened.content_type {
        ContentType::Text => {
            let charset =
                asked.and_then(|value| value.split_once("charset=")?.1.split(';').next()).unwrap_or("UTF-8");
            HeaderValue::from_str(&format!("text/plain; charset={}", charset.trim()))
                .unwrap_or(HeaderValue::from_static("text/plain; charset=UTF-8"))
        }
        other => HeaderValue::from_static(other.as_str()),
    };
    with_body(StatusCode::OK, content_type, Bytes::from_owner(Outgoing(opened.payload)))
}

/// A payload on its way to the socket, wiped once it is sent.
struct Outgoing(Payload);

impl AsRef<[u8]> for Outgoing {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// `PUT /secrets/{id}` (spec section 6.3).
pub(crate) async fn upload(call: Call<'_>, id: SecretId) -> Answer {
    let upload = || {
        let content_type = match media_type(&call.headers) {
            Some("text/plain") => Some(ContentType::Text),
            Some("application/octet-stream") => Some(ContentType::OctetStream),
            _ => None,
        };
        let body = Payload::new(call.body.bytes.to_vec());
        let encodings: Vec<_> =
            call.headers.get_all(CONTENT_ENCODING).iter().map(|line| line.to_str().unwrap_or("?")).collect();
        let encoding = (!encodings.is_empty()).then(|| encodings.join(", "));
        let upload =
            Upload::from_body(body, content_type, encoding.as_deref(), call.settings.max_secret_bytes)?;
        if call.query.filled("transport_key_id").is_some() {
            return Err(Violation::new("transport_key_id", "names no transport key").into());
        }
        Ok(upload)
    };
    let verdict = call.manager.secrets().upload(&call.context, id, upload).await;
    call.answer(verdict, |()| empty(StatusCode::NO_CONTENT))
}

/// The media type of the body, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}
