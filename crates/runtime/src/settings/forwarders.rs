use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_audit::{Destination, ForwarderOptions};
use strongroom_outbound::{SyslogAddress, TlsFiles};

use super::reader::Reader;

const KEY: &str = "audit.forwarders";
/// Longest syslog message, in bytes, unless set: what receivers should take (RFC 5425 section 4.3.1).
const MESSAGE: usize = 8192;
/// What every receiver has to take.
const SMALLEST_MESSAGE: usize = 2048;

/// One table of `[[audit.forwarders]]`, as given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: String,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(default)]
    required: bool,
    #[serde(default = "half_a_minute")]
    max_lag_seconds: u64,
    #[serde(default = "ten")]
    timeout_seconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_message_bytes: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_file: Option<PathBuf>,
}

fn half_a_minute() -> u64 {
    30
}

fn ten() -> u64 {
    10
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    SyslogTls,
    SyslogTcp,
    SyslogUdp,
    Webhook,
    Otlp,
    CadfFile,
}

/// Where the journal's records are sent.
pub(super) fn forwarders(reader: &mut Reader) -> Vec<ForwarderOptions> {
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for given in reader.tables::<Given>(KEY) {
        let name = given.name.clone();
        let checked = check_name(&name).and_then(|()| given.check());
        match checked {
            Ok(_) if !names.insert(name.clone()) => {
                reader.refuse(KEY, format!("two forwarders have the name {name:?}"));
            }
            Ok(options) => all.push(options),
            Err(problem) => reader.refuse(KEY, format!("in {name:?}: {problem}")),
        }
    }
    all
}

/// A name is part of a file's name.
fn check_name(name: &str) -> Result<(), String> {
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=32).contains(&name.len()) && name.bytes().all(sound) {
        Ok(())
    } else {
        Err("a name has 1 to 32 of a to z, 0 to 9 and -".to_owned())
    }
}

impl Given {
    /// Checks what the kind needs, and that nothing is given that it ignores.
    fn check(mut self) -> Result<ForwarderOptions, String> {
        if self.max_lag_seconds == 0 || self.timeout_seconds == 0 {
            return Err("max_lag_seconds and timeout_seconds are whole numbers above 0".to_owned());
        }
        let required = self.required.then(|| Duration::from_secs(self.max_lag_seconds));
        let timeout = Duration::from_secs(self.timeout_seconds);
        let name = std::mem::take(&mut self.name);
        let to = match self.kind {
            Kind::SyslogUdp if self.required => {
                return Err(
                    "syslog-udp can't be required, for nothing tells whether a datagram arrives".to_owned()
                );
            }
            Kind::SyslogTls => {
                let to = SyslogAddress::Tls { address: self.address()?, tls: self.tls(true)? };
                Destination::Syslog { to, max_message: self.max_message()? }
            }
            Kind::SyslogTcp => {
                let to = SyslogAddress::Tcp(self.address()?);
                Destination::Syslog { to, max_message: self.max_message()? }
            }
            Kind::SyslogUdp => {
                let to = SyslogAddress::Udp(self.address()?);
                Destination::Syslog { to, max_message: self.max_message()? }
            }
            Kind::Webhook => {
                let secret = self.secret_file.take().ok_or("secret_file is missing")?;
                let url = self.url()?;
                Destination::Webhook { secret, tls: self.tls(url.starts_with("https:"))?, url }
            }
            Kind::Otlp => {
                let url = self.url()?;
                Destination::Otlp { tls: self.tls(url.starts_with("https:"))?, url }
            }
            Kind::CadfFile => Destination::CadfFile(self.file.take().ok_or("file is missing")?),
        };
        self.nothing_left()?;
        Ok(ForwarderOptions { name, to, required, timeout })
    }

    fn address(&mut self) -> Result<String, String> {
        let address = self.address.take().ok_or("address is missing")?;
        let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        match port.and_then(|(_, port)| port.parse::<u16>().ok()) {
            Some(1..) => Ok(address),
            _ => Err(format!("the address {address:?} is not a host and a port, such as siem.example:6514")),
        }
    }

    fn url(&mut self) -> Result<String, String> {
        self.url.take().ok_or_else(|| "url is missing".to_owned())
    }

    fn max_message(&mut self) -> Result<usize, String> {
        match self.max_message_bytes.take().unwrap_or(MESSAGE) {
            bytes if bytes < SMALLEST_MESSAGE => {
                Err(format!("max_message_bytes is below {SMALLEST_MESSAGE}"))
            }
            bytes => Ok(bytes),
        }
    }

