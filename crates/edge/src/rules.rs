use std::net::IpAddr;
use std::sync::Arc;

use crate::forwarded::ForwardingHeaders;
use crate::lock_outs::LockOuts;
use crate::networks::Networks;
use crate::rate::RateLimiter;
use crate::tls::Tls;

/// Who may come in, and how.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Where clients may come from; anywhere when empty. It is their own address that counts, also behind a
    /// named proxy.
    pub allowed: Networks,
    /// The proxies in front.
    pub proxies: Proxies,
    /// TLS; plain HTTP without.
    pub tls: Option<Arc<Tls>>,
    /// How many requests each source may send.
    pub source_rate: Option<Arc<RateLimiter>>,
    /// Which sources are locked out.
    pub lock_outs: LockOuts,
}

/// The proxies in front: who they are and how they tell whom they connect for.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// Where they connect from. Nobody else is believed.
    pub networks: Networks,
    /// Whether each of their connections begins with a PROXY header, version 1 or 2.
    pub proxy_protocol: bool,
    /// The headers that they write into requests.
    pub headers: ForwardingHeaders,
}

impl Rules {
    /// Whether a connection from there may go on at all; a proxy's clients are looked at once they are known.
    pub(crate) fn admits(&self, client: IpAddr) -> bool {
        self.allowed.is_empty() || self.allowed.contains(client)
    }

    /// Whether only the named proxies may connect: what they send in plain text has left TLS with them, and
    /// nobody else's has been in it.
    pub(crate) fn is_for_proxies_only(&self) -> bool {
        self.tls.is_none() && !self.proxies.networks.is_empty()
    }
}
