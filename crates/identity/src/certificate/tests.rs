use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

use super::*;

fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.remove(DnType::CommonName);
    parameters.distinguished_name.push(DnType::CommonName, "nova");
    parameters.distinguished_name.push(DnType::OrganizationalUnitName, "compute");
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2030, 1, 1);
    change(&mut parameters);
    parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn source(rules: &[RuleSettings]) -> ClientCertificate {
    ClientCertificate::new(rules.iter().map(|rule| CertificateRule::new(rule).unwrap()).collect())
}

fn rule(user: &str) -> RuleSettings {
    let (project, roles) = ("p".to_owned(), vec!["member".to_owned()]);
    RuleSettings { user: user.to_owned(), project, roles, ..RuleSettings::default() }
}

#[expect(clippy::unnecessary_wraps, reason = "as rules have it")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn judge(rules: &[RuleSettings], der: &[u8]) -> Option<String> {
    let caller = source(rules).judge(der, at("2026-01-01"))?;
    Some(caller.user?.as_str().to_owned())
}

#[test]
fn subject_and_alternative_names_are_read() {
    let der = certificate(|parameters| {
        parameters.subject_alt_names = vec![
            SanType::URI("spiffe://cloud.example/nova".try_into().unwrap()),
            SanType::DnsName("Nova.Cloud.Example".try_into().unwrap()),
            SanType::Rfc822Name("nova@cloud.example".try_into().unwrap()),
        ];
    });
    for (rule, user) in [
        (RuleSettings { common_name: some("nova"), ..rule("{common_name}") }, "nova"),
        (RuleSettings { organizational_unit: some("comp*"), ..rule("{organizational_unit}") }, "compute"),
        (
            RuleSettings { uri: some("spiffe://cloud.example/*"), ..rule("{uri}") },
            "spiffe://cloud.example/nova",
        ),
        (RuleSettings { dns: some("*.cloud.example"), ..rule("{dns}") }, "nova.cloud.example"),
        (RuleSettings { email: some("*@cloud.example"), ..rule("{email}") }, "nova@cloud.example"),
    ] {
        assert_eq!(judge(&[rule], &der).as_deref(), Some(user));
    }
}

#[test]
fn the_first_rule_that_fits_decides_and_without_one_nobody_is_let_in() {
    let der = certificate(|_| {});
    let first = RuleSettings { common_name: some("nova"), ..rule("first") };
    let second = RuleSettings { organizational_unit: some("compute"), ..rule("second") };
    let never = RuleSettings { common_name: some("cinder"), ..rule("never") };
    assert_eq!(judge(&[never.clone(), first.clone(), second.clone()], &der).as_deref(), Some("first"));
    assert_eq!(judge(&[second, first], &der).as_deref(), Some("second"));
    assert_eq!(judge(&[never], &der), None);
    assert_eq!(judge(&[], &der), None);
}

#[test]
fn a_certificate_outside_its_time_is_refused() {
    let (der, source) =
        (certificate(|_| {}), source(&[RuleSettings { common_name: some("nova"), ..rule("u") }]));
    for (now, lets_in) in [
        ("2019-12-31T23:59:59", false),
        ("2020-01-01T00:00:00", true),
        ("2029-12-31T23:59:59", true),
        ("2030-01-01T00:00:01", false),
    ] {
        assert_eq!(source.judge(&der, at(now)).is_some(), lets_in, "{now}");
    }
}

#[test]
fn names_that_are_no_plain_text_spoil_the_certificate() {
    let any = RuleSettings { organizational_unit: some("compute"), ..rule("u") };
    for name in ["nova\u{0}.evil", "nova\n", ""] {
        let der = certificate(|parameters| {
            parameters.distinguished_name.push(DnType::CommonName, name);
        });
        assert_eq!(judge(std::slice::from_ref(&any), &der), None, "{name:?}");
    }
}

#[test]
fn what_is_no_certificate_or_more_than_one_is_refused() {
    let any = [RuleSettings { common_name: some("*"), ..rule("u") }];
    let der = certificate(|_| {});
    assert!(judge(&any, &der).is_some());
    assert_eq!(judge(&any, &[]), None);
    assert_eq!(judge(&any, &[der.as_slice(), &[0]].concat()), None);
    assert_eq!(judge(&any, &[der.as_slice(), &der].concat()), None);
}

proptest! {
    #[test]
    fn garbage_is_no_certificate(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let any = [RuleSettings { common_name: some("*"), ..rule("u") }];
        prop_assert_eq!(judge(&any, &bytes), None);
    }

    #[test]
    fn a_damaged_certificate_never_panics(at in 0_usize..400, bits in 1_u8..) {
        let any = [RuleSettings { common_name: some("*"), ..rule("u") }];
        let mut der = certificate(|_| {});
        let at = at % der.len();
        der[at] ^= bits;
        // The signature is the listener's to check: a changed name is simply another name.
        judge(&any, &der);
    }

    #[test]
    fn a_certificate_that_is_cut_short_is_none(cut in 1_usize..300) {
        let any = [RuleSettings { common_name: some("*"), ..rule("u") }];
        let der = certificate(|_| {});
        prop_assert_eq!(judge(&any, &der[..der.len().saturating_sub(cut)]), None);
    }
}
