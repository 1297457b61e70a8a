//! How every error is told to the client (spec section 4): the only table from errors to status codes.

use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json as object};
use strongroom_core::Error;
use strongroom_core::ports::{BackendError, GenerationError, StorageError};

use crate::answer::{Reply, json, with_body, with_header};
use crate::http::accept;
use crate::operation::{Facts, Operation};

/// The status an error is told by.
fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Forbidden { .. } | Error::QuotaReached | Error::ForeignConsumer => StatusCode::FORBIDDEN,
        Error::Invalid(_) | Error::HasConsumers | Error::Unreadable => StatusCode::BAD_REQUEST,
        Error::NoSuchOperation => StatusCode::METHOD_NOT_ALLOWED,
        Error::Generation(GenerationError::Algorithm | GenerationError::Passphrase) => {
            StatusCode::BAD_REQUEST
        }
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Error::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::Storage(StorageError::Corrupt(_)) | Error::Integrity | Error::Internal(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Error::Backend(BackendError::Unavailable { .. }) | Error::Storage(_) | Error::Audit(_) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        // Other backend errors, and whatever the core adds later.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What the client is told about an error: nothing about keys, rows, files or the code.
fn description(error: &Error, operation: Operation) -> String {
    let Facts { name, schema, .. } = operation.facts();
    match (error, schema) {
        (Error::Forbidden { .. }, _) => {
            format!("{name} attempt not allowed: check the privileges of your user and project.")
        }
        (Error::Invalid(violation), Some(schema)) => format!(
            "Provided object does not match schema '{schema}': {violation}. Invalid property: '{}'",
            violation.property
        ),
        (Error::Unreadable | Error::NoSuchOperation, _) => String::new(),
        (Error::NotFound(_) | Error::Conflict(_) | Error::UnsupportedMediaType, _) => sentence(error),
        (Error::Audit(_) | Error::Storage(_) | Error::Backend(BackendError::Unavailable { .. }), _)
            if status(error) == StatusCode::SERVICE_UNAVAILABLE =>
        {
            format!("{name} is not possible now: {error}. Try again later.")
        }
        _ if error.is_fault() => format!("{name} failed: please contact the administrator of this service."),
        _ => format!("{name} issue seen: {error}."),
    }
}

fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).chain(['.']).collect()
}

/// The reply to a use case's refusal.
pub(crate) fn reply(error: &Error, operation: Operation) -> Reply {
    let mut reply = body(status(error), &Value::from(description(error, operation)));
    if error.is_fault() {
        reply.extensions_mut().insert(Cause(chain(error)));
    }
    match error.retry_after() {
        Some(wait) => with_header(reply, RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1))),
        None => reply,
    }
}

/// Why a reply is what it is, on its way to the operator's log. It never reaches the client.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

/// The error and what caused it, for the log of the operator.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// An error of the application, always JSON (spec section 4.1).
pub(crate) fn body(status: StatusCode, description: &Value) -> Reply {
    let title = title(status);
    json(status, &object!({"code": status.as_u16(), "title": title, "description": description}))
}

/// What somebody is told whom the edge turns away before there is a call, in the words of this API.
pub fn turned_away(status: StatusCode, message: &'static str) -> Reply {
    body(status, &Value::from(message))
}

/// The path names nothing.
pub(crate) fn no_route() -> Reply {
    body(StatusCode::NOT_FOUND, &Value::from(""))
}

/// The resource has no such method; `allow` lists those it has.
pub(crate) fn no_method(allow: Option<&'static str>) -> Reply {
    let reply = body(StatusCode::METHOD_NOT_ALLOWED, &Value::from(""));
    match allow {
        Some(methods) => with_header(reply, ALLOW, HeaderValue::from_static(methods)),
        None => reply,
    }
}

/// No representation that the client accepts.
pub(crate) fn not_acceptable() -> Reply {
    body(StatusCode::NOT_ACCEPTABLE, &Value::Null)
}

/// An error raised outside the application, in the form that `Accept` asks for (spec section 4.2).
pub(crate) fn outer(headers: &HeaderMap, status: StatusCode, message: &str) -> Reply {
    let (code, title) = (status.as_u16(), title(status));
    if accept::raw(headers).is_some() && accept::admits(headers, "text/html") {
        let page = format!(
            "<html>\n <head>\n  <title>{code} {title}</title>\n </head>\n <body>\n  <h1>{code} {title}</h1>\n  \
             {message}\n </body>\n</html>\n"
        );
        with_body(status, HeaderValue::from_static("text/html; charset=UTF-8"), page)
    } else if accept::raw(headers).is_some() && accept::admits(headers, "application/json") {
        json(status, &object!({"message": message, "code": format!("{code} {title}"), "title": title}))
    } else {
        let text = format!("{code} {title}\n\n{message}\n");
        with_body(status, HeaderValue::from_static("text/plain; charset=UTF-8"), text)
    }
}

