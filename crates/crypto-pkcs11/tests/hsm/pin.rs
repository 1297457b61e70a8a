//! A wrong PIN is never tried twice.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use strongroom_crypto_pkcs11::{Custody, PinSource, TokenConfig, TokenState, generate_master_key};

use crate::support::{PIN, Sample, connect, isolated};

/// How often a token of SoftHSM2 was told a wrong PIN shows in its flags only, so the faulty module counts: it
/// lets one login through and would refuse a second one in a way that shows.
#[test]
fn a_wrong_pin_is_tried_once_and_the_token_is_not_used() {
    isolated("pin::a_wrong_pin_is_tried_once_and_the_token_is_not_used", async |hsm| {
        hsm.token("one");
        let module = hsm.faulty_module("faulty");
        let wrong = TokenConfig {
            pin: PinSource::Typed(SecretString::from("not the PIN")),
            ..hsm.config(&module.0, "one")
        };
        let refused = connect(vec![wrong.clone()], Custody::Strict).await.err().unwrap().to_string();
        assert!(refused.contains("refuses the PIN") && refused.contains("not tried again"), "{refused}");
        assert!(!refused.contains("not the PIN"), "{refused}");
        // The token's own flag keeps the next start, and any other command, from trying.
        for pin in [wrong.pin, PinSource::Typed(SecretString::from(PIN))] {
            let config = TokenConfig { pin, ..hsm.config(&module.0, "one") };
            let refused = connect(vec![config.clone()], Custody::Strict).await.err().unwrap().to_string();
            assert!(refused.contains("a wrong PIN was given before"), "{refused}");
            assert!(generate_master_key(&config, "strongroom-master", true).is_err());
        }
        // Logging in by other means clears the flag.
        hsm.import("one", "other", "00000007");
        connect(vec![hsm.config(&module.0, "one")], Custody::Strict).await.unwrap();
    });
}

#[test]
fn a_pin_that_is_refused_later_stops_the_token_and_spares_the_others() {
    isolated("pin::a_pin_that_is_refused_later_stops_the_token_and_spares_the_others", async |hsm| {
        hsm.token("one");
        hsm.token("two");
        let [first, second] = [hsm.faulty_module("first"), hsm.faulty_module("second")];
        let tokens = vec![hsm.config(&first.0, "one"), hsm.config(&second.0, "two")];
        let backend = connect(tokens, Custody::Strict).await.unwrap();
        let sample = Sample::of(&backend).await;
        first.order("C_Login 0xA0\nC_DecryptInit forget 1\nC_DecryptInit 0x101");
        for _ in 0..5 {
            sample.open(&backend).await.unwrap();
        }
        let states = || backend.statuses().into_iter().map(|status| status.state).collect::<Vec<_>>();
        // Whether a request or the keeper is the first to log in again is chance.
        let began = Instant::now();
        while states() != [TokenState::Stopped, TokenState::Ready]
            && began.elapsed() < Duration::from_secs(20)
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(states(), [TokenState::Stopped, TokenState::Ready]);
        first.heal();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(states(), [TokenState::Stopped, TokenState::Ready]);
        sample.open(&backend).await.unwrap();
    });
}

#[test]
fn a_pin_file_that_others_can_read_is_refused() {
    isolated("pin::a_pin_file_that_others_can_read_is_refused", async |hsm| {
        hsm.token("one");
        let pin = hsm.folder().join("pin");
        fs::set_permissions(&pin, fs::Permissions::from_mode(0o444)).unwrap();
        let config = hsm.config(&hsm.module("plain"), "one");
        let refused = connect(vec![config.clone()], Custody::Strict).await.err().unwrap().to_string();
        assert!(refused.contains("mode 0444") && refused.contains("chmod 0400"), "{refused}");
        fs::set_permissions(&pin, fs::Permissions::from_mode(0o600)).unwrap();
        fs::remove_file(&pin).unwrap();
        let refused = connect(vec![config], Custody::Strict).await.err().unwrap().to_string();
        assert!(refused.contains("there is no PIN file"), "{refused}");
    });
}
