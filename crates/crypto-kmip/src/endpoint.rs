use std::fmt;

use rustls::pki_types::ServerName;
use thiserror::Error;

/// The port that is registered for KMIP.
const DEFAULT_PORT: u16 = 5696;

/// Where a KMIP server listens: a name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: ServerName<'static>,
    port: u16,
}

/// A text is not an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not of the form host, host:port or [address]:port")]
pub struct InvalidEndpoint;

impl Endpoint {
    /// Reads `host`, `host:port`, `[v6 address]` or `[v6 address]:port`; without a port it is 5696.
    pub fn parse(text: &str) -> Result<Self, InvalidEndpoint> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']').ok_or(InvalidEndpoint)?;
                let port = port.strip_prefix(':').or(port.is_empty().then_some(""));
                (address, port.ok_or(InvalidEndpoint)?)
            }
            None => match text.split_once(':') {
                Some((_, "")) => return Err(InvalidEndpoint),
                Some((host, port)) => (host, port),
                None => (text, ""),
            },
        };
        let port = if port.is_empty() { Ok(DEFAULT_PORT) } else { port.parse() };
        let host = ServerName::try_from(host.to_owned()).map_err(|_| InvalidEndpoint)?;
        Ok(Self { host, port: port.ok().filter(|port| *port != 0).ok_or(InvalidEndpoint)? })
    }

    /// The name that the server's certificate has to be for.
    pub(crate) fn name(&self) -> ServerName<'static> {
        self.host.clone()
    }

    /// The host and port to connect to.
    pub(crate) fn target(&self) -> (String, u16) {
        (self.host.to_str().into_owned(), self.port)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.to_str();
        if host.contains(':') {
            write!(f, "[{host}]:{}", self.port)
        } else {
            write!(f, "{host}:{}", self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_and_shown() {
        for (text, shown) in [
            ("kms.example", "kms.example:5696"),
            ("kms.example:15696", "kms.example:15696"),
            ("192.0.2.7:1", "192.0.2.7:1"),
            ("[2001:db8::7]", "[2001:db8::7]:5696"),
            ("[2001:db8::7]:9", "[2001:db8::7]:9"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            ":1",
            "host:",
            "host:0",
            "host:x",
            "host:70000",
            "[::1",
            "[::1]x",
            "a b",
            "::1",
            "https://kms",
        ] {
            assert_eq!(Endpoint::parse(text), Err(InvalidEndpoint), "{text}");
        }
    }
}
