use strongroom_identity::{CertificateRule, RuleSettings};

use super::super::reader::Reader;

const RULES: &str = "identity.certificate.rules";

/// The rules by which client certificates stand for callers, the first one first.
pub(super) fn certificate(reader: &mut Reader, is_used: bool) -> Vec<CertificateRule> {
    const ALLOWED: &str = "tables [[identity.certificate.rules]] with one or more of common_name, \
                           organizational_unit, uri, dns and email, and with user, project and roles";
    let given: Vec<RuleSettings> = reader.get(RULES, Vec::new(), ALLOWED);
    if is_used && given.is_empty() {
        reader.refuse(RULES, format!("without a rule nobody is let in; give {ALLOWED}"));
    }
    let mut rules = Vec::new();
    for (number, settings) in (1..).zip(&given) {
        match CertificateRule::new(settings) {
            Ok(rule) => rules.push(rule),
            Err(error) => reader.refuse(RULES, format!("rule {number}: {error}")),
        }
    }
    rules
}
