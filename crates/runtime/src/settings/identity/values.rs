//! Kinds of values that identity sources have in common.

use std::path::PathBuf;

use strongroom_identity::{Endpoint, PlainHttp};

use super::super::reader::Reader;
use super::super::sections::PATH;

pub(super) fn text(reader: &mut Reader, key: &'static str, default: &str) -> String {
    reader.get(key, default.to_owned(), "a text")
}

/// A path; an empty text is none.
pub(super) fn path(reader: &mut Reader, key: &'static str) -> Option<PathBuf> {
    let path = reader.get(key, PathBuf::new(), PATH);
    Some(path).filter(|path| !path.as_os_str().is_empty())
}

pub(super) fn plain_http(reader: &mut Reader, key: &'static str) -> PlainHttp {
    if reader.get(key, false, "true or false") { PlainHttp::Anywhere } else { PlainHttp::Loopback }
}

pub(super) fn endpoint(
    reader: &mut Reader,
    key: &'static str,
    url: &str,
    plain: PlainHttp,
) -> Option<Endpoint> {
    Endpoint::new(url, plain).map_err(|error| reader.refuse(key, format!("{url:?} is {error}"))).ok()
}
