use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_crypto_kmip::{ClientSettings, Custody, Endpoint, TlsFiles};

use super::reader::Reader;
use super::sections::{PATH, positive, seconds};
use super::stores::{StoreKind, StoresSection};

/// How the KMIP server is reached and what it holds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KmipSection {
    /// How it is reached; without an endpoint there is no server.
    pub client: ClientSettings,
    /// What it holds.
    pub custody: Custody,
    /// The file that names the master key's objects.
    pub master_key_file: PathBuf,
    /// How long a project key is used without asking the server again.
    pub lease: Duration,
}

/// What a KMIP server can hold, as it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Holds {
    MasterKey,
    Secrets,
}

pub(super) fn kmip(reader: &mut Reader, data_dir: &Path, stores: &StoresSection) -> KmipSection {
    let in_use = stores.enabled.contains(&StoreKind::Kmip);
    let endpoints = endpoints(reader, in_use);
    let mut file = |key| {
        let path = reader.get(key, PathBuf::new(), PATH);
        if in_use && path.as_os_str().is_empty() {
            reader.refuse(key, "is needed by the store \"kmip\"; give the path of a file in PEM");
        }
        path
    };
    let tls = TlsFiles::new(file("kmip.ca_file"), file("kmip.certificate_file"), file("kmip.key_file"));
    let defaults = ClientSettings::new(endpoints, tls);
    let custody = reader.get("kmip.custody", Holds::MasterKey, "\"master-key\" or \"secrets\"");
    KmipSection {
        client: ClientSettings {
            connections: positive(reader, "kmip.connections", defaults.connections),
            connect_timeout: millis(reader, "kmip.connect_timeout_ms", defaults.connect_timeout),
            answer_timeout: millis(reader, "kmip.answer_timeout_ms", defaults.answer_timeout),
            ..defaults
        },
        custody: match custody {
            Holds::MasterKey => Custody::MasterKey,
            Holds::Secrets => Custody::Secrets,
        },
        master_key_file: reader.get("kmip.master_key_file", data_dir.join("kmip-master-key"), PATH),
        lease: seconds(reader, "kmip.lease_seconds", Duration::from_mins(5)),
    }
}

fn endpoints(reader: &mut Reader, in_use: bool) -> Vec<Endpoint> {
    const KEY: &str = "kmip.endpoints";
    let given: Vec<String> = reader.get(KEY, Vec::new(), "a list such as [\"kms.example:5696\"]");
    if in_use && given.is_empty() {
        reader.refuse(KEY, "names no server, and the store \"kmip\" needs one");
    }
    let mut endpoints = Vec::new();
    for text in given {
        match Endpoint::parse(&text) {
            Ok(endpoint) => endpoints.push(endpoint),
            Err(error) => reader.refuse(KEY, format!("{text:?} is {error}")),
        }
    }
    endpoints
}

fn millis(reader: &mut Reader, key: &'static str, default: Duration) -> Duration {
    let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(positive(reader, key, default))
}

#[cfg(test)]
mod tests {
    use figment::value::Value;

    use super::super::{Flag, Settings, Sources};
    use super::*;

    fn load(flags: &[(&'static str, Value)]) -> Result<KmipSection, String> {
        let flags =
            flags.iter().map(|(key, value)| Flag { name: "--test", key, value: value.clone() }).collect();
        let sources = Sources { flags, ..Sources::default() };
        Settings::load(&sources).map(|(settings, _)| settings.kmip).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_needed_until_the_store_is_enabled() {
        assert!(load(&[]).unwrap().client.endpoints.is_empty());
        let told = load(&[("stores.enabled", Value::from(vec!["kmip"]))]).unwrap_err();
        for key in ["kmip.endpoints", "kmip.ca_file", "kmip.certificate_file", "kmip.key_file"] {
            assert!(told.contains(key), "{told}");
        }
    }

    #[test]
    fn a_whole_section_is_read() {
        let section = load(&[
            ("stores.enabled", Value::from(vec!["soft", "kmip"])),
            ("kmip.endpoints", Value::from(vec!["one.example", "two.example:7"])),
            ("kmip.ca_file", Value::from("/ca")),
            ("kmip.certificate_file", Value::from("/certificate")),
            ("kmip.key_file", Value::from("/key")),
            ("kmip.custody", Value::from("secrets")),
            ("kmip.connect_timeout_ms", Value::from(150)),
        ]);
        let section = section.unwrap();
        let shown: Vec<_> = section.client.endpoints.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["one.example:5696", "two.example:7"]);
        assert_eq!(section.custody, Custody::Secrets);
        assert_eq!(section.client.connect_timeout, Duration::from_millis(150));
        let wrong = [("kmip.endpoints", Value::from(vec!["https://one.example"]))];
        assert!(load(&wrong).unwrap_err().contains("https://one.example"));
    }
}
