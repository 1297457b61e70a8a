//! Whom a proxy forwards a request for: `Forwarded` (RFC 7239), or the older `X-Forwarded-*`.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};
use http::uri::Authority;
use thiserror::Error;

use crate::networks::Networks;
use crate::peer::Scheme;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The most proxies that a request may have come through.
const MOST_HOPS: usize = 32;

/// Which headers the named proxies write. Only one kind is ever read: a proxy that writes the one lets the
/// other through as the client sent it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardingHeaders {
    /// None.
    #[default]
    Off,
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// What a proxy tells about a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// What the client speaks with the proxy.
    pub scheme: Option<Scheme>,
    /// How the client addressed the proxy.
    pub host: Option<Authority>,
}

/// The headers contradict themselves or can't be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the forwarding headers can't be understood")]
pub struct Garbled;

impl ForwardingHeaders {
    /// What the headers tell. Proxies before the last one count as long as they are named as well: the client
    /// is the nearest that is none of `proxies`, since what it says about others may be made up.
    pub fn read(self, headers: &HeaderMap, proxies: &Networks) -> Result<Told, Garbled> {
        match self {
            Self::Off => Ok(Told::default()),
            Self::XForwarded => x_forwarded(headers, proxies),
            Self::Forwarded => forwarded(headers, proxies),
        }
    }
}

/// Whether a request says that it is forwarded for somebody.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    [FORWARDED, FOR, PROTO, HOST].iter().any(|name| headers.contains_key(name))
}

/// The scheme that `X-Forwarded-Proto` tells.
pub(crate) fn scheme(headers: &HeaderMap) -> Option<Scheme> {
    last(headers, &PROTO).ok().flatten().and_then(named_scheme)
}

fn x_forwarded(headers: &HeaderMap, proxies: &Networks) -> Result<Told, Garbled> {
    let hops = values(headers, &FOR)?;
    let addresses = hops.into_iter().map(node).collect::<Result<Vec<_>, _>>()?;
    let scheme = last(headers, &PROTO)?.map(|text| named_scheme(text).ok_or(Garbled)).transpose()?;
    let host = last(headers, &HOST)?.map(|text| text.parse().map_err(|_| Garbled)).transpose()?;
    Ok(Told { address: client(&addresses, proxies).map(|(_, address)| address), scheme, host })
}

fn forwarded(headers: &HeaderMap, proxies: &Networks) -> Result<Told, Garbled> {
    let hops = values(headers, &FORWARDED)?;
    let hops = hops.into_iter().map(Hop::parse).collect::<Result<Vec<_>, _>>()?;
    // A proxy that hides its client can't be trusted to have let the right one in.
    let addresses = hops.iter().map(|hop| hop.address.ok_or(Garbled)).collect::<Result<Vec<_>, _>>()?;
    let Some((place, address)) = client(&addresses, proxies) else { return Ok(Told::default()) };
    let hop = hops.into_iter().nth(place).unwrap_or_default();
    Ok(Told { address: Some(address), scheme: hop.scheme, host: hop.host })
}

/// The nearest that is no named proxy; when all are, the farthest.
fn client(addresses: &[IpAddr], proxies: &Networks) -> Option<(usize, IpAddr)> {
    let hops = || addresses.iter().copied().enumerate();
    hops().rev().find(|(_, address)| !proxies.contains(*address)).or_else(|| hops().next())
}

/// One element of `Forwarded`.
#[derive(Debug, Default)]
struct Hop {
    address: Option<IpAddr>,
    scheme: Option<Scheme>,
    host: Option<Authority>,
}

impl Hop {
    fn parse(element: &str) -> Result<Self, Garbled> {
        let mut hop = Self::default();
        for pair in split(element, ';')? {
            let (name, value) = pair.split_once('=').ok_or(Garbled)?;
            let value = unquoted(value)?;
            let twice = match name.to_ascii_lowercase().as_str() {
                "for" => hop.address.replace(node(&value)?).is_some(),
                "proto" => hop.scheme.replace(named_scheme(&value).ok_or(Garbled)?).is_some(),
                "host" => hop.host.replace(value.parse().map_err(|_| Garbled)?).is_some(),
                _ => false,
            };
            if twice {
                return Err(Garbled);
            }
        }
        Ok(hop)
    }
}

/// The elements of a list header, over all its lines.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Vec<&'a str>, Garbled> {
    let mut found = Vec::new();
    for line in headers.get_all(name) {
        found.extend(split(line.to_str().map_err(|_| Garbled)?, ',')?);
        if found.len() > MOST_HOPS {
            return Err(Garbled);
        }
    }
    Ok(found)
}

fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Garbled> {
    Ok(values(headers, name)?.last().copied())
}

/// The parts of a text, none of them empty. A separator within a quoted string is none.
fn split(text: &str, separator: char) -> Result<Vec<&str>, Garbled> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|letter| {
        let ends = letter == separator && !quoted;
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ => {}
        }
        ends
    });
    let parts: Vec<_> = parts.map(str::trim).collect();
    if quoted || parts.iter().any(|part| part.is_empty()) { Err(Garbled) } else { Ok(parts) }
}

