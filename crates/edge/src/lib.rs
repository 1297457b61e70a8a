#![doc = include_str!("../README.md")]

mod capacity;
mod connection;
mod connections;
mod forwarded;
mod framing;
mod limits;
mod lock_outs;
mod networks;
mod peer;
mod progress;
mod proxy_protocol;
mod rate;
mod refusals;
mod request;
mod rules;
mod server;
mod source;
mod tls;
mod turns;
mod versions;

pub use capacity::{Capacity, Entering, Place, away};
pub use connections::Connections;
pub use forwarded::{ForwardingHeaders, Garbled, Told};
pub use limits::Limits;
pub use lock_outs::LockOuts;
pub use networks::{InvalidNetwork, Networks};
pub use peer::{Peer, Scheme};
pub use proxy_protocol::{Introduced, parse as parse_proxy_header};
pub use rate::{Rate, RateLimiter};
pub use refusals::{CountedRefusals, Refusal, Refusals};
pub use rules::{Proxies, Rules};
pub use server::{Server, Stopping};
pub use source::source;
pub use tls::{ClientCertificates, Tls, TlsError, TlsFiles, make_self_signed};
