//! The life of one request. Each stage hands the next a type that only it can make: a request becomes an
//! authenticated call, a call ends in an [`Answer`], and only an answer becomes a response.

use std::convert::Infallible;
use std::future::ready;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::Either;
use http::header::{HeaderName, VARY};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body::Body;
use strongroom_core::audit::{Action, Origin, Outcome, Reason};
use strongroom_core::ports::Authenticator;
use strongroom_core::trace::TARGET;
use strongroom_core::{CallContext, Caller, Error, KeyManager};
use strongroom_edge::{Entering, Peer, away};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::util::option_layer;
use tower::{Service, ServiceBuilder, service_fn};
use tracing::{Instrument as _, info_span};
use zeroize::Zeroizing;

use crate::admission::Admission;
use crate::answer::{Answer, Reply, empty, with_header};
use crate::authenticate::authenticate;
use crate::call::Call;
use crate::discovery::{self, RootCall};
use crate::fault::Cause;
use crate::handlers::carry_out;
use crate::http::body::{BodyError, Collected, collect};
use crate::http::cors::cors_layer;
use crate::http::links::base_url;
use crate::http::microversion::{self, Microversion, NoVersion};
use crate::http::query::Query;
use crate::http::request_id::{RequestIdLayer, RequestIds};
use crate::observer::{Observer, Sight};
use crate::operation::Operation;
use crate::routes::Routes;
use crate::settings::ApiSettings;
use crate::{fault, health, secrets};

/// The API over a key manager.
#[derive(Clone)]
pub struct Api {
    manager: KeyManager,
    authenticator: Arc<dyn Authenticator>,
    settings: Arc<ApiSettings>,
    routes: Arc<Routes>,
    admission: Admission,
    observer: Option<Arc<dyn Observer>>,
    slots: Arc<Semaphore>,
    taken: Arc<AtomicU64>,
}

/// A request that is let in: it waits for its turn, but for what takes none.
struct Admitted {
    entering: Option<Entering>,
    _slot: OwnedSemaphorePermit,
}

const HEALTH_CHECK: &str = "/healthcheck";

/// Most requests at hand at once, those among them that wait for their client or for another service.
const MOST_REQUESTS: u32 = 4096;

impl Api {
    /// The API over `manager`, for callers whom `authenticator` names.
    pub fn new(manager: KeyManager, authenticator: Arc<dyn Authenticator>, settings: ApiSettings) -> Self {
        let routes = Routes::new().unwrap_or_else(|error| {
            unreachable!("the routes are constants, and a test inserts them: {error}")
        });
        let slots = Arc::new(Semaphore::new(usize::try_from(MOST_REQUESTS).unwrap_or(usize::MAX)));
        Self {
            manager,
            authenticator,
            settings: Arc::new(settings),
            routes: Arc::new(routes),
            admission: Admission::default(),
            observer: None,
            slots,
            taken: Arc::default(),
        }
    }

    /// The same API, taking on so much.
    #[must_use]
    pub fn taking_on(self, admission: Admission) -> Self {
        Self { admission, ..self }
    }

    /// The same API, telling that one of every request.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Tells, whenever it is asked, how many requests are at hand: those being worked on, and those that wait for
    /// their turn, their client or another service.
    pub fn at_hand(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let slots = Arc::clone(&self.slots);
        move || u64::from(MOST_REQUESTS) - u64::try_from(slots.available_permits()).unwrap_or_default()
    }

    /// Tells, whenever it is asked, how many requests there have been.
    pub fn taken(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let taken = Arc::clone(&self.taken);
        move || taken.load(Ordering::Relaxed)
    }

    /// Completes once no request is being worked on, those of clients that hung up among them.
    pub fn idle(&self) -> impl Future<Output = ()> + use<> {
        let slots = Arc::clone(&self.slots);
        async move { drop(slots.acquire_many(MOST_REQUESTS).await) }
    }

    /// The API as a service. Whom a request is from is to be given as a [`Peer`] extension.
    ///
    /// Each request runs as a task of its own, to its end, even when the client hangs up: a change is
    /// never left between its intent and its outcome. A panic in one harms no other.
    pub fn into_service<B>(
        self,
    ) -> impl Service<Request<B>, Response = Reply, Error = Infallible, Future: Send> + Clone + Send + Sync
    where
        B: Body<Data: Send> + Send + 'static,
    {
        let layers = ServiceBuilder::new()
            .layer(option_layer(self.settings.cors.as_ref().map(cors_layer)))
            .layer(RequestIdLayer);
        let api = Arc::new(self);
        layers.service(service_fn(move |request: Request<B>| {
            api.taken.fetch_add(1, Ordering::Relaxed);
            let admitted = match api.admit(&request) {
                Ok(admitted) => admitted,
                Err(overloaded) => return Either::Left(ready(Ok(*overloaded))),
            };
            let task = tokio::spawn(Arc::clone(&api).serve(request, admitted));
            Either::Right(async move {
                Ok(task.await.unwrap_or_else(|_| {
                    // Only a runtime that is shutting down ends a task that catches its own panics.
                    fault::body(StatusCode::SERVICE_UNAVAILABLE, &"The service is stopping.".into())
                }))
            })
        }))
    }

