//! Making a master key, and what the examination of a token finds.

use secrecy::SecretString;
use strongroom_core::ports::SecretBackend as _;
use strongroom_crypto_pkcs11::{
    Custody, PinSource, Pkcs11Config, Pkcs11Error, Severity, TokenConfig, TokenReport, check,
    generate_master_key,
};

use crate::support::{Hsm, Sample, connect, isolated};

by_each_maker! {
    "check";
    a_master_key_is_made_once_guarded_and_serves
}

const LABEL: &str = Pkcs11Config::DEFAULT_LABEL;

fn findings(report: &TokenReport, severity: Severity) -> Vec<&str> {
    let found = report.findings.iter().filter(|finding| finding.severity == severity);
    found.map(|finding| finding.text.as_str()).collect()
}

async fn a_master_key_is_made_once_guarded_and_serves(hsm: &Hsm) {
    hsm.empty_token("one");
    let config = hsm.config(&hsm.module("plain"), "one");
    let refused = generate_master_key(&config, LABEL, true).unwrap_err();
    assert!(matches!(refused, Pkcs11Error::NoMasterKey(_)), "{refused}");
    assert_eq!(generate_master_key(&config, LABEL, false).unwrap().0, 1);
    let refused = generate_master_key(&config, LABEL, false).unwrap_err();
    assert!(matches!(refused, Pkcs11Error::VersionExists(version) if version.0 == 1), "{refused}");

    let report = check(&config, LABEL, Custody::Strict).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let key = report.master_keys.first().unwrap();
    assert!(key.sensitive && !key.extractable && key.never_extractable && key.local, "{key:?}");
    assert!(report.foreign_objects.is_empty());
    for mechanism in ["CKM_AES_GCM", "CKM_AES_KEY_WRAP", "CKM_AES_KEY_GEN"] {
        assert!(report.mechanisms.iter().any(|offered| offered == mechanism), "{:?}", report.mechanisms);
    }
    assert!(report.other_mechanisms.iter().any(|other| other == "CKM_SHA256"));
    assert_eq!(report.login_tries, "all");
    assert!(!report.firmware.is_empty() && !report.serial.is_empty(), "{report:?}");

    let backend = connect(vec![config.clone()], Custody::Strict).await.unwrap();
    let old = Sample::of(&backend).await;
    assert_eq!(generate_master_key(&config, LABEL, true).unwrap().0, 2);
    // Not before it is told to look.
    assert_eq!(Sample::of(&backend).await.key.master.0, 1);
    backend.reload().await.unwrap();
    assert_eq!(backend.master_key_versions().await.unwrap().len(), 2);
    old.open(&backend).await.unwrap();
    assert_eq!((old.key.master.0, Sample::of(&backend).await.key.master.0), (1, 2));
}

#[test]
fn what_is_wrong_with_a_token_is_found() {
    isolated("check::what_is_wrong_with_a_token_is_found", async |hsm| {
        hsm.empty_token("one");
        let config = hsm.config(&hsm.module("plain"), "one");
        let report = check(&config, LABEL, Custody::Strict).unwrap();
        assert!(!report.is_sound());
        assert!(findings(&report, Severity::Fatal).join("").contains("holds no master key"));

        // Imported, so never made here; and something that belongs to somebody else.
        hsm.import("one", "master", "00000001");
        hsm.import_as("one", "other", "09", "somebody's");
        let report = check(&config, LABEL, Custody::Strict).unwrap();
        assert!(report.is_sound(), "{:?}", report.findings);
        assert!(findings(&report, Severity::Warning).join("").contains("1 other object"));
        assert!(findings(&report, Severity::Note).join("").contains("not made in this token"));
        assert_eq!(report.foreign_objects.len(), 1);
        let foreign = report.foreign_objects.join("");
        assert!(foreign.contains("somebody's") && !foreign.contains("extractable"), "{foreign}");
        hsm.import_guarded("one", "open", (7, b"\x0a"), false);
        let report = check(&config, LABEL, Custody::Strict).unwrap();
        let foreign = report.foreign_objects.join("; ");
        assert!(foreign.contains("'open' (readable, extractable)"), "{foreign}");
    });
}

#[test]
fn example_pins_and_lost_tries_are_told_without_another_try() {
    isolated("check::example_pins_and_lost_tries_are_told_without_another_try", async |hsm| {
        hsm.empty_token_with("one", "1234");
        let module = hsm.module("plain");
        let typed = |pin: &str| TokenConfig {
            pin: PinSource::Typed(SecretString::from(pin)),
            ..hsm.config(&module, "one")
        };
        generate_master_key(&typed("1234"), LABEL, false).unwrap();
        let report = check(&typed("1234"), LABEL, Custody::Strict).unwrap();
        assert!(findings(&report, Severity::Warning).join("").contains("vendor's default"));
        let refused = check(&typed("wrong"), LABEL, Custody::Strict).unwrap_err();
        assert!(matches!(refused, Pkcs11Error::PinRefused(_)), "{refused}");
        let report = check(&typed("1234"), LABEL, Custody::Strict).unwrap();
        assert!(!report.is_sound());
        assert!(findings(&report, Severity::Fatal).join("").contains("was not tried"));
        assert_eq!(report.login_tries, "fewer than at first");
        assert!(report.master_keys.is_empty());
    });
}
