mod certificate;
mod jwt;
mod keystone;
mod values;

use serde::{Deserialize, Serialize};
use strongroom_identity::{CertificateRule, JwtSettings};

pub use self::keystone::{KeystoneSection, SecretPlace};

use self::certificate::certificate;
use self::jwt::jwt;
use self::keystone::keystone;
use super::reader::Reader;

/// Who may call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum IdentitySection {
    /// The request's headers are believed; for callers on the loopback interface only.
    Unauthenticated,
    /// Identity sources.
    Sources {
        /// These, the preferred one first.
        sections: Vec<SourceSection>,
        /// Whether those are let in, as nobody, who bring no credential.
        anonymous: bool,
    },
}

impl IdentitySection {
    /// Whether client certificates let callers in.
    pub(super) fn uses_certificates(&self) -> bool {
        let is_certificate = |source: &SourceSection| matches!(source, SourceSection::Certificate(_));
        matches!(self, Self::Sources { sections, .. } if sections.iter().any(is_certificate))
    }
}

/// One identity source.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SourceSection {
    /// Tokens of a Keystone.
    Keystone(Box<KeystoneSection>),
    /// Signed tokens of an issuer.
    Jwt(Box<JwtSettings>),
    /// Client certificates, by these rules.
    Certificate(Vec<CertificateRule>),
}

/// An identity source by its name in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IdentityName {
    /// The request's headers are believed.
    Unauthenticated,
    /// Tokens of a Keystone.
    Keystone,
    /// Signed tokens of an issuer.
    Jwt,
    /// Client certificates.
    Certificate,
}

const SOURCES: &str = "identity.sources";
const ANONYMOUS: &str = "identity.allow_anonymous";

