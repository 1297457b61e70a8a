//! The `Accept` header (spec section 3.1).

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};

/// What one media range of an `Accept` header admits, most specific first in preference.
struct Range<'a> {
    essence: &'a str,
    quality: f32,
}

/// The raw value; several lines read as one list. `None` when there is no such header.
pub(crate) fn raw(headers: &HeaderMap<HeaderValue>) -> Option<String> {
    let mut lines = headers.get_all(ACCEPT).iter().peekable();
    lines.peek()?;
    let texts: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect();
    Some(texts.join(", "))
}

/// Whether an answer of that media type may be given.
pub(crate) fn admits(headers: &HeaderMap<HeaderValue>, wanted: &str) -> bool {
    quality(headers, wanted) > 0.0
}

/// How much an answer of that media type is wanted: 0 not at all, 1 most.
pub(crate) fn quality(headers: &HeaderMap<HeaderValue>, wanted: &str) -> f32 {
    let Some(value) = raw(headers).filter(|value| !value.trim().is_empty()) else {
        return 1.0;
    };
    let wanted_type = wanted.split('/').next().unwrap_or_default();
    let specificity = |range: &Range<'_>| match range.essence.split_once('/') {
        Some(("*", "*")) => Some(0),
        Some((kind, "*")) if kind.eq_ignore_ascii_case(wanted_type) => Some(1),
        _ if range.essence.eq_ignore_ascii_case(wanted) => Some(2),
        _ => None,
    };
    ranges(&value)
        .filter_map(|range| Some((specificity(&range)?, range.quality)))
        .max_by_key(|(specificity, _)| *specificity)
        .map_or(0.0, |(_, quality)| quality)
}

/// Whether every range names a kind of media type that exists: what an answer without a body needs.
pub(crate) fn names_registered_types(headers: &HeaderMap<HeaderValue>) -> bool {
    const KINDS: [&str; 11] = [
        "*",
        "application",
        "audio",
        "font",
        "image",
        "message",
        "model",
        "multipart",
        "text",
        "video",
        "haptics",
    ];
    let Some(value) = raw(headers).filter(|value| !value.trim().is_empty()) else {
        return true;
    };
    ranges(&value).any(|range| {
        range
            .essence
            .split_once('/')
            .is_some_and(|(kind, _)| KINDS.contains(&kind.to_ascii_lowercase().as_str()))
    })
}

fn ranges(value: &str) -> impl Iterator<Item = Range<'_>> {
    value.split(',').filter_map(|part| {
        let mut parts = part.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| !essence.is_empty())?;
        let quality = parts
            .find_map(|parameter| parameter.strip_prefix("q=").or(parameter.strip_prefix("Q=")))
            .map_or(Some(1.0), |text| text.trim().parse().ok())?;
        Some(Range { essence, quality })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap<HeaderValue> {
        HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn json_is_admitted_by_every_range_that_covers_it() {
        assert!(admits(&HeaderMap::new(), "application/json"));
        for value in ["*/*", "application/*", "text/html, application/json;q=0.1", "APPLICATION/JSON", ""] {
            assert!(admits(&with(value), "application/json"), "{value}");
        }
        for value in
            ["text/html", "application/json;q=0", "*/*, application/json;q=0", "application/jsonx", "q=1"]
        {
            assert!(!admits(&with(value), "application/json"), "{value}");
        }
    }

    #[test]
    fn answers_without_a_body_only_refuse_invented_types() {
        assert!(names_registered_types(&with("image/png")));
        assert!(names_registered_types(&HeaderMap::new()));
        assert!(!names_registered_types(&with("foo/bar")));
    }
}