    /// Lets a request in, or answers it: at once, before anything is done for it that costs more than reading it.
    fn admit<B>(&self, request: &Request<B>) -> Result<Admitted, Box<Reply>> {
        let refuse = || {
            let (method, source) = (request.method(), address(request.extensions()));
            let reply = self.admission.overloaded(source);
            Sight::unfollowed(self.observer.as_ref(), method).end(reply.status());
            Box::new(reply)
        };
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| refuse())?;
        // What asks whether the service is there is to be told so.
        let entering = if request.method() == Method::OPTIONS || is_health_check(request) {
            None
        } else {
            Some(self.admission.capacity.enter().ok_or_else(refuse)?)
        };
        Ok(Admitted { entering, _slot: slot })
    }

    async fn serve<B>(self: Arc<Self>, request: Request<B>, admitted: Admitted) -> Reply
    where
        B: Body<Data: Send> + Send + 'static,
    {
        let (parts, body) = request.into_parts();
        let origin = origin(&parts);
        let request_id = origin.request_id.clone();
        // Made only where somebody looks that closely: a span for each request costs as much as opening a
        // payload does.
        let span = tracing::debug_span!(
            "request",
            method = %parts.method,
            path = parts.uri.path(),
            request_id = request_id.as_deref(),
        );
        let sight = Sight::new(self.observer.as_ref(), &parts, request_id.as_deref());
        let work = self.dispatch(&parts, body, origin.clone(), &sight, admitted.entering);
        let work = AssertUnwindSafe(work).catch_unwind();
        let reply = if let Ok(reply) = work.instrument(span).instrument(sight.span()).await {
            reply
        } else {
            let context = CallContext { caller: Caller::anonymous(), origin };
            let reason = Some(Reason::of("panic"));
            let verdict = self.manager.note(&context, Action::Request, None, Outcome::Failed, reason).await;
            let error = Error::Internal("panic");
            Answer::of(verdict, Operation::Unrouted, |()| fault::reply(&error, Operation::Unrouted))
                .into_reply()
        };
        let status = reply.status().as_u16();
        if let Some(Cause(cause)) = reply.extensions().get() {
            let (method, path) = (&parts.method, parts.uri.path());
            let request_id = request_id.as_deref();
            tracing::error!(%method, path, request_id, status, cause, "request failed");
        } else {
            tracing::debug!(status, "answered");
        }
        sight.end(reply.status());
        reply
    }

    async fn dispatch<B>(
        &self,
        parts: &Parts,
        body: B,
        origin: Origin,
        sight: &Sight,
        entering: Option<Entering>,
    ) -> Reply
    where
        B: Body<Data: Send> + Send,
    {
        let Some(entering) = entering else {
            if parts.method == Method::OPTIONS {
                return empty(StatusCode::OK);
            }
            sight.on(HEALTH_CHECK);
            return health::check(&self.manager, &self.settings, &parts.headers).await;
        };
        let Some(place) = entering.place().await else { return self.admission.overloaded(origin.address) };
        let work = async {
            if segments(parts.uri.path()).next() == Some("v1") {
                return self.v1(parts, body, origin, sight).await;
            }
            match self.root(parts, origin, sight).await {
                Ok(answer) | Err(answer) => answer.into_reply(),
            }
        };
        place.hold(work).await
    }

    async fn root(&self, parts: &Parts, origin: Origin, sight: &Sight) -> Result<Answer, Answer> {
        if let Some(path) = ["/", "/openapi.json"].into_iter().find(|path| *path == parts.uri.path()) {
            sight.on(path);
        }
        let context = CallContext { caller: Caller::anonymous(), origin };
        let version = self.agree_on_version(&context, &parts.headers).await?;
        let answer = discovery::root(RootCall {
            manager: &self.manager,
            context: &context,
            method: &parts.method,
            path: parts.uri.path(),
            query: &Query::parse(parts.uri.query()),
            headers: &parts.headers,
            version,
            base: &base_url(&self.settings, parts),
        })
        .await;
        Ok(answer.map(|reply| versioned(reply, version)))
    }

    /// Authentication (401) comes before the version (400, 406), the version before the route (404, 405).
    async fn v1<B>(&self, parts: &Parts, body: B, origin: Origin, sight: &Sight) -> Reply
    where
        B: Body<Data: Send> + Send,
    {
        let authenticated = authenticate(&self.manager, self.authenticator.as_ref(), parts, origin);
        let context = match away(authenticated).await {
            Ok(context) => context,
            Err(answer) => return answer.into_reply(),
        };
        sight.by(&context);
        if let Some(too_many) = self.admission.too_many(&context) {
            return too_many;
        }
        match self.authenticated(parts, body, context, sight).await {
            Ok(answer) | Err(answer) => answer.into_reply(),
        }
    }

    async fn authenticated<B>(
        &self,
        parts: &Parts,
        body: B,
        context: CallContext,
        sight: &Sight,
    ) -> Result<Answer, Answer>
    where
        B: Body<Data: Send> + Send,
    {
        let version = self.agree_on_version(&context, &parts.headers).await?;
        let answer = match self.routed(parts, body, context, version, sight).await {
            Ok(answer) | Err(answer) => answer,
        };
        Ok(answer.map(|reply| versioned(reply, version)))
    }

    async fn agree_on_version(
        &self,
        context: &CallContext,
        headers: &HeaderMap,
    ) -> Result<Microversion, Answer> {
        let (status, code, message) = match Microversion::of(headers) {
            Ok(version) => return Ok(version),
            Err(NoVersion::Malformed) => {
                (StatusCode::BAD_REQUEST, "malformed-version", "The API version header is malformed.")
            }
            Err(NoVersion::Unsupported) => {
                (StatusCode::NOT_ACCEPTABLE, "unsupported-version", "This API version is not supported.")
            }
        };
        Err(self.turn_away(context, code, fault::outer(headers, status, message)).await)
    }

    async fn routed<B>(
        &self,
        parts: &Parts,
        body: B,
        context: CallContext,
        version: Microversion,
        sight: &Sight,
    ) -> Result<Answer, Answer>
    where
        B: Body<Data: Send> + Send,
    {
        let Some((route, resource, names)) = self.routes.find(parts.uri.path()) else {
            return Err(self.turn_away(&context, "no-route", fault::no_route()).await);
        };
        sight.on(route);
        let resource = if self.manager.stores().are_several() { resource } else { resource.without_stores() };
        let operation = match resource.operation(&parts.method) {
            Some(Operation::SecretRead) if secrets::asks_for_payload(&parts.headers) => {
                Operation::PayloadRead
            }
            Some(operation) => operation,
            None => {
                let reply = fault::no_method(resource.allow());
                return Err(self.turn_away(&context, "method-not-allowed", reply).await);
            }
        };
        let body = away(self.read_body(parts, body, &context)).await?;
        let call = Call {
            manager: &self.manager,
            settings: &self.settings,
            context,
            operation,
            target: resource.target(&names),
            names,
            version,
            base: base_url(&self.settings, parts),
            query: Query::parse(parts.uri.query()),
            headers: parts.headers.clone(),
            body,
        };
        if !call.is_acceptable() {
            let reason = Some(Reason::of("not-acceptable"));
            return Err(call.note(Outcome::Refused, reason, fault::not_acceptable()).await);
        }
        // By far the largest part of a request's state; in a box of its own it is not moved again and again.
        let span = info_span!(target: TARGET, "use case", otel.name = operation.facts().name);
        match Box::pin(carry_out(&call).instrument(span)).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(call.refuse(&error).await),
        }
    }

    async fn read_body<B>(&self, parts: &Parts, body: B, context: &CallContext) -> Result<Collected, Answer>
    where
        B: Body<Data: Send> + Send,
    {
        if parts.method == Method::GET {
            return Ok(Collected { bytes: Zeroizing::default(), cut: false });
        }
        // One byte more than may be stored tells a payload that is too large from one that just fits.
        let limit = self.settings.max_request_bytes.max(self.settings.max_secret_bytes + 1);
        match collect(body, limit, self.settings.body_timeout).await {
            Ok(collected) => Ok(collected),
            Err(error @ BodyError::TooSlow) => {
                let reply = fault::body(StatusCode::REQUEST_TIMEOUT, &error.to_string().into());
                Err(self.turn_away(context, "body-too-slow", reply).await)
            }
            Err(error @ BodyError::Broken) => {
                let reply = fault::body(StatusCode::BAD_REQUEST, &error.to_string().into());
                Err(self.turn_away(context, "body-broken", reply).await)
            }
        }
    }

    async fn turn_away(&self, context: &CallContext, code: &'static str, reply: Reply) -> Answer {
        let reason = Some(Reason::of(code));
        let verdict = self.manager.note(context, Action::Request, None, Outcome::Refused, reason).await;
        Answer::of(verdict, Operation::Unrouted, |()| reply)
    }
}

/// The segments of a path that say something.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn is_health_check<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET && segments(request.uri().path()).eq(segments(HEALTH_CHECK))
}

fn origin(parts: &Parts) -> Origin {
    let ids = parts.extensions.get::<RequestIds>();
    Origin {
        address: address(&parts.extensions),
        request_id: ids.map(|ids| ids.own.clone()),
        global_request_id: ids.and_then(|ids| ids.global.clone()),
    }
}

fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<Peer>().map(|peer| peer.address)
}

fn versioned(reply: Reply, version: Microversion) -> Reply {
    let name = HeaderName::from_static(microversion::HEADER);
    let reply = with_header(reply, name, version.header());
    with_header(reply, VARY, HeaderValue::from_static(microversion::HEADER))
}
