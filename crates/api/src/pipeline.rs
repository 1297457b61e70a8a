//! The life of one request. Each stage hands the next a type that only it can make: a request becomes an
//! authenticated call, a call ends in an [`Answer`], and only an answer becomes a response.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use http::header::{HeaderName, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body::Body;
use strongroom_core::audit::{Action, Origin, Outcome, Reason, Target};
use strongroom_core::ports::Authenticator;
use strongroom_core::{CallContext, Caller, Error, KeyManager, Missing, SecretId, Verdict};
use tokio::sync::Semaphore;
use tower::{Service, ServiceBuilder, service_fn};
use tracing::Instrument as _;
use zeroize::Zeroizing;

use crate::answer::{Answer, Reply, empty, with_header};
use crate::authenticate::authenticate;
use crate::discovery::{self, RootCall};
use crate::http::accept;
use crate::http::body::{BodyError, Collected, collect};
use crate::http::links::base_url;
use crate::http::microversion::{self, Microversion, NoVersion};
use crate::http::query::Query;
use crate::http::request_id::{RequestIdLayer, RequestIds};
use crate::operation::{NONE, Operation, PAYLOAD_READ};
use crate::routes::{Resource, Routes};
use crate::settings::{ApiSettings, BaseUrl};
use crate::{fault, health, metadata, secrets};

/// The API over a key manager.
#[derive(Clone)]
pub struct Api {
    manager: KeyManager,
    authenticator: Arc<dyn Authenticator>,
    settings: Arc<ApiSettings>,
    routes: Arc<Routes>,
    slots: Arc<Semaphore>,
}

/// Most requests worked on at once; more wait for one to end.
const MOST_REQUESTS: u32 = 4096;

/// An authenticated request for one operation.
pub(crate) struct Call<'a> {
    pub(crate) manager: &'a KeyManager,
    pub(crate) settings: &'a ApiSettings,
    pub(crate) context: CallContext,
    pub(crate) operation: &'a Operation,
    pub(crate) version: Microversion,
    pub(crate) base: BaseUrl,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Collected,
}

impl Api {
    /// The API over `manager`, for callers whom `authenticator` names.
    pub fn new(manager: KeyManager, authenticator: Arc<dyn Authenticator>, settings: ApiSettings) -> Self {
        let routes = Routes::new().unwrap_or_else(|error| {
            unreachable!("the routes are constants, and a test inserts them: {error}")
        });
        let slots = Arc::new(Semaphore::new(usize::try_from(MOST_REQUESTS).unwrap_or(usize::MAX)));
        Self { manager, authenticator, settings: Arc::new(settings), routes: Arc::new(routes), slots }
    }

    /// Completes once no request is being worked on, those of clients that hung up among them.
    pub(crate) fn idle(&self) -> impl Future<Output = ()> + use<> {
        let slots = Arc::clone(&self.slots);
        async move { drop(slots.acquire_many(MOST_REQUESTS).await) }
    }

    /// The API as a service. The connection's peer is to be given as a [`SocketAddr`] extension.
    ///
    /// Each request runs as a task of its own, to its end, even when the client hangs up: a change is
    /// never left between its intent and its outcome. A panic in one harms no other.
    pub fn into_service<B>(
        self,
    ) -> impl Service<Request<B>, Response = Reply, Error = Infallible, Future: Send> + Clone + Send
    where
        B: Body<Data: Send> + Send + 'static,
    {
        ServiceBuilder::new().layer(RequestIdLayer).service(service_fn(move |request: Request<B>| {
            let api = self.clone();
            let task = tokio::spawn(async move {
                let _slot = api.slots.clone().acquire_owned().await;
                api.serve(request).await
            });
            async move {
                Ok(task.await.unwrap_or_else(|_| {
                    // Only a runtime that is shutting down ends a task that catches its own panics.
                    fault::body(StatusCode::SERVICE_UNAVAILABLE, &"The service is stopping.".into())
                }))
            }
        }))
    }