/// A token as it is, or what a quoted string holds.
fn unquoted(text: &str) -> Result<String, Garbled> {
    let Some(inner) = text.strip_prefix('"') else {
        return if text.is_empty() || text.contains('"') { Err(Garbled) } else { Ok(text.to_owned()) };
    };
    let inner = inner.strip_suffix('"').ok_or(Garbled)?;
    let mut plain = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => plain.push(letters.next().ok_or(Garbled)?),
            '"' => return Err(Garbled),
            _ => plain.push(letter),
        }
    }
    Ok(plain)
}

/// An address, with or without a port, an IPv6 one in brackets or without.
fn node(text: &str) -> Result<IpAddr, Garbled> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical()).ok_or(Garbled)
}

fn named_scheme(text: &str) -> Option<Scheme> {
    if text.eq_ignore_ascii_case("https") {
        Some(Scheme::Https)
    } else if text.eq_ignore_ascii_case("http") {
        Some(Scheme::Http)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn proxies() -> Networks {
        Networks::parse(["192.0.2.0/24"]).unwrap()
    }

    fn told(address: &str, scheme: Option<Scheme>, host: Option<&str>) -> Told {
        let address = Some(address.parse().unwrap());
        Told { address, scheme, host: host.map(|host| host.parse().unwrap()) }
    }

    #[test]
    fn the_older_headers() {
        let read = |lines: &[_]| ForwardingHeaders::XForwarded.read(&headers(lines), &proxies());
        assert_eq!(read(&[]), Ok(Told::default()));
        assert_eq!(
            read(&[
                ("x-forwarded-for", "203.0.113.9"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "kms.example:9311"),
            ]),
            Ok(told("203.0.113.9", Some(Scheme::Https), Some("kms.example:9311")))
        );
        for chain in [
            &[("x-forwarded-for", "10.9.9.9, 203.0.113.9, 192.0.2.7")][..],
            &[("x-forwarded-for", "10.9.9.9"), ("x-forwarded-for", "203.0.113.9:4711 ,[::ffff:192.0.2.7]:1")],
        ] {
            assert_eq!(
                read(chain),
                Ok(told("203.0.113.9", None, None)),
                "what a client says of others is not believed"
            );
        }
        assert_eq!(read(&[("x-forwarded-for", "192.0.2.8,192.0.2.7")]), Ok(told("192.0.2.8", None, None)));
        for garbled in [
            ("x-forwarded-for", "unknown"),
            ("x-forwarded-for", "203.0.113.9,"),
            ("x-forwarded-for", ""),
            ("x-forwarded-proto", "javascript"),
            ("x-forwarded-host", "a b"),
        ] {
            assert_eq!(read(&[garbled]), Err(Garbled), "{garbled:?}");
        }
        assert_eq!(read(&[("x-forwarded-for", &["203.0.113.9"; 33].join(","))]), Err(Garbled));
    }

    #[test]
    fn the_standard_header() {
        let read =
            |value: &str| ForwardingHeaders::Forwarded.read(&headers(&[("forwarded", value)]), &proxies());
        assert_eq!(
            read(r#"for=203.0.113.9;proto=https;host="kms.example:9311";by=192.0.2.1"#),
            Ok(told("203.0.113.9", Some(Scheme::Https), Some("kms.example:9311")))
        );
        assert_eq!(
            read(r#"for=10.9.9.9;host=evil, For="[2001:db8::9]:4711";PROTO=http, for=192.0.2.7;proto=https"#),
            Ok(told("2001:db8::9", Some(Scheme::Http), None))
        );
        for garbled in [
            "",
            "for",
            "for=",
            "for=unknown",
            "for=_hidden",
            "proto=https",
            "for=203.0.113.9;for=10.0.0.1",
            "for=\"203.0.113.9",
            "for=203.0.113.9;proto=gopher",
            "for=203.0.113.9;;",
            "for=\"203.0.113.9\"x",
        ] {
            assert_eq!(read(garbled), Err(Garbled), "{garbled}");
        }
        assert_eq!(
            read(r#"for=203.0.113.9;x="a,b;c\"d""#),
            Ok(told("203.0.113.9", None, None)),
            "separators within quotes are none"
        );
    }

    #[test]
    fn only_the_kind_that_is_set_is_read() {
        let both = headers(&[("forwarded", "for=10.0.0.1"), ("x-forwarded-for", "203.0.113.9")]);
        assert_eq!(ForwardingHeaders::Off.read(&both, &proxies()), Ok(Told::default()));
        assert_eq!(
            ForwardingHeaders::XForwarded.read(&both, &proxies()),
            Ok(told("203.0.113.9", None, None))
        );
        assert_eq!(ForwardingHeaders::Forwarded.read(&both, &proxies()), Ok(told("10.0.0.1", None, None)));
    }

    proptest! {
        #[test]
        fn a_client_that_says_anything_is_still_itself(made_up in "[ -~]{0,60}") {
            let line = format!("{made_up}, 203.0.113.9, 192.0.2.1");
            let read = ForwardingHeaders::XForwarded.read(&headers(&[("x-forwarded-for", &line)]), &proxies());
            prop_assert!(read == Err(Garbled) || read == Ok(told("203.0.113.9", None, None)));
        }

        #[test]
        fn any_text_is_understood_or_refused(text in "[ -~]{0,80}") {
            let line = headers(&[("forwarded", &text), ("x-forwarded-for", &text), ("x-forwarded-host", &text)]);
            for kind in [ForwardingHeaders::XForwarded, ForwardingHeaders::Forwarded] {
                kind.read(&line, &proxies()).ok();
            }
        }
    }
}
