use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;
use x509_parser::x509::AttributeTypeAndValue;

/// The names in a certificate that rules may speak of.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) common_name: Vec<String>,
    pub(super) organizational_unit: Vec<String>,
    pub(super) uri: Vec<String>,
    pub(super) dns: Vec<String>,
    pub(super) email: Vec<String>,
}

impl Names {
    /// Reads them; `None` when one is not plain text, for what it looks like may not be what it is.
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Option<Self> {
        let subject = certificate.subject();
        let mut names = Self {
            common_name: subject.iter_common_name().map(text).collect::<Option<_>>()?,
            organizational_unit: subject.iter_organizational_unit().map(text).collect::<Option<_>>()?,
            ..Self::default()
        };
        let alternative = certificate.subject_alternative_name().ok()?;
        for name in alternative.iter().flat_map(|extension| &extension.value.general_names) {
            match name {
                GeneralName::URI(uri) => names.uri.push(plain(uri)?),
                // Names of hosts are compared without regard to case (RFC 4343).
                GeneralName::DNSName(dns) => names.dns.push(plain(dns)?.to_ascii_lowercase()),
                GeneralName::RFC822Name(email) => names.email.push(plain(email)?),
                _ => {}
            }
        }
        Some(names)
    }
}

fn text(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    plain(attribute.as_str().ok()?)
}

fn plain(text: &str) -> Option<String> {
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}
