use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use strongroom_core::trace::{REQUEST, TARGET};
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context as LayerContext, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::otlp::{Collector, TelemetryError};
use crate::resource::resource;
use crate::sampling::Sampling;

/// How long the last spans may take to be sent.
const LAST: Duration = Duration::from_secs(3);
const PARENT: &str = "traceparent";

/// Follows some requests through the layers that work on them, and sends their spans to a collector.
///
/// Whether a request is followed is decided before a span is made, so that one that is not costs nothing.
pub struct Traces {
    provider: SdkTracerProvider,
    sampling: Sampling,
}

impl Traces {
    /// Follows so many requests in a million of those whose callers do not say.
    pub fn start(instance: &str, collector: &Collector, per_million: u32) -> Result<Self, TelemetryError> {
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(instance))
            // It has been decided by then.
            .with_sampler(Sampler::AlwaysOn)
            .with_batch_exporter(collector.spans()?)
            .build();
        Ok(Self { provider, sampling: Sampling::new(per_million) })
    }

    /// What the spans of this program are to pass through.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let scope =
            InstrumentationScope::builder("strongroom").with_version(env!("CARGO_PKG_VERSION")).build();
        OpenTelemetryLayer::new(self.provider.tracer_with_scope(scope))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(Followed)
    }

    /// Whether a request is to be followed. What its caller decided holds where the caller is believed.
    pub fn follows(&self, headers: &HeaderMap, believed: bool) -> bool {
        match caller(headers, believed) {
            Some(caller) => caller.span().span_context().is_sampled(),
            None => self.sampling.chooses(),
        }
    }

    /// Ties a request's span to that of its caller, where the caller is believed and names one.
    pub fn adopt(&self, span: &Span, headers: &HeaderMap, believed: bool) {
        if let Some(caller) = caller(headers, believed)
            && let Err(error) = span.set_parent(caller)
        {
            tracing::debug!(%error, "a request's span is not tied to its caller's");
        }
    }

    /// Gives a request's span, if it is followed, the name that it has by what the request named.
    pub fn rename(&self, span: &Span, method: &str, route: &str) {
        if !span.is_none() {
            span.context().span().update_name(format!("{method} {route}"));
        }
    }

    /// Sends the spans that there are and ends. Blocks for a bounded time.
    pub fn stop(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST) {
            tracing::debug!(%error, "the last spans were not sent");
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").finish_non_exhaustive()
    }
}

/// The caller's span by the `traceparent` header (W3C Trace Context, section 3.2).
fn caller(headers: &HeaderMap, believed: bool) -> Option<Context> {
    if !believed || !headers.contains_key(PARENT) {
        return None;
    }
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
    context.has_active_span().then_some(context)
}

/// Lets the spans of followed requests pass, and nothing else: no event, and no span that a library makes.
struct Followed;

impl<S> Filter<S> for Followed
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, metadata: &Metadata<'_>, context: &LayerContext<'_, S>) -> bool {
        metadata.is_span()
            && metadata.target() == TARGET
            && (metadata.name() == REQUEST || context.lookup_current().is_some())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        if metadata.is_span() && metadata.target() == TARGET {
            tracing::subscriber::Interest::sometimes()
        } else {
            tracing::subscriber::Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::INFO)
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Handle;

    use super::*;

    const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const NOT_SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    fn headers(parent: &str) -> HeaderMap {
        HeaderMap::from_iter([(PARENT.parse().unwrap(), parent.parse().unwrap())])
    }

    #[tokio::test]
    async fn a_callers_word_counts_where_it_is_believed() {
        let collector = Collector::new("http://127.0.0.1:9", None, &Handle::current()).unwrap();
        for (per_million, by_itself) in [(0, false), (1_000_000, true)] {
            let traces = Traces::start("node", &collector, per_million).unwrap();
            assert!(traces.follows(&headers(SAMPLED), true));
            assert!(!traces.follows(&headers(NOT_SAMPLED), true));
            assert_eq!(traces.follows(&headers(NOT_SAMPLED), false), by_itself);
            assert_eq!(traces.follows(&headers("nonsense"), true), by_itself);
            assert_eq!(traces.follows(&HeaderMap::new(), true), by_itself);
        }
    }
}
