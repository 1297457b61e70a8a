use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use strongroom_telemetry::{MEDIA_TYPE, Meters};
use tower::{Service, service_fn};

use super::readiness::Readiness;

pub(super) type Reply = Response<Full<Bytes>>;

const TEXT: &str = "text/plain; charset=utf-8";

/// Who answers operators.
pub(crate) struct Desk {
    pub(crate) meters: Arc<Meters>,
    pub(crate) readiness: Readiness,
}

impl Desk {
    /// The answers as a service. What a request carries beyond its method and path is not looked at.
    pub(super) fn into_service<B: Send + 'static>(
        self,
    ) -> impl Service<Request<B>, Response = Reply, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
    {
        let desk = Arc::new(self);
        service_fn(move |request: Request<B>| {
            let desk = Arc::clone(&desk);
            async move { Ok(desk.answer(request.method(), request.uri().path()).await) }
        })
    }

    async fn answer(&self, method: &Method, path: &str) -> Reply {
        if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
            return text(StatusCode::NOT_FOUND, "There are /healthz, /readyz and /metrics here.");
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "Only GET is possible here.");
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return reply;
        }
        match path {
            "/healthz" => text(StatusCode::OK, "alive"),
            "/readyz" => self.ready().await,
            _ => self.metrics().await,
        }
    }

    async fn ready(&self) -> Reply {
        let report = self.readiness.report().await;
        let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        match serde_json::to_vec(&report) {
            Ok(body) => reply(status, "application/json", body),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }

    async fn metrics(&self) -> Reply {
        let meters = Arc::clone(&self.meters);
        // Some of it is read from files.
        match tokio::task::spawn_blocking(move || meters.exposition()).await {
            Ok(Ok(metrics)) => reply(StatusCode::OK, MEDIA_TYPE, metrics),
            Ok(Err(error)) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}

/// The answer to whom the edge turns away.
pub(super) fn turned_away(status: StatusCode, message: &'static str) -> Reply {
    text(status, message)
}

fn text(status: StatusCode, message: impl Into<Bytes>) -> Reply {
    reply(status, TEXT, message)
}

fn reply(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
