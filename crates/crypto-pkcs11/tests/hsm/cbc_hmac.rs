//! Tokens without AES-GCM: a version of the master key with a key for HMAC beside it.

use strongroom_core::ports::{Canary, MasterKeyVersion, SecretBackend as _};
use strongroom_crypto_pkcs11::{
    Custody, Pkcs11Backend, Pkcs11Config, Severity, TokenState, check, generate_master_key,
};

use crate::support::{Hsm, Maker, Sample, connect, isolated};

const LABEL: &str = Pkcs11Config::DEFAULT_LABEL;

by_each_maker! {
    "cbc_hmac";
    a_master_key_for_a_token_without_gcm_is_made_and_serves
    what_another_implementation_has_sealed_opens
    a_version_that_the_token_has_no_suite_for_is_refused
    project_keys_move_between_versions_of_both_kinds
}

async fn a_master_key_for_a_token_without_gcm_is_made_and_serves(hsm: &Hsm) {
    hsm.empty_token("one");
    hsm.hide(&["CKM_AES_GCM"]);
    let config = hsm.config(&hsm.module("plain"), "one");
    assert_eq!(generate_master_key(&config, LABEL, false).unwrap().0, 1);
    let report = check(&config, LABEL, Custody::Strict).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert!(report.master_keys.first().unwrap().with_hmac && report.foreign_objects.is_empty(), "{report:?}");
    let note = report.findings.iter().find(|finding| finding.severity == Severity::Note).unwrap();
    assert!(note.text.contains("does not offer AES-GCM"), "{}", note.text);
    for (custody, suite) in [(Custody::Strict, 5), (Custody::Cached, 4)] {
        let backend = connect(vec![config.clone()], custody).await.unwrap();
        let sample = Sample::of(&backend).await;
        assert_eq!(sample.key.wrapped.get(..2), Some([1, suite].as_slice()));
        sample.open(&backend).await.unwrap();
        let other = connect(vec![config.clone()], Custody::Strict).await.unwrap();
        sample.open(&other).await.unwrap();
    }
}

/// A canary computed by another implementation of AES-CBC and HMAC from the described layout.
async fn what_another_implementation_has_sealed_opens(hsm: &Hsm) {
    const GOLDEN: &str = "010400000001000102030405060708090a0b0c0d0e0f39742ed53dc1fdfbe6a0dccb1a944a383148835cab56ebeb\
        5c5dfdb0065abe386d9b20475bc33bb3c40663c073c446908d6c195667798da46dcf82003eaf2dd7";
    hsm.token("one");
    hsm.import_mac("one", 0x3c, &[1]);
    let backend = connect(vec![hsm.config(&hsm.module("plain"), "one")], Custody::Strict).await.unwrap();
    let golden = Canary(hex::decode(GOLDEN).unwrap());
    backend.open_canary(MasterKeyVersion(1), &golden).await.unwrap();
}

async fn a_version_that_the_token_has_no_suite_for_is_refused(hsm: &Hsm) {
    hsm.token("one");
    hsm.hide(&["CKM_AES_GCM"]);
    let config = hsm.config(&hsm.module("plain"), "one");
    let refused = connect(vec![config.clone()], Custody::Strict).await.err().unwrap().to_string();
    assert!(refused.contains("no key for HMAC beside it"), "{refused}");
    assert!(!check(&config, LABEL, Custody::Strict).unwrap().is_sound());
    hsm.hide(&["CKM_AES_GCM", "CKM_SHA256_HMAC"]);
    let refused = connect(vec![config.clone()], Custody::Strict).await.err().unwrap().to_string();
    assert!(refused.contains("does not offer AES-GCM (CKM_AES_GCM), nor AES-CBC"), "{refused}");
    assert!(generate_master_key(&config, LABEL, true).unwrap_err().to_string().contains("CKM_AES_CBC_PAD"));
}

/// As in a rotation from the one kind to the other: the project keys stay what they are.
async fn project_keys_move_between_versions_of_both_kinds(hsm: &Hsm) {
    hsm.token("one");
    hsm.import("one", "other", "00000002");
    hsm.import_mac("one", 0x3c, &[2]);
    let config = hsm.config(&hsm.module("plain"), "one");
    let versions = [1, 2].map(MasterKeyVersion);
    for (custody, suite) in [(Custody::Strict, 9), (Custody::Cached, 1)] {
        let backend = connect(vec![config.clone()], custody).await.unwrap();
        let new = Sample::of(&backend).await;
        let old = backend.rewrap(&new.key, versions[0]).await.unwrap();
        assert_eq!(old.wrapped.get(1), Some(&suite));
        for key in [&new.key, &old, &backend.rewrap(&old, versions[1]).await.unwrap()] {
            backend.prove_project_key(key).await.unwrap();
            let payload = backend.open(key, b"binding", &new.sealed).await.unwrap();
            assert_eq!(payload.expose(), b"payload");
        }
    }
}

/// One token with AES-GCM and one without: a version for both, with a key for HMAC beside it, serves in both.
#[test]
fn tokens_with_and_without_gcm_stand_in_for_each_other() {
    isolated("cbc_hmac::tokens_with_and_without_gcm_stand_in_for_each_other", async |hsm| {
        let kryoptic = hsm.by(Maker::Kryoptic);
        for (tokens, label) in [(&hsm, "one"), (&kryoptic, "two")] {
            tokens.token(label);
            tokens.import_mac(label, 0x3c, &[1]);
        }
        kryoptic.hide(&["CKM_AES_GCM"]);
        let modules = [hsm.faulty_module("first"), kryoptic.faulty_module("second")];
        let [first, second] = &modules;
        let tokens = vec![hsm.config(&first.0, "one"), kryoptic.config(&second.0, "two")];
        let backend: Pkcs11Backend = connect(tokens, Custody::Strict).await.unwrap();
        let states = || backend.statuses().into_iter().map(|status| status.state).collect::<Vec<_>>();
        assert_eq!(states(), [TokenState::Ready; 2]);
        let sample = Sample::of(&backend).await;
        for (down, up) in [(first, second), (second, first)] {
            down.order("* 0x32");
            up.heal();
            sample.open(&backend).await.unwrap();
            Sample::of(&backend).await.open(&backend).await.unwrap();
        }
    });
}
