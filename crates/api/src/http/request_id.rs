//! Request ids: a fresh one for every request, and the caller's own across services (spec section 3.4).

use std::task::{Context, Poll};

use futures_util::future::{FutureExt as _, Map};
use http::{HeaderValue, Request, Response};
use tower::{Layer, Service};
use uuid::Uuid;

const HEADER: &str = "x-openstack-request-id";

/// The ids of one request.
#[derive(Debug, Clone)]
pub(crate) struct RequestIds {
    /// Ours: `req-` and a random UUID.
    pub(crate) own: String,
    /// The one that the caller carries across services, when it is of the right form.
    pub(crate) global: Option<String>,
}

/// Gives each request its ids, as an extension, and each response the header.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RequestIdLayer;

impl<S> Layer<S> for RequestIdLayer {
    type Service = RequestId<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestId { inner }
    }
}

/// See [`RequestIdLayer`].
#[derive(Debug, Clone)]
pub(crate) struct RequestId<S> {
    inner: S,
}

type Marked<A, E> = Box<dyn FnOnce(Result<Response<A>, E>) -> Result<Response<A>, E> + Send>;

impl<S, A, B> Service<Request<A>> for RequestId<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Map<S::Future, Marked<B, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let own = format!("req-{}", Uuid::new_v4().hyphenated());
        let global = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
        let global = global.filter(|text| is_request_id(text)).map(str::to_owned);
        let header = HeaderValue::from_str(&own);
        request.extensions_mut().insert(RequestIds { own, global });
        self.inner.call(request).map(Box::new(move |result| {
            let mut response = result?;
            if let Ok(header) = header {
                response.headers_mut().insert(HEADER, header);
            }
            Ok(response)
        }))
    }
}

fn is_request_id(text: &str) -> bool {
    text.strip_prefix("req-").is_some_and(|id| id.len() == 36 && Uuid::try_parse(id).is_ok())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    async fn seen(inbound: Option<&str>) -> (RequestIds, HeaderValue) {
        let echo = service_fn(|request: Request<()>| async move {
            let ids = request.extensions().get::<RequestIds>().cloned().unwrap();
            Ok::<_, Infallible>(Response::new(ids))
        });
        let mut request = Request::builder();
        if let Some(id) = inbound {
            request = request.header(HEADER, id);
        }
        let service = ServiceBuilder::new().layer(RequestIdLayer).service(echo);
        let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
        let header = response.headers()[HEADER].clone();
        (response.into_body(), header)
    }

    #[tokio::test]
    async fn every_request_gets_a_fresh_id_and_only_a_real_one_is_kept_as_global() {
        let ours = "req-94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";
        let (first, header) = seen(Some(ours)).await;
        let (second, _) = seen(Some("req-x\u{e4}")).await;
        assert_eq!(header.to_str().unwrap(), first.own);
        assert_ne!(first.own, second.own);
        assert_ne!(first.own, ours);
        assert_eq!(first.global.as_deref(), Some(ours));
        assert_eq!(second.global, None);
    }
}
