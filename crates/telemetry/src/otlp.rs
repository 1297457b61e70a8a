//! Sending to a collector: protobuf over HTTP (OTLP specification 1.x), the way that everything leaves this program.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{
    MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use strongroom_outbound::{Post, SendError, SetUpError, TlsFiles};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long one exchange may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Why telemetry can't be set up or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The collector can't be reached as it is set.
    #[error("the collector can't be used")]
    Collector(#[from] SetUpError),
    /// The exporter refuses its set-up.
    #[error("telemetry can't be sent: {0}")]
    Exporter(String),
    /// The metrics can't be read.
    #[error("the metrics can't be read: {0}")]
    Collect(String),
}

/// A collector of metrics and traces.
#[derive(Debug, Clone)]
pub struct Collector {
    metrics: Outbound,
    traces: Outbound,
}

impl Collector {
    /// The collector at that URL, such as `https://collector.example:4318`, to which `/v1/metrics` and `/v1/traces`
    /// are added. In the clear only on this machine; else trusts the authorities in that file. Exchanges run on that
    /// runtime.
    pub fn new(url: &str, ca_file: Option<PathBuf>, runtime: &Handle) -> Result<Self, TelemetryError> {
        let files = TlsFiles { authorities: ca_file.unwrap_or_default(), identity: None };
        let outbound = |signal| {
            let url = format!("{}/v1/{signal}", url.trim_end_matches('/'));
            let post = Arc::new(Post::new(&url, &files)?);
            Ok::<_, TelemetryError>(Outbound { url, post, runtime: runtime.clone() })
        };
        Ok(Self { metrics: outbound("metrics")?, traces: outbound("traces")? })
    }

    pub(crate) fn metrics(&self) -> Result<MetricExporter, TelemetryError> {
        MetricExporter::builder()
            .with_http()
            .with_http_client(self.metrics.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&self.metrics.url)
            .with_timeout(DEADLINE)
            .build()
            .map_err(|error| TelemetryError::Exporter(error.to_string()))
    }

    pub(crate) fn spans(&self) -> Result<SpanExporter, TelemetryError> {
        SpanExporter::builder()
            .with_http()
            .with_http_client(self.traces.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&self.traces.url)
            .with_timeout(DEADLINE)
            .build()
            .map_err(|error| TelemetryError::Exporter(error.to_string()))
    }
}

/// Sends on the program's own runtime, from the threads of the exporters, which have none.
#[derive(Clone)]
struct Outbound {
    url: String,
    post: Arc<Post>,
    runtime: Handle,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("url", &self.url).finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Outbound {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (mut head, body) = request.into_parts();
        let content_type = head.headers.remove(CONTENT_TYPE);
        let content_type = content_type.as_ref().map_or(Ok(""), |value| value.to_str())?.to_owned();
        // What an operator's collector asks for besides.
        let more = head.headers.iter().map(|(name, value)| Ok((name.clone(), value.to_str()?.to_owned())));
        let more = more.collect::<Result<Vec<_>, HttpError>>()?;
        let post = Arc::clone(&self.post);
        let exchange = async move {
            // Made on the runtime: a time-out needs its timer.
            timeout(DEADLINE, post.send(&content_type, &more, body.into())).await
        };
        let answer = match self.runtime.spawn(exchange).await? {
            Ok(Ok(body)) => Ok(Response::new(body)),
            Ok(Err(SendError::Status(status))) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status;
                return Ok(response);
            }
            Ok(Err(error)) => Err(HttpError::from(error)),
            Err(_) => Err("the collector does not answer in time".into()),
        };
        if let Err(error) = &answer {
            tracing::debug!(%error, "telemetry was not taken");
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn telemetry_does_not_leave_this_machine_in_the_clear() {
        let collector = |url: &str| Collector::new(url, None, &Handle::current());
        for url in
            ["http://192.0.2.1:4318", "collector:4318", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", ""]
        {
            assert!(matches!(collector(url), Err(TelemetryError::Collector(_))), "{url}");
        }
        for url in ["http://127.0.0.1:4318/", "http://[::1]:4318", "http://localhost:4318"] {
            assert!(collector(url).is_ok(), "{url}");
        }
        assert!(collector("https://c.example").is_err(), "nobody is trusted");
    }
}