    async fn serve<B>(self, request: Request<B>) -> Reply
    where
        B: Body<Data: Send> + Send + 'static,
    {
        let (parts, body) = request.into_parts();
        let origin = origin(&parts);
        let span = tracing::info_span!(
            "request",
            method = %parts.method,
            path = parts.uri.path(),
            request_id = origin.request_id.as_deref(),
        );
        let work = AssertUnwindSafe(self.dispatch(&parts, body, origin.clone())).catch_unwind();
        let reply = if let Ok(reply) = work.instrument(span).await {
            reply
        } else {
            let context = CallContext { caller: Caller::anonymous(), origin };
            let reason = Some(Reason::of("panic"));
            let verdict = self.manager.note(&context, Action::Request, None, Outcome::Failed, reason).await;
            let error = Error::Internal("panic");
            Answer::of(verdict, &NONE, |()| fault::reply(&error, &NONE)).into_reply()
        };
        tracing::debug!(status = reply.status().as_u16(), "answered");
        reply
    }

    async fn dispatch<B>(&self, parts: &Parts, body: B, origin: Origin) -> Reply
    where
        B: Body<Data: Send> + Send,
    {
        if parts.method == Method::OPTIONS {
            return empty(StatusCode::OK);
        }
        let path = parts.uri.path();
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        match segments.next() {
            Some("healthcheck") if segments.next().is_none() && parts.method == Method::GET => {
                health::check(&self.manager, &self.settings, &parts.headers).await
            }
            Some("v1") => match self.v1(parts, body, origin).await {
                Ok(answer) | Err(answer) => answer.into_reply(),
            },
            _ => match self.root(parts, origin).await {
                Ok(answer) | Err(answer) => answer.into_reply(),
            },
        }
    }

