use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_api::{ApiSettings, BaseUrl};
use strongroom_core::RuleSet;
use strongroom_core::quota::EffectiveQuotas;
use strongroom_edge::{ClientCertificates, Limits, TlsFiles};

use super::alerts::{AlertsSection, alerts};
use super::audit::{AuditSection, audit};
use super::cors::cors;
use super::deletion::{DeletionSection, deletion};
use super::doctor::{DoctorSection, doctor};
use super::edge::{EdgeSection, edge, is_public};
use super::expiry::{ExpirySection, expiry};
use super::identity::{IdentitySection, identity};
use super::kmip::{KmipSection, kmip};
use super::load::{LoadSection, load};
use super::notices::{NoticesSection, notices};
use super::operator::{OperatorPlace, OperatorSection, operator};
use super::orders::{OrdersSection, orders};
use super::pkcs11::{Pkcs11Section, pkcs11};
use super::quotas::quotas;
use super::reader::{Reader, SettingsError, Shown};
use super::rotation::{RotationSection, rotation};
use super::sandbox::{SandboxSection, sandbox};
use super::sources::Sources;
use super::stores::{StoresSection, stores};
use super::telemetry::{TelemetrySection, telemetry};
use super::tls::tls;

/// Checked settings: every value is usable as it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Where everything is kept that has no place of its own.
    pub data_dir: PathBuf,
    /// Where the API listens.
    pub listen: SocketAddr,
    /// How the API answers.
    pub api: ApiSettings,
    /// How patient the server is.
    pub limits: Limits,
    /// Who may come in, and how.
    pub edge: EdgeSection,
    /// How much the server takes on.
    pub load: LoadSection,
    /// Where operators look at it.
    pub operator: OperatorSection,
    /// What is measured and followed.
    pub telemetry: TelemetrySection,
    /// What the process gives up by itself.
    pub sandbox: SandboxSection,
    /// Certificate and key; plain HTTP without.
    pub tls: Option<TlsFiles>,
    /// Who may call.
    pub identity: IdentitySection,
    /// Which access rules apply.
    pub policy: PolicySection,
    /// What projects may have for which nothing else is set.
    pub quotas: EffectiveQuotas,
    /// How orders are carried out.
    pub orders: OrdersSection,
    /// What becomes of secrets that are deleted.
    pub deletion: DeletionSection,
    /// What becomes of secrets that have expired.
    pub expiry: ExpirySection,
    /// Which secret stores there are.
    pub stores: StoresSection,
    /// Which tokens hold the master key, and how they are used.
    pub pkcs11: Pkcs11Section,
    /// How rotations of keys are carried out.
    pub rotation: RotationSection,
    /// Where the soft master key is.
    pub master_key: MasterKeySection,
    /// How the KMIP server is reached.
    pub kmip: KmipSection,
    /// Where secrets are kept.
    pub storage: StorageSection,
    /// Where and how the audit journal is kept.
    pub audit: AuditSection,
    /// What operators are told at once, and who is locked out.
    pub alerts: AlertsSection,
    /// How operators are told.
    pub notices: NoticesSection,
    /// What is checked before the server serves.
    pub doctor: DoctorSection,
    /// What the program logs about itself.
    pub log: LogSection,
}

/// Which access rules apply.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PolicySection {
    /// The default rules.
    pub rule_set: RuleSet,
    /// The operator's own rules, in place of defaults of the same names.
    pub file: Option<PathBuf>,
}

/// Where the soft master key is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MasterKeySection {
    /// The key file.
    pub file: PathBuf,
    /// The key's name in the service manager's credentials folder, which is used when it is there and no
    /// file is set.
    pub credential: String,
    /// Whether `file` was set rather than derived from the data folder.
    pub file_is_set: bool,
}

/// Where secrets are kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StorageSection {
    /// The SQLite file.
    pub file: PathBuf,
    /// Whether the server may bring an older schema up to date at start.
    pub upgrade_at_start: bool,
}

/// What the program logs about itself. Never a payload, a key or a token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogSection {
    /// The least severe level to log.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

