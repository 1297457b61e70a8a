use std::sync::Arc;

use http::HeaderMap;
use strongroom_api::{Answered, Observer};
use strongroom_edge::Peer;
use strongroom_telemetry::{Histogram, KeyValue, Meters, Traces, catalogue};
use tracing::Span;

use crate::settings::TraceparentTrust;

/// Looks on at the API's requests.
pub(super) struct Onlooker {
    durations: Histogram<f64>,
    traces: Option<Arc<Traces>>,
    trust: TraceparentTrust,
}

impl Onlooker {
    pub(super) fn new(meters: &Meters, traces: Option<Arc<Traces>>, trust: TraceparentTrust) -> Self {
        Self { durations: meters.histogram(&catalogue::REQUEST_DURATION), traces, trust }
    }

    fn believes(&self, peer: Option<&Peer>) -> bool {
        match self.trust {
            TraceparentTrust::Never => false,
            TraceparentTrust::Proxies => peer.is_some_and(|peer| peer.by_proxy),
            TraceparentTrust::Always => true,
        }
    }
}

impl Observer for Onlooker {
    fn follows(&self, headers: &HeaderMap, peer: Option<&Peer>) -> bool {
        self.traces.as_ref().is_some_and(|traces| traces.follows(headers, self.believes(peer)))
    }

    fn adopt(&self, span: &Span, headers: &HeaderMap, peer: Option<&Peer>) {
        if let Some(traces) = &self.traces {
            traces.adopt(span, headers, self.believes(peer));
        }
    }

    fn answered(&self, span: &Span, answered: &Answered) {
        if let (Some(traces), Some(route)) = (&self.traces, answered.route) {
            traces.rename(span, answered.method, route);
        }
        let took = answered.took.as_secs_f64();
        let method = KeyValue::new("http.request.method", answered.method);
        let status = KeyValue::new("http.response.status_code", i64::from(answered.status.as_u16()));
        match answered.route {
            Some(route) => self.durations.record(took, &[method, status, KeyValue::new("http.route", route)]),
            None => self.durations.record(took, &[method, status]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use strongroom_edge::Scheme;

    use super::*;

    #[test]
    fn a_caller_is_believed_as_the_settings_say() {
        let meters = Meters::start("node", None).unwrap();
        let direct = Peer::new(Ipv4Addr::LOCALHOST.into(), Scheme::Http);
        let mut behind = direct.clone();
        behind.by_proxy = true;
        for (trust, expected) in [
            (TraceparentTrust::Never, [false, false]),
            (TraceparentTrust::Proxies, [false, true]),
            (TraceparentTrust::Always, [true, true]),
        ] {
            let onlooker = Onlooker::new(&meters, None, trust);
            assert_eq!([&direct, &behind].map(|peer| onlooker.believes(Some(peer))), expected, "{trust:?}");
            assert!(!onlooker.follows(&HeaderMap::new(), Some(&behind)), "there are no traces");
        }
    }
}
