//! An authenticated request for one operation, as handlers see it.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use strongroom_core::audit::{Outcome, Reason, Target};
use strongroom_core::secret::Paging;
use strongroom_core::{CallContext, Error, KeyManager, Verdict};

use crate::answer::{Answer, Reply, json};
use crate::discovery;
use crate::fault;
use crate::http::accept;
use crate::http::body::Collected;
use crate::http::json::Fields;
use crate::http::links::{Links, ListPage, paging};
use crate::http::microversion::Microversion;
use crate::http::query::Query;
use crate::operation::{Form, Operation};
use crate::routes::Names;
use crate::settings::{ApiSettings, BaseUrl};

/// An authenticated request for one operation.
pub(crate) struct Call<'a> {
    pub(crate) manager: &'a KeyManager,
    pub(crate) settings: &'a ApiSettings,
    pub(crate) context: CallContext,
    pub(crate) operation: Operation,
    pub(crate) names: Names,
    /// What is asked for, as far as the path alone tells; for the record.
    pub(crate) target: Option<Target>,
    pub(crate) version: Microversion,
    pub(crate) base: BaseUrl,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Collected,
}

/// How a handler ends: with an answer, or with an error found before any use case was asked, which is still
/// to be put on record.
pub(crate) type Handled = Result<Answer, Error>;

impl Call<'_> {
    /// Presents a verdict in this call's words.
    pub(crate) fn answer<T>(&self, verdict: Verdict<T>, present: impl FnOnce(T) -> Reply) -> Answer {
        Answer::of(verdict, self.operation, present)
    }

    /// Ends the call before any use case.
    pub(crate) async fn refuse(&self, error: &Error) -> Answer {
        let outcome = if error.is_fault() { Outcome::Failed } else { Outcome::Refused };
        self.note(outcome, Some(Reason::from(error)), fault::reply(error, self.operation)).await
    }

    /// Answers what no use case is needed for.
    pub(crate) async fn note(&self, outcome: Outcome, reason: Option<Reason>, reply: Reply) -> Answer {
        let action = self.operation.facts().action;
        let verdict = self.manager.note(&self.context, action, self.target.clone(), outcome, reason).await;
        self.answer(verdict, |()| reply)
    }

    /// Whether the client accepts the form of the answer. Payloads have rules of their own (spec section
    /// 6.4), and a refusal is JSON whatever is accepted.
    pub(crate) fn is_acceptable(&self) -> bool {
        match self.operation.facts().form {
            Form::Json => accept::admits(&self.headers, "application/json"),
            Form::Discovery => discovery::is_acceptable(&self.headers),
            Form::Empty => accept::names_registered_types(&self.headers),
            Form::Payload | Form::Refusal => true,
        }
    }

    /// The properties of the body, which has to be of the media type JSON (spec section 3.3).
    pub(crate) fn fields(&self) -> Result<Fields, Error> {
        if self.media_type() != Some("application/json") {
            return Err(Error::UnsupportedMediaType);
        }
        self.fields_of_any_type()
    }

    /// The properties of the body, whatever it is said to be.
    pub(crate) fn fields_of_any_type(&self) -> Result<Fields, Error> {
        Fields::parse(&self.body, self.settings.max_request_bytes)
    }

    /// The media type of the body, without parameters.
    pub(crate) fn media_type(&self) -> Option<&str> {
        let value = self.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        value.split(';').next().map(str::trim)
    }

    /// The part of a list that is asked for.
    pub(crate) fn paging(&self) -> Paging {
        paging(self.settings, &self.query)
    }

    /// One page of a list, whose links carry nothing of the query but the paging.
    pub(crate) fn page<T: Serialize>(
        &self,
        path: &str,
        key: &'static str,
        items: impl ExactSizeIterator<Item = T> + Clone,
        total: u64,
    ) -> Reply {
        self.page_keeping(path, key, items, total, "")
    }

    /// One page of a list, whose links carry `kept` too.
    pub(crate) fn page_keeping<T: Serialize>(
        &self,
        path: &str,
        key: &'static str,
        items: impl ExactSizeIterator<Item = T> + Clone,
        total: u64,
        kept: &str,
    ) -> Reply {
        let links = Links::of(self.base.reference(path), self.paging(), items.len(), total, kept);
        json(StatusCode::OK, &ListPage { key, items, total, links })
    }
}
