//! From a request to a caller, or to the refusal of a filter (spec sections 4.2 and 12.1).

use std::net::IpAddr;

use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use strongroom_core::audit::{Action, Origin, Outcome, Reason};
use strongroom_core::ports::{Authenticator, Credentials, IdentityError};
use strongroom_core::{CallContext, Caller, KeyManager};
use strongroom_edge::Peer;

use crate::answer::{Answer, Reply};
use crate::fault;
use crate::operation::Operation;

/// The request as identity sources see it.
struct Presented<'a> {
    headers: &'a HeaderMap,
    peer: Option<&'a Peer>,
}

impl Credentials for Presented<'_> {
    fn attribute(&self, name: &str) -> Result<Option<&str>, IdentityError> {
        const GARBLED: IdentityError = IdentityError::Malformed(
            "A header that identifies the caller is given twice, or is not plain text.",
        );
        let mut lines = self.headers.get_all(name).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(only), None) => only.to_str().map(Some).map_err(|_| GARBLED),
            (Some(_), Some(_)) => Err(GARBLED),
        }
    }

    fn source(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.address)
    }

    fn client_certificate(&self) -> Option<&[u8]> {
        self.peer?.client_certificate()
    }
}

/// Who is calling; or the answer, already on record, that nobody is let in.
pub(crate) async fn authenticate(
    manager: &KeyManager,
    authenticator: &dyn Authenticator,
    request: &Parts,
    origin: Origin,
) -> Result<CallContext, Answer> {
    let presented = Presented { headers: &request.headers, peer: request.extensions.get() };
    let error = match authenticator.authenticate(&presented).await {
        Ok(caller) => return Ok(CallContext { caller, origin }),
        Err(error) => error,
    };
    let (status, code, message) = match &error {
        IdentityError::Malformed(reason) => (StatusCode::BAD_REQUEST, "malformed-identity", *reason),
        IdentityError::Unavailable(_) => {
            tracing::error!(%error, "nobody can be identified");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "identity-unavailable",
                "The identity service can't be reached.",
            )
        }
        _ => (StatusCode::UNAUTHORIZED, "unauthenticated", "This service requires a valid identity."),
    };
    let context = CallContext { caller: Caller::anonymous(), origin };
    let outcome = if status.is_server_error() { Outcome::Failed } else { Outcome::Refused };
    let verdict = manager.note(&context, Action::Authenticate, None, outcome, Some(Reason::of(code))).await;
    Err(Answer::of(verdict, Operation::Unrouted, |()| {
        let reply = fault::outer(&request.headers, status, message);
        if status == StatusCode::UNAUTHORIZED {
            challenged(reply, &authenticator.challenges())
        } else {
            reply
        }
    }))
}

/// The reply, telling how to identify oneself.
fn challenged(mut reply: Reply, challenges: &[String]) -> Reply {
    for challenge in challenges.iter().filter_map(|challenge| HeaderValue::from_str(challenge).ok()) {
        reply.headers_mut().append(WWW_AUTHENTICATE, challenge);
    }
    reply
}