    async fn root(&self, parts: &Parts, origin: Origin) -> Result<Answer, Answer> {
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
    async fn v1<B>(&self, parts: &Parts, body: B, origin: Origin) -> Result<Answer, Answer>
    where
        B: Body<Data: Send> + Send,
    {
        let context =
            authenticate(&self.manager, self.authenticator.as_ref(), &parts.headers, origin).await?;
        let version = self.agree_on_version(&context, &parts.headers).await?;
        let answer = match self.routed(parts, body, context, version).await {
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
    ) -> Result<Answer, Answer>
    where
        B: Body<Data: Send> + Send,
    {
        let Some(resource) = self.routes.find(parts.uri.path()) else {
            return Err(self.turn_away(&context, "no-route", fault::no_route()).await);
        };
        let Some(operation) = resource.operation(&parts.method) else {
            let reply = fault::no_method(resource.allow());
            return Err(self.turn_away(&context, "method-not-allowed", reply).await);
        };
        let body = self.read_body(parts, body, &context).await?;
        let call = Call {
            manager: &self.manager,
            settings: &self.settings,
            context,
            operation,
            version,
            base: base_url(&self.settings, parts),
            query: Query::parse(parts.uri.query()),
            headers: parts.headers.clone(),
            body,
        };
        handle(call, resource, &parts.method).await
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
        let verdict = self.manager.note(context, NONE.action, None, Outcome::Refused, reason).await;
        Answer::of(verdict, &NONE, |()| reply)
    }
}

async fn handle(mut call: Call<'_>, resource: Resource, method: &Method) -> Result<Answer, Answer> {
    let id = match &resource {
        Resource::Version | Resource::Secrets => None,
        Resource::Secret(id)
        | Resource::Payload(id)
        | Resource::Metadata(id)
        | Resource::Metadatum(id, _) => Some(id),
    };
    let Ok(id) = id.map(|text| SecretId::parse(text)).transpose() else {
        return Err(call.refuse(&Error::NotFound(Missing::InvalidId)).await);
    };
    let payload_wanted = match &resource {
        Resource::Payload(_) => true,
        Resource::Secret(_) if method == Method::GET => secrets::asks_for_payload(&call.headers),
        _ => false,
    };
    if payload_wanted {
        call.operation = &PAYLOAD_READ;
    }
    let target = id.map(Target::Secret);
    call.require_acceptable(&resource, method, payload_wanted, target).await?;
    Ok(match (resource, method.as_str(), id) {
        (Resource::Version, _, _) => call.version_document().await,
        (Resource::Secrets, "GET", _) => secrets::list(call).await,
        (Resource::Secrets, _, _) => secrets::create(call).await,
        (Resource::Secret(_) | Resource::Payload(_), "GET", Some(id)) if payload_wanted => {
            secrets::payload(call, id).await
        }
        (Resource::Secret(_), "GET", Some(id)) => secrets::describe(call, id).await,
        (Resource::Secret(_), "PUT", Some(id)) => secrets::upload(call, id).await,
        (Resource::Secret(_), "DELETE", Some(id)) => secrets::delete(call, id).await,
        (Resource::Metadata(_), "GET", Some(id)) => metadata::all(call, id).await,
        (Resource::Metadata(_), "PUT", Some(id)) => metadata::replace(call, id).await,
        (Resource::Metadata(_), "POST", Some(id)) => metadata::add(call, id).await,
        (Resource::Metadatum(_, key), "GET", Some(id)) => metadata::get(call, id, &key).await,
        (Resource::Metadatum(_, key), "PUT", Some(id)) => metadata::set(call, id, &key).await,
        (Resource::Metadatum(_, key), "DELETE", Some(id)) => metadata::remove(call, id, &key).await,
        // `Resource::operation` has let only the pairs above through.
        _ => call.refuse(&Error::Internal("a route without a handler")).await,
    })
}

impl Call<'_> {
    /// Presents a verdict in this call's words.
    pub(crate) fn answer<T>(&self, verdict: Verdict<T>, present: impl FnOnce(T) -> Reply) -> Answer {
        Answer::of(verdict, self.operation, present)
    }

    /// Ends the call before any use case.
    async fn refuse(&self, error: &Error) -> Answer {
        let outcome = if error.is_fault() { Outcome::Failed } else { Outcome::Refused };
        let reason = Some(Reason::from(error));
        let verdict = self.manager.note(&self.context, self.operation.action, None, outcome, reason).await;
        self.answer(verdict, |()| fault::reply(error, self.operation))
    }

    /// Refuses with 406 when the answer would be in a form that the client does not accept. Payloads have
    /// rules of their own (spec section 6.4).
    async fn require_acceptable(
        &self,
        resource: &Resource,
        method: &Method,
        payload_wanted: bool,
        target: Option<Target>,
    ) -> Result<(), Answer> {
        let acceptable = match resource {
            _ if payload_wanted => true,
            Resource::Version => discovery::is_acceptable(&self.headers),
            Resource::Secret(_) if method != Method::GET => accept::names_registered_types(&self.headers),
            Resource::Metadatum(..) if method == Method::DELETE => {
                accept::names_registered_types(&self.headers)
            }
            _ => accept::admits(&self.headers, "application/json"),
        };
        if acceptable {
            return Ok(());
        }
        let reason = Some(Reason::of("not-acceptable"));
        let action = self.operation.action;
        let verdict = self.manager.note(&self.context, action, target, Outcome::Refused, reason).await;
        Err(self.answer(verdict, |()| fault::not_acceptable()))
    }

    async fn version_document(&self) -> Answer {
        let action = self.operation.action;
        let verdict = self.manager.note(&self.context, action, None, Outcome::Success, None).await;
        self.answer(verdict, |()| discovery::v1(self.version, &self.base))
    }
}

fn origin(parts: &Parts) -> Origin {
    let ids = parts.extensions.get::<RequestIds>();
    Origin {
        address: parts.extensions.get::<SocketAddr>().map(|peer| peer.ip().to_canonical()),
        request_id: ids.map(|ids| ids.own.clone()),
        global_request_id: ids.and_then(|ids| ids.global.clone()),
    }
}

fn versioned(reply: Reply, version: Microversion) -> Reply {
    let name = HeaderName::from_static(microversion::HEADER);
    let reply = with_header(reply, name, version.header());
    with_header(reply, VARY, HeaderValue::from_static(microversion::HEADER))
}
