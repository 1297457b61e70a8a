//! Who looks on: requests are counted, and some are followed on their way.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use strongroom_core::trace::{REQUEST, TARGET};
use strongroom_core::{CallContext, ProjectId};
use strongroom_edge::Peer;
use tracing::field::Empty;
use tracing::{Span, info_span};

/// Is told of every request. It is asked on each one's way, so it has to be quick, and must not wait.
pub trait Observer: Send + Sync + 'static {
    /// Whether a request from there is to be followed.
    fn follows(&self, headers: &HeaderMap, peer: Option<&Peer>) -> bool;

    /// Ties a followed request's span to that of its caller.
    fn adopt(&self, span: &Span, headers: &HeaderMap, peer: Option<&Peer>);

    /// A request was answered, whose span, if it was followed, is this.
    fn answered(&self, span: &Span, answered: &Answered);
}

/// A request and its end, as far as they are alike for many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The method; `_OTHER` for one that HTTP does not define.
    pub method: &'static str,
    /// The path as a template, such as `/v1/secrets/{id}`; absent where it names nothing there is.
    pub route: Option<&'static str>,
    /// The answer's status.
    pub status: StatusCode,
    /// The time from the request's head until its answer.
    pub took: Duration,
}

/// One request under observation.
pub(crate) struct Sight {
    observer: Option<Arc<dyn Observer>>,
    begun: Instant,
    method: &'static str,
    route: OnceLock<&'static str>,
    span: Span,
}

impl Sight {
    /// Of a request that begins.
    pub(crate) fn new(observer: Option<&Arc<dyn Observer>>, parts: &Parts, request_id: Option<&str>) -> Self {
        let method = method(parts.method.as_str());
        let peer = parts.extensions.get::<Peer>();
        let follows = observer.filter(|observer| observer.follows(&parts.headers, peer));
        let span = follows.map_or_else(Span::none, |observer| {
            let span = info_span!(
                target: TARGET,
                parent: None,
                REQUEST,
                otel.kind = "server",
                otel.name = method,
                otel.status_code = Empty,
                http.request.method = method,
                http.route = Empty,
                http.response.status_code = Empty,
                strongroom.project = Empty,
                strongroom.request_id = request_id,
            );
            observer.adopt(&span, &parts.headers, peer);
            span
        });
        Self { observer: observer.cloned(), begun: Instant::now(), method, route: OnceLock::new(), span }
    }

    /// Of a request that nobody follows.
    pub(crate) fn unfollowed(observer: Option<&Arc<dyn Observer>>, asked: &Method) -> Self {
        let (observer, method) = (observer.cloned(), method(asked.as_str()));
        Self { observer, begun: Instant::now(), method, route: OnceLock::new(), span: Span::none() }
    }

    /// The span that the request is worked on in.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// It is known what the path names.
    pub(crate) fn on(&self, route: &'static str) {
        // Set once for each request.
        self.route.set(route).ok();
    }

    /// It is known who asks.
    pub(crate) fn by(&self, context: &CallContext) {
        if !self.span.is_none() {
            let project = context.caller.project.as_ref().map(ProjectId::as_str);
            self.span.record("strongroom.project", project);
        }
    }

    /// It is answered.
    pub(crate) fn end(self, status: StatusCode) {
        let Some(observer) = self.observer else { return };
        let route = self.route.get().copied();
        if !self.span.is_none() {
            if let Some(route) = route {
                self.span.record("http.route", route);
            }
            self.span.record("http.response.status_code", i64::from(status.as_u16()));
            if status.is_server_error() {
                self.span.record("otel.status_code", "ERROR");
            }
        }
        let took = self.begun.elapsed();
        observer.answered(&self.span, &Answered { method: self.method, route, status, took });
    }
}

/// The method as the semantic conventions have it: clients can't make up any number of them.
fn method(name: &str) -> &'static str {
    const KNOWN: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"];
    KNOWN.into_iter().find(|known| *known == name).unwrap_or("_OTHER")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Notes(Mutex<Vec<Answered>>);

    impl Observer for Notes {
        fn follows(&self, _: &HeaderMap, _: Option<&Peer>) -> bool {
            false
        }

        fn adopt(&self, _: &Span, _: &HeaderMap, _: Option<&Peer>) {}

        fn answered(&self, _: &Span, answered: &Answered) {
            self.0.lock().unwrap().push(*answered);
        }
    }

    #[test]
    fn what_clients_make_up_does_not_get_into_the_numbers() {
        let notes = Arc::new(Notes::default());
        let observer: Arc<dyn Observer> = notes.clone();
        for (method, seen) in [("PUT", "PUT"), ("BREW", "_OTHER")] {
            let (parts, ()) = http::Request::builder().method(method).body(()).unwrap().into_parts();
            let sight = Sight::new(Some(&observer), &parts, None);
            sight.on("/v1/secrets/{id}");
            sight.end(StatusCode::NOT_FOUND);
            let answered = notes.0.lock().unwrap().pop().unwrap();
            assert_eq!((answered.method, answered.route), (seen, Some("/v1/secrets/{id}")));
        }
    }
}