const POSITIVE: &str = "a whole number above 0";
pub(super) const PATH: &str = "a path as text";

impl Settings {
    /// Reads and checks every setting; also tells where each came from.
    pub fn load(sources: &Sources) -> Result<(Self, Vec<Shown>), SettingsError> {
        let mut reader = Reader::new(sources.figment()?)?;
        let data_dir = reader.get("data_dir", PathBuf::from("/var/lib/strongroom"), PATH);
        let orders = orders(&mut reader);
        let stores = stores(&mut reader);
        let pkcs11 = pkcs11(&mut reader, &stores);
        let settings = Self {
            listen: listen(&mut reader),
            api: ApiSettings { order_wait: orders.wait, cors: cors(&mut reader), ..api(&mut reader) },
            limits: limits(&mut reader),
            edge: edge(&mut reader),
            load: load(&mut reader),
            operator: operator(&mut reader),
            telemetry: telemetry(&mut reader),
            sandbox: sandbox(&mut reader),
            tls: tls(&mut reader),
            identity: identity(&mut reader),
            policy: policy(&mut reader),
            quotas: quotas(&mut reader),
            orders,
            deletion: deletion(&mut reader),
            expiry: expiry(&mut reader),
            pkcs11,
            rotation: rotation(&mut reader),
            master_key: master_key(&mut reader, &data_dir),
            kmip: kmip(&mut reader, &data_dir, &stores),
            stores,
            storage: storage(&mut reader, &data_dir),
            audit: audit(&mut reader, &data_dir),
            alerts: alerts(&mut reader),
            notices: notices(&mut reader),
            doctor: doctor(&mut reader),
            log: log(&mut reader),
            data_dir,
        };
        settings.check_exposure(&mut reader);
        settings.check_operator_exposure(&mut reader);
        settings.check_client_certificates(&mut reader);
        let shown = reader.finish()?;
        Ok((settings, shown))
    }

    /// What is reachable from other machines needs callers who prove who they are, TLS on the way, and, where
    /// anybody at all could reach it, an explicit yes.
    fn check_exposure(&self, reader: &mut Reader) {
        let address = self.listen;
        if is_loopback(address.ip()) {
            return;
        }
        let reachable = format!("{address} is reachable from other machines, and");
        if matches!(self.identity, IdentitySection::Unauthenticated) {
            reader.refuse(
                "api.listen",
                format!(
                    "{reachable} the identity source \"unauthenticated\" believes whatever callers say; give an address \
                     of the loopback interface, such as 127.0.0.1:9311"
                ),
            );
        }
        if self.tls.is_none() && self.edge.proxies.networks.is_empty() {
            reader.refuse(
                "api.listen",
                format!(
                    "{reachable} this server would speak plain HTTP; give tls.certificate and tls.key, or name \
                     the TLS-terminating proxies in edge.proxies"
                ),
            );
        }
        self.check_consent("api.listen", address, reader);
    }

    /// The operator's listener tells how the service does, and asks nobody who they are: off this machine only by
    /// TLS, and within edge.allowed_networks as the API.
    fn check_operator_exposure(&self, reader: &mut Reader) {
        let Some(OperatorPlace::Address(address)) = self.operator.listen else { return };
        if is_loopback(address.ip()) {
            return;
        }
        if self.tls.is_none() {
            reader.refuse(
                "operator.listen",
                format!(
                    "{address} is reachable from other machines, and this server would speak plain HTTP; give \
                     tls.certificate and tls.key, or an address of the loopback interface"
                ),
            );
        }
        self.check_consent("operator.listen", address, reader);
    }

    fn check_consent(&self, key: &'static str, address: SocketAddr, reader: &mut Reader) {
        if is_public(address.ip()) && !self.edge.allow_public {
            reader.refuse(
                key,
                format!(
                    "{address} is public, or stands for every address of this machine; give one private \
                     address, or say that it is meant by edge.allow_public = true"
                ),
            );
        }
    }