    fn tls(&mut self, used: bool) -> Result<TlsFiles, String> {
        if !used {
            return Ok(TlsFiles::default());
        }
        let authorities = self.ca_file.take().ok_or("ca_file is missing")?;
        let identity = match (self.certificate_file.take(), self.key_file.take()) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("certificate_file and key_file come together".to_owned()),
        };
        Ok(TlsFiles { authorities, identity })
    }

    fn nothing_left(&self) -> Result<(), String> {
        let left = [
            ("address", self.address.is_some()),
            ("url", self.url.is_some()),
            ("file", self.file.is_some()),
            ("max_message_bytes", self.max_message_bytes.is_some()),
            ("ca_file", self.ca_file.is_some()),
            ("certificate_file", self.certificate_file.is_some()),
            ("key_file", self.key_file.is_some()),
            ("secret_file", self.secret_file.is_some()),
        ];
        match left.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(format!("{name} has no meaning for this kind of forwarder")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources};
    use super::*;

    fn load(tables: &str) -> Result<Vec<ForwarderOptions>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("strongroom.toml");
        std::fs::write(&file, tables).unwrap();
        let sources = Sources { file: Some(file), ..Sources::default() };
        Settings::load(&sources)
            .map(|(settings, _)| settings.audit.forwarders)
            .map_err(|error| error.to_string())
    }

    fn table(fields: &str) -> String {
        format!("[[audit.forwarders]]\nname = 'siem'\n{fields}\n")
    }

    #[test]
    fn each_kind_has_what_it_needs() {
        let all = load(
            "[[audit.forwarders]]\nname = 'a'\nkind = 'syslog-tls'\naddress = 'siem.example:6514'\nca_file = '/ca'\n\
             certificate_file = '/c'\nkey_file = '/k'\nrequired = true\nmax_lag_seconds = 7\n\
             [[audit.forwarders]]\nname = 'b'\nkind = 'webhook'\nurl = 'http://localhost/'\nsecret_file = '/s'\n\
             [[audit.forwarders]]\nname = 'c'\nkind = 'cadf-file'\nfile = '/f'\ntimeout_seconds = 3\n",
        )
        .unwrap();
        let tls = TlsFiles { authorities: "/ca".into(), identity: Some(("/c".into(), "/k".into())) };
        let address = "siem.example:6514".to_owned();
        let to = SyslogAddress::Tls { address, tls };
        assert_eq!(all[0].to, Destination::Syslog { to, max_message: MESSAGE });
        assert_eq!(all[0].required, Some(Duration::from_secs(7)));
        assert_eq!((all[1].required, all[1].timeout), (None, Duration::from_secs(10)));
        assert_eq!(
            (&all[2].to, all[2].timeout),
            (&Destination::CadfFile("/f".into()), Duration::from_secs(3))
        );
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (fields, told) in [
            ("kind = 'carrier-pigeon'", "carrier-pigeon"),
            ("kind = 'syslog-tcp'", "address is missing"),
            ("kind = 'syslog-tcp'\naddress = 'siem'", "not a host and a port"),
            ("kind = 'syslog-tcp'\naddress = 's:1'\nca_file = '/x'", "ca_file has no meaning"),
            ("kind = 'syslog-tcp'\naddress = 's:1'\nmax_message_bytes = 100", "below 2048"),
            ("kind = 'syslog-tls'\naddress = 's:1'", "ca_file is missing"),
            ("kind = 'syslog-tls'\naddress = 's:1'\nca_file = '/x'\nkey_file = '/k'", "come together"),
            ("kind = 'syslog-udp'\naddress = 's:1'\nrequired = true", "can't be required"),
            ("kind = 'webhook'\nurl = 'https://x/'", "secret_file is missing"),
            ("kind = 'otlp'\nurl = 'https://x/'", "ca_file is missing"),
            ("kind = 'cadf-file'\nfile = '/f'\ncolour = 1", "colour"),
            ("kind = 'cadf-file'\nfile = '/f'\ntimeout_seconds = 0", "above 0"),
        ] {
            let refused = load(&table(fields)).unwrap_err();
            assert!(refused.contains("audit.forwarders") && refused.contains(told), "{fields}: {refused}");
        }
        let one = table("kind = 'cadf-file'\nfile = '/f'");
        assert!(load(&format!("{one}{one}")).unwrap_err().contains("two forwarders"));
        assert!(load(&one.replace("siem", "../x")).unwrap_err().contains("a name has"));
        assert!(load("[audit]\nforwarders = 3").unwrap_err().contains("audit.forwarders"));
    }
}
