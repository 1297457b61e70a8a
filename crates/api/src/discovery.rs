//! Which versions there are (spec sections 2.2 and 2.3). No endpoint needs less trust: nothing here
//! depends on the caller.

use http::header::{ALLOW, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json as object};
use strongroom_core::audit::{Action, Outcome, Reason};
use strongroom_core::{CallContext, KeyManager};

use crate::answer::{Answer, Reply, empty, json, with_body, with_header};
use crate::call::{Call, Handled};
use crate::http::accept;
use crate::http::microversion::Microversion;
use crate::http::query::Query;
use crate::operation::Operation;
use crate::settings::BaseUrl;
use crate::{fault, openapi};

const JSON: &str = "application/json";
const JSON_HOME: &str = "application/json-home";

/// A request for `/` or anything else outside `/v1`.
pub(crate) struct RootCall<'a> {
    pub(crate) manager: &'a KeyManager,
    pub(crate) context: &'a CallContext,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a Query,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) version: Microversion,
    pub(crate) base: &'a BaseUrl,
}

/// Answers for the root, and for the API's description.
pub(crate) async fn root(call: RootCall<'_>) -> Answer {
    let headers = call.headers;
    if call.path == "/openapi.json" && call.method == Method::GET {
        let reply = with_body(StatusCode::OK, HeaderValue::from_static(JSON), openapi::served());
        let verdict =
            call.manager.note(call.context, Action::VersionRead, None, Outcome::Success, None).await;
        return Answer::of(verdict, Operation::VersionRead, |()| reply);
    }
    if !call.path.chars().all(|c| c == '/') {
        let reply = fault::outer(headers, StatusCode::NOT_FOUND, "There is nothing at this path.");
        return refuse(call.manager, call.context, "no-route", reply).await;
    }
    if call.method != Method::GET {
        let reply = fault::outer(headers, StatusCode::METHOD_NOT_ALLOWED, "Only GET is possible here.");
        let reply = with_header(reply, ALLOW, HeaderValue::from_static("GET"));
        return refuse(call.manager, call.context, "method-not-allowed", reply).await;
    }
    let wanted = accept::quality(headers, JSON);
    let home = accept::quality(headers, JSON_HOME);
    if wanted <= 0.0 && home <= 0.0 {
        return refuse(call.manager, call.context, "not-acceptable", fault::not_acceptable()).await;
    }
    let reply = if call.query.get("build").is_some() {
        json(StatusCode::OK, &object!({"build": env!("CARGO_PKG_VERSION")}))
    } else if home > wanted {
        match HeaderValue::from_str(&call.base.reference("").to_string()) {
            Ok(location) => with_header(empty(StatusCode::FOUND), LOCATION, location),
            Err(_) => fault::not_acceptable(),
        }
    } else {
        let document = document(call.version, call.base);
        let versions = match call.version {
            Microversion::V1_0 => object!({"values": [document]}),
            _ => object!([document]),
        };
        json(StatusCode::MULTIPLE_CHOICES, &object!({"versions": versions}))
    };
    let verdict = call.manager.note(call.context, Action::VersionRead, None, Outcome::Success, None).await;
    Answer::of(verdict, Operation::VersionRead, |()| reply)
}

/// `GET /v1`.
pub(crate) async fn v1(call: &Call<'_>) -> Handled {
    let reply = json(StatusCode::OK, &object!({"version": document(call.version, &call.base)}));
    Ok(call.note(Outcome::Success, None, reply).await)
}

/// Whether `GET /v1` can be answered in a form that the client accepts.
pub(crate) fn is_acceptable(headers: &HeaderMap) -> bool {
    accept::admits(headers, JSON) || accept::admits(headers, JSON_HOME)
}

fn document(version: Microversion, base: &BaseUrl) -> Value {
    let links = object!([
        {"rel": "self", "href": base.reference("")},
        {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
    ]);
    match version {
        Microversion::V1_0 => object!({
            "id": "v1",
            "status": "stable",
            "links": links,
            "media-types": [
                {"base": JSON, "type": "application/vnd.openstack.key-manager-v1+json"},
            ],
        }),
        _ => object!({
            "id": "v1",
            "status": "CURRENT",
            "min_version": Microversion::V1_0.to_string(),
            "max_version": Microversion::LATEST.to_string(),
            "links": links,
        }),
    }
}

async fn refuse(manager: &KeyManager, context: &CallContext, code: &'static str, reply: Reply) -> Answer {
    let verdict =
        manager.note(context, Action::Request, None, Outcome::Refused, Some(Reason::of(code))).await;
    Answer::of(verdict, Operation::Unrouted, |()| reply)
}
