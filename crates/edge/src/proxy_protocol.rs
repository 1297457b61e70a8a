//! The PROXY protocol, versions 1 and 2: a proxy tells whom it connects for, before anything else is sent
//! (<https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt>).

use std::io;
use std::net::IpAddr;

use proxy_header::{ParseConfig, ProxyHeader};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::peer::Scheme;

/// How version 2 begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1, its end included.
const LONGEST_LINE: usize = 107;
/// The most that may follow the fixed part of version 2. Addresses take 36 bytes; the rest is for extensions.
const MOST_EXTENSIONS: usize = 2_048;

/// What a proxy tells about its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduced {
    /// The client's address; `None` when the proxy connects on its own account, as for a health check.
    pub address: Option<IpAddr>,
    /// What the client speaks with the proxy, when that tells.
    pub scheme: Option<Scheme>,
}

/// There is no sound PROXY header.
#[derive(Debug, Error)]
pub(crate) enum ProxyHeaderError {
    /// The connection ended, or can't be read.
    #[error("the connection ended within the PROXY header")]
    Io(#[from] io::Error),
    /// What came is not one.
    #[error("the connection does not begin with a sound PROXY header")]
    Malformed,
}

/// Reads the header and not a byte more.
pub(crate) async fn introduced(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Introduced, ProxyHeaderError> {
    // Shorter than any header of either version.
    let mut head = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut head).await?;
    if head == SIGNATURE {
        let mut fixed = [0; 4];
        stream.read_exact(&mut fixed).await?;
        let [_, _, high, low] = fixed;
        let rest = usize::from(u16::from_be_bytes([high, low]));
        if rest > MOST_EXTENSIONS {
            return Err(ProxyHeaderError::Malformed);
        }
        head.extend(fixed);
        let fixed = head.len();
        head.resize(fixed + rest, 0);
        stream.read_exact(head.get_mut(fixed..).unwrap_or_default()).await?;
    } else if head.starts_with(b"PROXY ") {
        // The line's end is known by reading it, and what follows belongs to somebody else.
        while !head.ends_with(b"\r\n") {
            if head.len() == LONGEST_LINE {
                return Err(ProxyHeaderError::Malformed);
            }
            head.push(stream.read_u8().await?);
        }
    } else {
        return Err(ProxyHeaderError::Malformed);
    }
    parse(&head).ok_or(ProxyHeaderError::Malformed)
}

/// Understands a header that is whole; `None` when it is not sound, or when more follows it.
pub fn parse(header: &[u8]) -> Option<Introduced> {
    let config = ParseConfig { include_tlvs: true, ..ParseConfig::default() };
    let (parsed, length) = ProxyHeader::parse(header, config).ok()?;
    if length != header.len() {
        return None;
    }
    let scheme = parsed.ssl().map(|tls| if tls.client_ssl() { Scheme::Https } else { Scheme::Http });
    let address = parsed.proxied_address().map(|told| told.source.ip().to_canonical());
    Some(Introduced { address, scheme })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [V2, &[command, family], &length, rest].concat()
    }

    /// What is understood of these bytes, and what is left for whoever reads next.
    async fn read(bytes: &[u8]) -> (Result<Introduced, ProxyHeaderError>, usize) {
        let mut rest = bytes;
        let read = introduced(&mut rest).await;
        (read, rest.len())
    }

    #[tokio::test]
    async fn the_client_is_told_and_what_follows_is_left_alone() {
        let v4 = [203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x34, 0x24, 0x5f];
        let v6: Vec<u8> = [&[0x20, 1, 0xd, 0xb8], &[0; 11][..], &[9], &[0; 16], &[1, 2, 3, 4]].concat();
        let tls = [&v4[..], &[0x20, 0, 5, 1, 0, 0, 0, 0]].concat();
        let plain = [&v4[..], &[0x20, 0, 5, 0, 0, 0, 0, 1]].concat();
        for (header, address, scheme) in [
            (b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 9311\r\n".to_vec(), Some("203.0.113.9"), None),
            (b"PROXY TCP6 2001:db8::9 ::1 4660 9311\r\n".to_vec(), Some("2001:db8::9"), None),
            (b"PROXY UNKNOWN\r\n".to_vec(), None, None),
            (b"PROXY UNKNOWN ffff:f::1 x y z\r\n".to_vec(), None, None),
            (v2(0x21, 0x11, &v4), Some("203.0.113.9"), None),
            (v2(0x21, 0x21, &v6), Some("2001:db8::9"), None),
            (v2(0x21, 0x11, &tls), Some("203.0.113.9"), Some(Scheme::Https)),
            (v2(0x21, 0x11, &plain), Some("203.0.113.9"), Some(Scheme::Http)),
            (v2(0x20, 0x00, &[]), None, None),
            (v2(0x20, 0x11, &v4), None, None),
        ] {
            let expected = Introduced { address: address.map(|text| text.parse().unwrap()), scheme };
            let (read, left) = read(&[&header, &b"GET / HTTP/1.1\r\n"[..]].concat()).await;
            assert_eq!((read.unwrap(), left), (expected, 16), "{}", header.escape_ascii());
        }
    }

    #[tokio::test]
    async fn what_is_no_sound_header_is_refused_at_once() {
        for (header, unread) in [
            (b"GET / HTTP/1.1\r\n\r\n".to_vec(), 6),
            (b"PROXY TCP5 203.0.113.9 192.0.2.1 1 2\r\n".to_vec(), 0),
            (b"PROXY TCP4 2001:db8::9 192.0.2.1 1 2\r\n".to_vec(), 0),
            (b"PROXY TCP4 203.0.113.9 192.0.2.1 1 70000\r\n".to_vec(), 0),
            (b"PROXY TCP4 203.0.113.9\r\n".to_vec(), 0),
            ([&b"PROXY TCP4 "[..], &[b'1'; 400]].concat(), 411 - LONGEST_LINE),
            (v2(0x22, 0x11, &[0; 12]), 0),
            (v2(0x11, 0x11, &[0; 12]), 0),
            (v2(0x21, 0x51, &[0; 12]), 0),
            (v2(0x21, 0x11, &[0; 11]), 0),
            (v2(0x21, 0x11, &[0; 3000]), 3000),
        ] {
            let (read, left) = read(&header).await;
            assert!(matches!(read, Err(ProxyHeaderError::Malformed)), "{}: {read:?}", header.escape_ascii());
            assert_eq!(left, unread, "{}", header.escape_ascii());
        }
        let (read, _) = read(b"PROXY TCP4 203.0").await;
        assert!(matches!(read, Err(ProxyHeaderError::Io(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_understood_or_refused(
            start in prop::sample::select(vec![&b""[..], b"PROXY ", b"PROXY TCP4 ", V2]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            parse(&[start, &rest].concat());
        }
    }
}