    /// A certificate that nobody asks for lets nobody in.
    fn check_client_certificates(&self, reader: &mut Reader) {
        let asked = self.tls.as_ref().is_some_and(|tls| tls.clients != ClientCertificates::Off);
        if self.identity.uses_certificates() && !asked {
            let reason = "\"certificate\" needs clients to be asked for theirs; give tls.client_certificates and \
                          tls.client_ca";
            reader.refuse("identity.sources", reason);
        }
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn listen(reader: &mut Reader) -> SocketAddr {
    let default = SocketAddr::from(([127, 0, 0, 1], 9311));
    reader.get("api.listen", default, "an address and port, such as \"127.0.0.1:9311\"")
}

fn api(reader: &mut Reader) -> ApiSettings {
    let defaults = ApiSettings::default();
    let text = reader.get("api.host_href", String::new(), "an http or https URL, or \"\" to derive it");
    let host_href = match BaseUrl::new(&text) {
        _ if text.is_empty() => None,
        Ok(url) => Some(url),
        Err(error) => {
            reader.refuse("api.host_href", format!("{text:?} is {error}"));
            None
        }
    };
    let default_page = positive(reader, "api.default_page_size", defaults.default_page);
    let largest_page = positive(reader, "api.max_page_size", defaults.largest_page);
    if default_page > largest_page {
        reader.refuse(
            "api.default_page_size",
            format!("{default_page} is above api.max_page_size, {largest_page}"),
        );
    }
    let disable_file = reader.get(
        "api.healthcheck_disable_file",
        PathBuf::from("/etc/strongroom/healthcheck_disable"),
        PATH,
    );
    ApiSettings {
        host_href,
        max_request_bytes: positive(reader, "api.max_request_bytes", defaults.max_request_bytes),
        max_secret_bytes: positive(reader, "api.max_secret_bytes", defaults.max_secret_bytes),
        default_page,
        largest_page,
        body_timeout: seconds(reader, "api.body_timeout_seconds", defaults.body_timeout),
        disable_file: Some(disable_file),
        ..defaults
    }
}

fn limits(reader: &mut Reader) -> Limits {
    let defaults = Limits::default();
    Limits {
        connections: positive(reader, "api.max_connections", defaults.connections),
        source_connections: positive(reader, "edge.max_connections_per_source", defaults.source_connections),
        handshake_timeout: seconds(reader, "edge.handshake_timeout_seconds", defaults.handshake_timeout),
        header_timeout: seconds(reader, "api.header_timeout_seconds", defaults.header_timeout),
        idle_timeout: seconds(reader, "api.idle_timeout_seconds", defaults.idle_timeout),
        write_timeout: seconds(reader, "api.write_timeout_seconds", defaults.write_timeout),
        drain_timeout: seconds(reader, "api.drain_timeout_seconds", defaults.drain_timeout),
    }
}

fn policy(reader: &mut Reader) -> PolicySection {
    let current = reader.get("policy.enforce_new_defaults", true, "true or false");
    let file = reader.get("policy.file", PathBuf::new(), "a path as text, or \"\" for none");
    PolicySection {
        rule_set: if current { RuleSet::Current } else { RuleSet::Legacy },
        file: Some(file).filter(|file| !file.as_os_str().is_empty()),
    }
}

fn master_key(reader: &mut Reader, data_dir: &Path) -> MasterKeySection {
    let file_is_set = reader.is_given("master_key.file");
    let file = reader.get("master_key.file", data_dir.join("master.key"), PATH);
    let credential =
        reader.get("master_key.credential", "master-key".to_owned(), "a file name in the credentials folder");
    if credential.is_empty() || credential.contains('/') {
        reader.refuse("master_key.credential", "has to be a file name without a folder");
    }
    MasterKeySection { file, credential, file_is_set }
}

fn storage(reader: &mut Reader, data_dir: &Path) -> StorageSection {
    StorageSection {
        file: reader.get("storage.file", data_dir.join("strongroom.sqlite"), PATH),
        upgrade_at_start: reader.get("storage.upgrade_at_start", false, "true or false"),
    }
}

fn log(reader: &mut Reader) -> LogSection {
    const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
    let level = reader.get("log.level", "info".to_owned(), "one of error, warn, info, debug, trace");
    if !LEVELS.contains(&level.as_str()) {
        reader.refuse("log.level", format!("{level:?} is none of {}", LEVELS.join(", ")));
    }
    LogSection { level, format: reader.get("log.format", LogFormat::Text, "\"text\" or \"json\"") }
}

pub(super) fn positive<T>(reader: &mut Reader, key: &'static str, default: T) -> T
where
    T: serde::de::DeserializeOwned + Serialize + Copy + Default + PartialEq,
{
    let value = reader.get(key, default, POSITIVE);
    if value == T::default() {
        reader.refuse(key, format!("0 is not allowed here; give {POSITIVE}"));
    }
    value
}

pub(super) fn seconds(reader: &mut Reader, key: &'static str, default: Duration) -> Duration {
    Duration::from_secs(positive(reader, key, default.as_secs()))
}

#[cfg(test)]
mod tests {
    use figment::value::Value;

    use super::super::sources::Flag;
    use super::*;

    fn load(toml: &str) -> Result<(Settings, Vec<Shown>), Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("strongroom.toml");
        std::fs::write(&file, toml).unwrap();
        Settings::load(&Sources { file: Some(file), ..Sources::default() })
            .map_err(|error| error.0.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn everything_has_a_default() {
        let (settings, shown) = load("").unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:9311");
        assert_eq!(settings.master_key.file, Path::new("/var/lib/strongroom/master.key"));
        assert!(shown.iter().all(|shown| shown.source == "default"));
    }

    #[test]
    fn all_problems_are_told_at_once_with_key_source_and_remedy() {
        let problems = load(
            "colour = 1\n[api]\nlisten = 'everywhere'\nmax_page_size = 0\nlistenn = 1\n\
             [policy]\nenforce_new_defaults = 'maybe'\n[log]\nlevel = 'loud'\n",
        )
        .unwrap_err();
        assert_eq!(problems.len(), 7, "{problems:#?}");
        for (key, told) in [
            ("colour", "no such setting"),
            ("api.listen ", "127.0.0.1:9311"),
            ("api.max_page_size", "above 0"),
            ("api.default_page_size", "is above"),
            ("api.listenn", "api.listen"),
            ("policy.enforce_new_defaults", "true or false"),
            ("log.level", "loud"),
        ] {
            let found = problems.iter().find(|problem| problem.starts_with(key)).expect(key);
            assert!(
                found.contains(told) && found.contains("strongroom.toml") || key == "api.default_page_size",
                "{found}"
            );
        }
    }

    #[test]
    fn a_file_that_is_no_toml_or_not_there_is_refused() {
        assert!(load("= nonsense").unwrap_err()[0].contains("strongroom.toml"));
        let missing = Sources { file: Some(PathBuf::from("/nonexistent/s.toml")), ..Sources::default() };
        let problems = Settings::load(&missing).unwrap_err().0;
        assert_eq!((problems.len(), problems[0].source.as_str()), (1, "/nonexistent/s.toml"));
    }

    #[test]
    fn addresses_off_loopback_are_refused() {
        for address in ["0.0.0.0:9311", "[::]:9311", "192.0.2.1:9311"] {
            assert!(load(&format!("[api]\nlisten = '{address}'")).is_err(), "{address}");
        }
        assert!(load("[api]\nlisten = '[::1]:9311'").is_ok());
    }

    #[test]
    fn the_command_line_overrides_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("strongroom.toml");
        std::fs::write(&file, "[api]\nlisten = '127.0.0.1:1'\nmax_page_size = 50\n").unwrap();
        let flag = Flag { name: "--listen", key: "api.listen", value: Value::from("127.0.0.1:2") };
        let sources = Sources { file: Some(file), environment: false, flags: vec![flag] };
        let (settings, shown) = Settings::load(&sources).unwrap();
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.api.largest_page, 50);
        let source = |key| shown.iter().find(|shown| shown.key == key).unwrap().source.clone();
        assert_eq!(source("api.listen"), "the flag --listen");
        assert!(source("api.max_page_size").ends_with("strongroom.toml"));
        assert_eq!(source("api.max_secret_bytes"), "default");
    }
}
