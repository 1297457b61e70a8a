//! What goes back to the client. An [`Answer`] is made from a use case's verdict and from nothing else, so
//! a handler can't answer what has not been put on record.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use strongroom_core::{Done, Refused, Verdict};

use crate::fault;
use crate::http::json::to_ascii;
use crate::operation::Operation;

/// A whole response, small enough to be held in memory.
pub(crate) type Reply = Response<Full<Bytes>>;

/// A reply whose record is durable.
pub(crate) struct Answer(Reply);

impl Answer {
    /// What a use case gave, presented.
    pub(crate) fn done(reply: Done<Reply>) -> Self {
        Self(reply.release())
    }

    /// Why a use case gave nothing.
    pub(crate) fn refused(refused: &Refused, operation: Operation) -> Self {
        Self(fault::reply(refused.error(), operation))
    }

    /// A verdict, presented.
    pub(crate) fn of<T>(verdict: Verdict<T>, operation: Operation, present: impl FnOnce(T) -> Reply) -> Self {
        match verdict {
            Ok(done) => Self::done(done.map(present)),
            Err(refused) => Self::refused(&refused, operation),
        }
    }

    /// Changes how the answer is presented, not what it says.
    pub(crate) fn map(self, present: impl FnOnce(Reply) -> Reply) -> Self {
        Self(present(self.0))
    }

    pub(crate) fn into_reply(self) -> Reply {
        self.0
    }
}

/// A reply with a JSON body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    with_body(status, HeaderValue::from_static("application/json"), to_ascii(body))
}

/// A reply with any body.
pub(crate) fn with_body(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Reply {
    with_header(reply(status, body.into()), CONTENT_TYPE, content_type)
}

/// A reply without a body.
pub(crate) fn empty(status: StatusCode) -> Reply {
    reply(status, Bytes::new())
}

/// The reply with one header more.
pub(crate) fn with_header(mut reply: Reply, name: HeaderName, value: HeaderValue) -> Reply {
    reply.headers_mut().insert(name, value);
    reply
}

/// The reply with a `Location`, unless the base URL can't be a header.
pub(crate) fn located(reply: Reply, reference: &str) -> Reply {
    match HeaderValue::from_str(reference) {
        Ok(value) => with_header(reply, LOCATION, value),
        Err(_) => reply,
    }
}

fn reply(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    reply
}