pub(super) fn identity(reader: &mut Reader) -> IdentitySection {
    const ALLOWED: &str = "[\"unauthenticated\"], or a list of \"keystone\", \"jwt\" and \"certificate\"";
    let names = reader.get(SOURCES, vec![IdentityName::Unauthenticated], ALLOWED);
    let anonymous = reader.get(ANONYMOUS, false, "true or false");
    let has = |name| names.contains(&name);
    let keystone = keystone(reader, has(IdentityName::Keystone));
    let jwt = jwt(reader, has(IdentityName::Jwt));
    let rules = certificate(reader, has(IdentityName::Certificate));
    if names == [IdentityName::Unauthenticated] {
        return IdentitySection::Unauthenticated;
    }
    if names.is_empty() {
        reader.refuse(SOURCES, format!("nobody could call; give {ALLOWED}"));
    }
    if has(IdentityName::Unauthenticated) {
        reader.refuse(SOURCES, "\"unauthenticated\" lets everybody in, and goes with no other source");
    }
    if names.iter().enumerate().any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name)) {
        reader.refuse(SOURCES, "a source is named twice");
    }
    let section = |name: &IdentityName| match name {
        IdentityName::Unauthenticated => None,
        IdentityName::Keystone => keystone.clone().map(|section| SourceSection::Keystone(Box::new(section))),
        IdentityName::Jwt => jwt.clone().map(|settings| SourceSection::Jwt(Box::new(settings))),
        IdentityName::Certificate => Some(SourceSection::Certificate(rules.clone())),
    };
    // What is left out has a problem of its own, and the settings are not used.
    IdentitySection::Sources { sections: names.iter().filter_map(section).collect(), anonymous }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources};
    use super::*;

    fn load(toml: &str) -> Result<IdentitySection, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("strongroom.toml");
        std::fs::write(&file, toml).unwrap();
        let sources = Sources { file: Some(file), ..Sources::default() };
        Settings::load(&sources).map(|(settings, _)| settings.identity).map_err(|error| error.to_string())
    }

    const KEYSTONE: &str = "[identity.keystone]\nurl = 'https://keystone.example/v3'\nusername = 'strongroom'\n\
                            project_name = 'service'\n";
    const JWT: &str =
        "[identity.jwt]\nissuer = 'i'\naudiences = ['a']\njwks_url = 'https://issuer.example/keys'\n";
    const TLS: &str =
        "[tls]\ncertificate = '/c'\nkey = '/k'\nclient_certificates = 'optional'\nclient_ca = '/a'\n";
    const RULE: &str = "[[identity.certificate.rules]]\ncommon_name = 'nova'\nuser = 'nova'\nproject = 'p'\n\
                        roles = ['member']\n";

    #[test]
    fn sources_are_used_in_the_order_given() {
        assert!(matches!(load("").unwrap(), IdentitySection::Unauthenticated));
        let all =
            format!("identity.sources = ['certificate', 'jwt', 'keystone']\n{KEYSTONE}{JWT}{TLS}{RULE}");
        let IdentitySection::Sources { sections: sources, anonymous: false } = load(&all).unwrap() else {
            panic!("{all}")
        };
        let [SourceSection::Certificate(rules), SourceSection::Jwt(_), SourceSection::Keystone(keystone)] =
            &sources[..]
        else {
            panic!("{sources:?}")
        };
        assert_eq!((rules.len(), keystone.public_url.as_str()), (1, "https://keystone.example/v3"));
    }

    #[test]
    fn sources_that_open_more_than_meant_are_refused() {
        for (sources, told) in [
            ("[]", "nobody could call"),
            ("['unauthenticated', 'keystone']", "lets everybody in"),
            ("['keystone', 'keystone']", "named twice"),
            ("['none']", "is not allowed here"),
            ("'keystone'", "is not allowed here"),
        ] {
            let problem = load(&format!("identity.sources = {sources}\n{KEYSTONE}")).unwrap_err();
            assert!(problem.contains("identity.sources") && problem.contains(told), "{problem}");
        }
    }

    #[test]
    fn what_a_used_source_lacks_is_told_and_what_an_unused_one_lacks_is_not() {
        for (source, lacking) in [
            (
                "keystone",
                &["identity.keystone.url", "identity.keystone.username", "identity.keystone.project_name"][..],
            ),
            ("jwt", &["identity.jwt.issuer", "identity.jwt.audiences", "identity.jwt.jwks_url"]),
            ("certificate", &["identity.certificate.rules"]),
        ] {
            let problem = load(&format!("identity.sources = ['{source}']")).unwrap_err();
            for key in lacking {
                assert!(problem.contains(key), "{problem}");
            }
        }
        assert!(load(&KEYSTONE.replace("url =", "ca_file =")).is_ok());
    }

    #[test]
    fn certificates_that_nobody_asks_for_are_no_source() {
        let rules = format!("identity.sources = ['certificate']\n{RULE}");
        assert!(load(&rules).unwrap_err().contains("tls.client_ca"));
        assert!(load(&rules.replace("[[", &format!("{TLS}[["))).is_ok());
    }

    #[test]
    fn values_that_are_not_safe_are_refused() {
        let with = |section: &str, line: &str| {
            load(
                &format!("identity.sources = ['keystone', 'jwt', 'certificate']\n{KEYSTONE}{JWT}{TLS}{RULE}")
                    .replace(&format!("[identity.{section}]\n"), &format!("[identity.{section}]\n{line}\n")),
            )
        };
        assert!(with("keystone", "allow_plain_http = true").is_ok());
        for (section, line) in [
            ("keystone", "password = 'secret'"),
            ("keystone", "password_credential = '../secret'"),
            ("keystone", "cache_seconds = 0"),
            ("keystone", "cache_seconds = 86401"),
            ("jwt", "algorithms = ['none']"),
            ("jwt", "algorithms = ['HS256']"),
            ("jwt", "algorithms = []"),
            ("jwt", "leeway_seconds = 601"),
            ("jwt", "jwks_file = '/keys'"),
            ("jwt", "user_claim = ''"),
            ("jwt", "roles_claim = 'a..b'"),
        ] {
            assert!(with(section, line).is_err(), "{line}");
        }
        for line in ["colour = 'red'", "dns = '**'"] {
            let rules = format!("identity.sources = ['certificate']\n{RULE}{line}\n");
            assert!(load(&rules).unwrap_err().contains("identity.certificate.rules"), "{line}");
        }
        for far in ["http://keystone.example", "keystone.example"] {
            let problem = load(&format!(
                "identity.sources = ['keystone']\n{}",
                KEYSTONE.replace("https://keystone.example/v3", far)
            ));
            assert!(problem.unwrap_err().contains("identity.keystone.url"));
        }
    }
}