fn title(status: StatusCode) -> &'static str {
    match status {
        // RFC 9110 renamed it; clients and their tests know the older phrase (spec section 4.1).
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        _ => status.canonical_reason().unwrap_or("Error"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;
    use strongroom_core::ports::AuditError;
    use strongroom_core::{Conflict, Missing, Violation};

    use super::*;

    async fn told(error: Error) -> (u16, Value) {
        let reply = reply(&error, Operation::SecretCreate);
        let status = reply.status().as_u16();
        let bytes = reply.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn every_error_has_its_row() {
        let unavailable =
            BackendError::Unavailable { reason: "canary".to_owned(), retry_after: Duration::from_secs(2) };
        for (error, code, title) in [
            (Error::NotFound(Missing::Secret), 404, "Not Found"),
            (Error::Forbidden { rule: "secret:get" }, 403, "Forbidden"),
            (Error::QuotaReached, 403, "Forbidden"),
            (Error::ForeignConsumer, 403, "Forbidden"),
            (Error::HasConsumers, 400, "Bad Request"),
            (Error::NoSuchOperation, 405, "Method Not Allowed"),
            (Error::Generation(GenerationError::Algorithm), 400, "Bad Request"),
            (Error::Generation(GenerationError::Length), 500, "Internal Server Error"),
            (Error::Invalid(Violation::new("name", "is not a string")), 400, "Bad Request"),
            (Error::Unreadable, 400, "Bad Request"),
            (Error::TooLarge { limit: 1 }, 413, "Request Entity Too Large"),
            (Error::Conflict(Conflict::Payload), 409, "Conflict"),
            (Error::NotAcceptable, 406, "Not Acceptable"),
            (Error::UnsupportedMediaType, 415, "Unsupported Media Type"),
            (Error::Integrity, 500, "Internal Server Error"),
            (Error::Internal("canary"), 500, "Internal Server Error"),
            (Error::Storage(StorageError::Corrupt("canary".to_owned())), 500, "Internal Server Error"),
            (Error::Storage(StorageError::Busy), 503, "Service Unavailable"),
            (Error::Storage(StorageError::Unavailable("canary".to_owned())), 503, "Service Unavailable"),
            (Error::Backend(unavailable), 503, "Service Unavailable"),
            (Error::Backend(BackendError::KeyMissing("canary".to_owned())), 500, "Internal Server Error"),
            (Error::Audit(AuditError { reason: "canary".to_owned() }), 503, "Service Unavailable"),
        ] {
            let (status, body) = told(error).await;
            assert_eq!(status, code);
            assert_eq!(body["code"], code);
            assert_eq!(body["title"], title);
            assert!(body["description"].is_string());
            // What went wrong inside stays inside.
            assert!(!body.to_string().contains("canary"), "{body}");
        }
    }

    #[tokio::test]
    async fn validation_names_schema_reason_and_property() {
        let (_, body) = told(Error::Invalid(Violation::new("name", "is not a string"))).await;
        assert_eq!(
            body["description"],
            "Provided object does not match schema 'Secret': name is not a string. Invalid property: 'name'"
        );
    }

    #[tokio::test]
    async fn the_text_that_clients_look_for_is_there() {
        let reply = reply(&Error::HasConsumers, Operation::SecretDelete);
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let description = body["description"].as_str().unwrap();
        assert!(description.contains("Secret cannot be deleted as it has consumers."), "{description}");
    }

    #[tokio::test]
    async fn errors_of_the_outside_follow_accept() {
        for (accept, content_type, start) in [
            (Some("*/*"), "text/html; charset=UTF-8", "<html>"),
            (Some("application/json"), "application/json", "{"),
            (Some("image/png"), "text/plain; charset=UTF-8", "401 Unauthorized"),
            (None, "text/plain; charset=UTF-8", "401 Unauthorized"),
        ] {
            let headers = accept
                .map(|value| (http::header::ACCEPT, HeaderValue::from_static(value)))
                .into_iter()
                .collect();
            let reply = outer(&headers, StatusCode::UNAUTHORIZED, "No.");
            assert_eq!(reply.headers()["content-type"], content_type);
            let body = reply.into_body().collect().await.unwrap().to_bytes();
            assert!(body.starts_with(start.as_bytes()), "{body:?}");
        }
    }
}
