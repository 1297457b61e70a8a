//! References, and the links between the pages of a list.

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use serde_json::{Map, Value};
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

/// Adds `total`, `next` and `previous` to a list's body. `kept` is the rest of the query, for lists whose
/// links carry it.
pub(crate) fn add_paging(
    body: &mut Map<String, Value>,
    collection: &str,
    paging: Paging,
    shown: usize,
    total: u64,
    kept: &str,
) {
    let Paging { limit, offset } = paging;
    let link = |offset: u64| {
        let separator = if kept.is_empty() { "" } else { "&" };
        Value::from(format!("{collection}?limit={limit}&offset={offset}{separator}{kept}"))
    };
    body.insert("total".to_owned(), Value::from(total));
    if shown == 0 {
        return;
    }
    if offset > 0 {
        body.insert("previous".to_owned(), link(offset.saturating_sub(u64::from(limit))));
    }
    if total > offset + u64::from(limit) {
        body.insert("next".to_owned(), link(offset + u64::from(limit)));
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
            let mut body = Map::new();
            add_paging(
                &mut body,
                "http://h/v1/secrets",
                Paging { limit: 2, offset },
                shown,
                total,
                "sort=name",
            );
            (body.get("previous").cloned(), body.get("next").cloned())
        };
        let at = |offset| Some(Value::from(format!("http://h/v1/secrets?limit=2&offset={offset}&sort=name")));
        assert_eq!(links(0, 2, 5), (None, at(2)));
        assert_eq!(links(1, 2, 5), (at(0), at(3)));
        assert_eq!(links(4, 1, 5), (at(2), None));
        assert_eq!(links(9, 0, 5), (None, None));
    }
}
