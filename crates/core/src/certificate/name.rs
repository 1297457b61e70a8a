use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;

/// Whom a certificate names. One for servers often has an empty subject, and names in an extension only.
pub(super) fn subject(certificate: &X509Certificate<'_>) -> String {
    let subject = certificate.subject().to_string();
    if !subject.is_empty() {
        return subject;
    }
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let mut names = alternatives.iter().flat_map(|extension| &extension.value.general_names);
    names.find_map(told).unwrap_or_default()
}

fn told(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) => Some(format!("DNS:{text}")),
        GeneralName::RFC822Name(text) => Some(format!("email:{text}")),
        GeneralName::URI(text) => Some(format!("URI:{text}")),
        _ => None,
    }
}
