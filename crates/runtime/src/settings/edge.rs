use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_edge::{ForwardingHeaders, Networks, Proxies, Rate};

use super::reader::Reader;
use super::sections::seconds;

const NETWORKS: &str = "a list of addresses and networks, such as [\"192.0.2.0/24\"]";

/// Who may come in, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EdgeSection {
    /// Whether the address to listen on may be public, or stand for all of this machine's.
    pub allow_public: bool,
    /// Where clients may come from; anywhere when empty.
    pub allowed: Networks,
    /// The proxies in front.
    pub proxies: Proxies,
    /// How many requests each source may send; any number when absent.
    pub source_rate: Option<Rate>,
    /// How long like refusals are counted into one record.
    pub refusal_window: Duration,
}

/// As in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Headers {
    Off,
    XForwarded,
    Forwarded,
}

pub(super) fn edge(reader: &mut Reader) -> EdgeSection {
    let allow_public = reader.get("edge.allow_public", false, "true or false");
    let allowed = networks(reader, "edge.allowed_networks");
    let proxies = Proxies {
        networks: networks(reader, "edge.proxies"),
        proxy_protocol: reader.get("edge.proxy_protocol", false, "true or false"),
        headers: headers(reader),
    };
    let told = proxies.proxy_protocol || proxies.headers != ForwardingHeaders::Off;
    if proxies.networks.is_empty() && told {
        let reason = "clients that a proxy tells are only taken from proxies that are named; name their \
                      addresses here";
        reader.refuse("edge.proxies", reason);
    }
    if !proxies.networks.is_empty() && !told {
        let reason = "a proxy has to tell whom it connects for; set edge.proxy_protocol to true, or \
                      edge.forwarding_headers to \"x-forwarded\" or \"forwarded\", and the proxy likewise";
        reader.refuse("edge.proxies", reason);
    }
    EdgeSection {
        allow_public,
        allowed,
        proxies,
        source_rate: rate(reader, "edge.source_rate", "edge.source_burst"),
        refusal_window: seconds(reader, "edge.refusal_window_seconds", Duration::from_mins(1)),
    }
}

/// Requests a second, and how many at once; `None` for any number.
pub(super) fn rate(reader: &mut Reader, rate: &'static str, burst: &'static str) -> Option<Rate> {
    let per_second = reader.get(rate, 0_u32, "requests a second, or 0 for any number");
    let burst_given = reader.get(burst, 0_u32, "a number of requests, or 0 for those of one second");
    if per_second == 0 && burst_given != 0 {
        reader.refuse(burst, format!("does nothing without {rate}"));
    }
    let burst = if burst_given == 0 { per_second } else { burst_given };
    (per_second > 0).then_some(Rate { per_second, burst })
}

/// Whether the whole internet can reach the address, or it stands for every address of this machine.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !(address.is_private() || address.is_loopback() || address.is_link_local()),
        IpAddr::V6(address) => {
            !(address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local())
        }
    }
}

pub(super) fn networks(reader: &mut Reader, key: &'static str) -> Networks {
    let texts = reader.get(key, Vec::<String>::new(), NETWORKS);
    Networks::parse(texts.iter().map(String::as_str)).unwrap_or_else(|error| {
        reader.refuse(key, error.to_string());
        Networks::default()
    })
}

fn headers(reader: &mut Reader) -> ForwardingHeaders {
    let allowed = "\"off\", \"x-forwarded\" or \"forwarded\"";
    match reader.get("edge.forwarding_headers", Headers::Off, allowed) {
        Headers::Off => ForwardingHeaders::Off,
        Headers::XForwarded => ForwardingHeaders::XForwarded,
        Headers::Forwarded => ForwardingHeaders::Forwarded,
    }
}
