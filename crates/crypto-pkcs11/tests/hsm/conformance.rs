//! The checks that every backend must pass, in both custodies.

use std::sync::Arc;

use strongroom_crypto::conformance::Suite;
use strongroom_crypto_pkcs11::Custody;

use crate::support::{Hsm, connect, now};

/// Two versions of the master key; and a stranger's of the same name in another token.
async fn suite(hsm: &Hsm, custody: Custody) -> Suite {
    make_tokens(hsm);
    connected(hsm, custody).await
}

/// The same where there is no AES-GCM, so that each version has a key for HMAC beside it.
async fn suite_without_gcm(hsm: &Hsm, custody: Custody) -> Suite {
    make_tokens(hsm);
    for (token, first, second) in [("one", 0x3c, 0xc3), ("stranger", 0xc3, 0x3c)] {
        hsm.import_mac(token, first, &[1]);
        hsm.import_mac(token, second, &[2]);
    }
    hsm.hide(&["CKM_AES_GCM"]);
    connected(hsm, custody).await
}

fn make_tokens(hsm: &Hsm) {
    hsm.token("one");
    hsm.import("one", "other", "00000002");
    hsm.empty_token("stranger");
    hsm.import("stranger", "other", "00000001");
    hsm.import("stranger", "master", "00000002");
}

async fn connected(hsm: &Hsm, custody: Custody) -> Suite {
    let module = hsm.module("plain");
    let backend = connect(vec![hsm.config(&module, "one")], custody).await.unwrap();
    let stranger = connect(vec![hsm.config(&module, "stranger")], custody).await.unwrap();
    Suite::new(Arc::new(backend), Arc::new(stranger), now()).unwrap()
}

/// One test for each check.
macro_rules! checks {
    ($module:ident: $suite:ident, $maker:ident, $custody:ident; $($check:ident)*) => {
        mod $module {
            use crate::support::{Maker, isolated};

            $(#[test]
            fn $check() {
                let test = concat!("conformance::", stringify!($module), "::", stringify!($check));
                isolated(test, async |hsm| {
                    let suite = super::$suite(&hsm.by(Maker::$maker), super::Custody::$custody).await;
                    suite.$check().await.unwrap();
                });
            })*
        }
    };
}

macro_rules! every_check {
    ($($what:tt)*) => {
        checks! {
            $($what)*;
            payloads_come_back_whole
            sealed_bytes_tell_nothing
            altered_payloads_are_refused
            misplaced_payloads_are_refused
            altered_project_keys_are_refused
            rewrapped_keys_are_the_same_keys
            canaries_prove_the_master_key
            missing_master_keys_are_named
            a_wrong_master_key_opens_nothing
            kinds_do_not_mix
            new_project_keys_are_fresh_and_true
            forgetting_twice_succeeds
            generated_keys_are_fresh
            generated_pairs_are_fresh
            keys_that_are_not_made_are_told_apart
            a_working_backend_is_healthy
            many_at_once_do_not_disturb_each_other
        }
    };
}

every_check!(strict: suite, SoftHsm, Strict);
every_check!(cached: suite, SoftHsm, Cached);
every_check!(kryoptic_strict: suite, Kryoptic, Strict);
every_check!(kryoptic_cached: suite, Kryoptic, Cached);
every_check!(strict_without_gcm: suite_without_gcm, SoftHsm, Strict);
every_check!(kryoptic_cached_without_gcm: suite_without_gcm, Kryoptic, Cached);

checks!(cached_fingerprints: suite, SoftHsm, Cached; fingerprints_tell_the_same_payloads);
checks!(strict_fingerprints: suite, SoftHsm, Strict; no_fingerprints_are_made);
