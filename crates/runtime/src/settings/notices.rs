use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_notify::{Channel, EmailOptions, EmailSecurity};
use strongroom_outbound::{SyslogAddress, TlsFiles};

use super::reader::Reader;
use super::sections::seconds;

const HOST_AND_PORT: &str = "a host and a port, such as \"mail.example:587\", or \"\" for none";
const PATH_OR_NONE: &str = "a path as text, or \"\" for none";
const TEXT: &str = "a text";

/// How operators are told.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NoticesSection {
    /// By these, all of them.
    pub channels: Vec<Channel>,
    /// How long one attempt by one of them may take.
    pub timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Transport {
    Tls,
    Tcp,
    Udp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Protection {
    Starttls,
    Tls,
    None,
}

pub(super) fn notices(reader: &mut Reader) -> NoticesSection {
    let channels = [webhook(reader), syslog(reader), email(reader)];
    NoticesSection {
        channels: channels.into_iter().flatten().collect(),
        timeout: seconds(reader, "notices.timeout_seconds", Duration::from_secs(10)),
    }
}

fn webhook(reader: &mut Reader) -> Option<Channel> {
    let url = reader.get("notices.webhook.url", String::new(), "a URL, or \"\" for none");
    let key = path(reader, "notices.webhook.key_file");
    let tls = tls(reader, "notices.webhook.ca_file", None);
    if url.is_empty() {
        return None;
    }
    if key.as_os_str().is_empty() {
        reader.refuse("notices.webhook.key_file", "a webhook needs the file with the secret that signs");
    }
    if url.starts_with("https:") && tls.authorities.as_os_str().is_empty() {
        reader
            .refuse("notices.webhook.ca_file", "https needs the authorities that may vouch for the receiver");
    }
    Some(Channel::Webhook { url, key, tls })
}

fn syslog(reader: &mut Reader) -> Option<Channel> {
    let address = address(reader, "notices.syslog.address");
    let transport = reader.get("notices.syslog.transport", Transport::Tls, "\"tls\", \"tcp\" or \"udp\"");
    let identity = Some(("notices.syslog.certificate_file", "notices.syslog.key_file"));
    let tls = tls(reader, "notices.syslog.ca_file", identity);
    let address = address?;
    Some(Channel::Syslog(match transport {
        Transport::Tls => {
            if tls.authorities.as_os_str().is_empty() {
                let reason = "TLS needs the authorities that may vouch for the receiver";
                reader.refuse("notices.syslog.ca_file", reason);
            }
            SyslogAddress::Tls { address, tls }
        }
        Transport::Tcp => SyslogAddress::Tcp(address),
        Transport::Udp => SyslogAddress::Udp(address),
    }))
}

fn email(reader: &mut Reader) -> Option<Channel> {
    let server = address(reader, "notices.email.server");
    let allowed = "\"starttls\", \"tls\" or \"none\"";
    let protection = reader.get("notices.email.security", Protection::Starttls, allowed);
    let authorities = path(reader, "notices.email.ca_file");
    let from = reader.get("notices.email.from", String::new(), TEXT);
    let to = reader.get("notices.email.to", Vec::<String>::new(), "a list of e-mail addresses");
    let user = reader.get("notices.email.username", String::new(), TEXT);
    let password = path(reader, "notices.email.password_file");
    let server = server?;
    if protection != Protection::None && authorities.as_os_str().is_empty() {
        reader.refuse("notices.email.ca_file", "TLS needs the authorities that may vouch for the server");
    }
    if from.is_empty() {
        reader.refuse("notices.email.from", "e-mail needs a sender's address");
    }
    if to.is_empty() {
        reader.refuse("notices.email.to", "e-mail needs a recipient's address");
    }
    if user.is_empty() != password.as_os_str().is_empty() {
        let reason = "notices.email.username and notices.email.password_file are given both or not at all";
        reader.refuse("notices.email.password_file", reason);
    }
    if protection == Protection::None && !user.is_empty() {
        reader.refuse("notices.email.security", "a password is not sent without TLS");
    }
    let security = match protection {
        Protection::Starttls => EmailSecurity::StartTls(authorities),
        Protection::Tls => EmailSecurity::Tls(authorities),
        Protection::None => EmailSecurity::None,
    };
    let login = (!user.is_empty()).then_some((user, password));
    Some(Channel::Email(EmailOptions { server, security, from, to, login }))
}

fn path(reader: &mut Reader, key: &'static str) -> PathBuf {
    reader.get(key, PathBuf::new(), PATH_OR_NONE)
}

fn address(reader: &mut Reader, key: &'static str) -> Option<String> {
    let address = reader.get(key, String::new(), HOST_AND_PORT);
    if address.is_empty() {
        return None;
    }
    let sound = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    if !sound.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0)) {
        reader.refuse(key, format!("{address:?} is not {HOST_AND_PORT}"));
    }
    Some(address)
}

