//! References, and the links between the pages of a list.

use std::fmt;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use strongroom_core::secret::Paging;
use strongroom_edge::{Peer, Scheme};

use super::query::Query;
use crate::settings::{ApiSettings, BaseUrl};

/// The base of every reference in an answer: as configured, else as the client addressed us (spec
/// sections 3.6 and 27).
pub(crate) fn base_url(settings: &ApiSettings, request: &Parts) -> BaseUrl {
    if let Some(fixed) = &settings.host_href {
        return fixed.clone();
    }
    let peer = request.extensions.get::<Peer>();
    let scheme = peer.map_or(Scheme::Http, |peer| peer.scheme).as_str();
    // HTTP/2 names the host in the request line, HTTP/1.1 in a header.
    let host = request.headers.get(HOST).and_then(|value| value.to_str().ok());
    let told = peer.and_then(|peer| peer.host.clone());
    let authority = told.or_else(|| request.uri.authority().cloned());
    let authority = authority.or_else(|| host?.parse::<Authority>().ok());
    BaseUrl::derived(scheme, authority.as_ref().map_or("localhost", Authority::as_str))
}

/// Reads `limit` and `offset`. Nonsense is replaced, never refused (spec section 5.1).
pub(crate) fn paging(settings: &ApiSettings, query: &Query) -> Paging {
    let number = |name| query.get(name).and_then(|text| text.trim().parse::<i64>().ok());
    let limit = number("limit").map_or(settings.default_page, |limit| {
        u32::try_from(limit.clamp(1, i64::from(settings.largest_page))).unwrap_or(settings.largest_page)
    });
    let offset = number("offset").and_then(|offset| u64::try_from(offset).ok()).unwrap_or(0);
    Paging { limit, offset }
}

/// Where the pages before and after one are, if there are any.
pub(crate) struct Links {
    previous: Option<String>,
    next: Option<String>,
}

impl Links {
    /// Of a page that shows so many of all. `kept` is the rest of the query, for lists whose links carry it.
    pub(crate) fn of(
        collection: impl fmt::Display,
        paging: Paging,
        shown: usize,
        total: u64,
        kept: &str,
    ) -> Self {
        let Paging { limit, offset } = paging;
        let link = |offset: u64| {
            let separator = if kept.is_empty() { "" } else { "&" };
            format!("{collection}?limit={limit}&offset={offset}{separator}{kept}")
        };
        let before = shown > 0 && offset > 0;
        let after = shown > 0 && total > offset + u64::from(limit);
        Self {
            previous: before.then(|| link(offset.saturating_sub(u64::from(limit)))),
            next: after.then(|| link(offset + u64::from(limit))),
        }
    }
}

/// A part of a list as it goes to the client: written item by item, since each would else be made, and kept, a second
/// time as a tree of values.
pub(crate) struct ListPage<I> {
    /// What the items are called.
    pub(crate) key: &'static str,
    pub(crate) items: I,
    /// How many there are on all pages.
    pub(crate) total: u64,
    pub(crate) links: Links,
}

impl<T: Serialize, I: Iterator<Item = T> + Clone> Serialize for ListPage<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Links { previous, next } = &self.links;
        let mut page = serializer.serialize_map(None)?;
        page.serialize_entry("total", &self.total)?;
        for (rel, link) in [("previous", previous), ("next", next)] {
            if let Some(link) = link {
                page.serialize_entry(rel, link)?;
            }
        }
        page.serialize_entry(self.key, &Items(&self.items))?;
        page.end()
    }
}

struct Items<'a, I>(&'a I);

impl<T: Serialize, I: Iterator<Item = T> + Clone> Serialize for Items<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paging_never_fails() {
        let settings = ApiSettings::default();
        for (text, limit, offset) in [
            ("", 10, 0),
            ("limit=1000&offset=5", 100, 5),
            ("limit=0&offset=-1", 1, 0),
            ("limit=abc&offset=abc", 10, 0),
            ("limit=&offset=", 10, 0),
            ("limit=-5", 1, 0),
            ("limit=99999999999999999999", 10, 0),
        ] {
            assert_eq!(paging(&settings, &Query::parse(Some(text))), Paging { limit, offset }, "{text}");
        }
    }

    #[test]
    fn links_appear_where_there_is_somewhere_to_go() {
        let links = |offset, shown, total| {
            let paging = Paging { limit: 2, offset };
            let Links { previous, next } =
                Links::of("http://h/v1/secrets", paging, shown, total, "sort=name");
            (previous, next)
        };
        let at = |offset| Some(format!("http://h/v1/secrets?limit=2&offset={offset}&sort=name"));
        assert_eq!(links(0, 2, 5), (None, at(2)));
        assert_eq!(links(1, 2, 5), (at(0), at(3)));
        assert_eq!(links(4, 1, 5), (at(2), None));
        assert_eq!(links(9, 0, 5), (None, None));
    }
}
