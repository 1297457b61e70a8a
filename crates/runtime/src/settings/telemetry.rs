use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::reader::Reader;
use super::sections::seconds;

/// What is measured and followed, and where it is sent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TelemetrySection {
    /// The OTLP collector; nothing is sent when absent.
    pub collector: Option<CollectorSection>,
    /// How many requests in a million are followed by traces.
    pub traces_per_million: u32,
    /// Whose word counts on whether a request is followed.
    pub traceparent: TraceparentTrust,
}

/// An OTLP collector.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CollectorSection {
    /// Its URL, to which the signals' own paths are added.
    pub url: String,
    /// The authorities to trust, for `https`.
    pub ca_file: Option<PathBuf>,
    /// How often metrics are sent.
    pub metrics_every: Duration,
}

/// Whose `traceparent` header is believed: whoever is can have requests followed, and name the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceparentTrust {
    /// Nobody's.
    Never,
    /// That of requests through a named proxy.
    Proxies,
    /// Every client's.
    Always,
}

pub(super) fn telemetry(reader: &mut Reader) -> TelemetrySection {
    const NONE: &str = "a path as text, or \"\" for none";
    let url = reader.get("telemetry.otlp_url", String::new(), "an http or https URL, or \"\" for none");
    let ca_file = reader.get("telemetry.otlp_ca_file", PathBuf::new(), NONE);
    let metrics_every = seconds(reader, "telemetry.metrics_interval_seconds", Duration::from_mins(1));
    let ratio = reader.get("telemetry.trace_ratio", 0.0_f64, "a number from 0 to 1");
    let allowed = "\"never\", \"proxies\" or \"always\"";
    let traceparent = reader.get("telemetry.traceparent", TraceparentTrust::Proxies, allowed);
    let per_million = Duration::try_from_secs_f64(ratio).ok().filter(|_| ratio <= 1.0);
    let traces_per_million = per_million.and_then(|share| u32::try_from(share.as_micros()).ok());
    if traces_per_million.is_none() {
        reader.refuse("telemetry.trace_ratio", format!("{ratio} is not from 0 to 1"));
    }
    if ratio > 0.0 && url.is_empty() {
        reader.refuse("telemetry.trace_ratio", "traces have nowhere to go; set telemetry.otlp_url");
    }
    if url.starts_with("https:") == ca_file.as_os_str().is_empty() {
        let reason = "https URLs need the authorities to trust, and others have no use for them";
        reader.refuse("telemetry.otlp_ca_file", reason);
    }
    let collector = (!url.is_empty()).then(|| CollectorSection {
        url,
        ca_file: Some(ca_file).filter(|file| !file.as_os_str().is_empty()),
        metrics_every,
    });
    TelemetrySection { collector, traces_per_million: traces_per_million.unwrap_or_default(), traceparent }
}

#[cfg(test)]
mod tests {
    use super::super::{OperatorPlace, Settings, Sources};
    use super::*;

    fn load(toml: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("strongroom.toml");
        std::fs::write(&file, toml).unwrap();
        let sources = Sources { file: Some(file), ..Sources::default() };
        Settings::load(&sources).map(|(settings, _)| settings).map_err(|error| error.to_string())
    }

    #[test]
    fn ratios_are_read_to_a_millionth() {
        let of = |ratio: &str| {
            let toml = format!("[telemetry]\notlp_url = 'http://127.0.0.1:4318'\ntrace_ratio = {ratio}\n");
            load(&toml).map(|settings| settings.telemetry.traces_per_million)
        };
        for (ratio, expected) in [("0", 0), ("1", 1_000_000), ("0.25", 250_000), ("0.000001", 1)] {
            assert_eq!(of(ratio).unwrap(), expected, "{ratio}");
        }
        for ratio in ["-0.1", "1.1", "nan", "inf"] {
            assert!(of(ratio).unwrap_err().contains("from 0 to 1"), "{ratio}");
        }
        assert!(load("[telemetry]\ntrace_ratio = 0.5\n").unwrap_err().contains("nowhere to go"));
    }

    #[test]
    fn operators_listen_on_loopback_or_on_a_socket_or_with_consent() {
        let listen =
            |text: &str| load(&format!("[operator]\nlisten = '{text}'\n")).map(|s| s.operator.listen);
        assert_eq!(listen("").unwrap(), None);
        let local = "127.0.0.1:9312".parse().unwrap();
        assert_eq!(listen("127.0.0.1:9312").unwrap(), Some(OperatorPlace::Address(local)));
        let socket = PathBuf::from("/run/strongroom/operator.sock");
        assert_eq!(listen("/run/strongroom/operator.sock").unwrap(), Some(OperatorPlace::Socket(socket)));
        assert!(listen("operator.sock").unwrap_err().contains("operator.listen"));
        assert!(listen("10.0.0.1:9312").unwrap_err().contains("plain HTTP"));
        assert!(listen("0.0.0.0:9312").unwrap_err().contains("edge.allow_public"));
    }
}