fn tls(
    reader: &mut Reader,
    authorities: &'static str,
    identity: Option<(&'static str, &'static str)>,
) -> TlsFiles {
    let authorities = path(reader, authorities);
    let identity = identity.and_then(|(certificate, key_name)| {
        let (certificate, key) = (path(reader, certificate), path(reader, key_name));
        let given = |path: &PathBuf| !path.as_os_str().is_empty();
        if given(&certificate) != given(&key) {
            reader.refuse(key_name, "a certificate and its key are given both or not at all");
        }
        given(&certificate).then_some((certificate, key))
    });
    TlsFiles { authorities, identity }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources};
    use super::*;

    fn load(text: &str) -> Result<NoticesSection, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("strongroom.toml");
        std::fs::write(&file, text).unwrap();
        let sources = Sources { file: Some(file), ..Sources::default() };
        Settings::load(&sources).map(|(settings, _)| settings.notices).map_err(|error| error.to_string())
    }

    #[test]
    fn several_channels_can_be_set_and_none_are_by_default() {
        assert_eq!(load("").unwrap().channels, []);
        let all = load(
            "[notices]\ntimeout_seconds = 3\n\
             [notices.webhook]\nurl = 'https://h.example/'\nkey_file = '/k'\nca_file = '/ca'\n\
             [notices.syslog]\naddress = 's.example:514'\ntransport = 'udp'\n\
             [notices.email]\nserver = 'm.example:587'\nca_file = '/ca'\nfrom = 'a@b.c'\nto = ['d@e.f']\n\
             username = 'u'\npassword_file = '/p'\n",
        )
        .unwrap();
        assert_eq!(all.timeout, Duration::from_secs(3));
        let tls = TlsFiles { authorities: "/ca".into(), identity: None };
        let email = EmailOptions {
            server: "m.example:587".to_owned(),
            security: EmailSecurity::StartTls("/ca".into()),
            from: "a@b.c".to_owned(),
            to: vec!["d@e.f".to_owned()],
            login: Some(("u".to_owned(), "/p".into())),
        };
        assert_eq!(
            all.channels,
            [
                Channel::Webhook { url: "https://h.example/".to_owned(), key: "/k".into(), tls },
                Channel::Syslog(SyslogAddress::Udp("s.example:514".to_owned())),
                Channel::Email(email),
            ]
        );
    }

    #[test]
    fn what_is_missing_or_makes_no_sense_is_named() {
        for (text, told) in [
            ("[notices.webhook]\nurl = 'https://x/'\nca_file = '/c'", "notices.webhook.key_file"),
            ("[notices.webhook]\nurl = 'https://x/'\nkey_file = '/k'", "notices.webhook.ca_file"),
            ("[notices.syslog]\naddress = 'siem'", "notices.syslog.address"),
            ("[notices.syslog]\naddress = 's:1'", "notices.syslog.ca_file"),
            ("[notices.syslog]\naddress = 's:1'\nca_file = '/c'\nkey_file = '/k'", "both or not at all"),
            ("[notices.email]\nserver = 'm:25'\nfrom = 'a@b'\nto = ['a@b']", "notices.email.ca_file"),
            ("[notices.email]\nserver = 'm:25'\nca_file = '/c'\nfrom = 'a@b'", "notices.email.to"),
            ("[notices.email]\nserver = 'm:25'\nca_file = '/c'\nto = ['a@b']", "notices.email.from"),
            (
                "[notices.email]\nserver = 'm:25'\nsecurity = 'none'\nfrom = 'a@b'\nto = ['a@b']\n\
                 username = 'u'\npassword_file = '/p'",
                "not sent without TLS",
            ),
        ] {
            let refused = load(text).unwrap_err();
            assert!(refused.contains(told), "{text}: {refused}");
        }
    }
}
