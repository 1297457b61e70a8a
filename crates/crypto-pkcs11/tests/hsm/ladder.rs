//! Every class of error, each mended as the table of remedies says.

use std::time::{Duration, Instant};

use strongroom_core::Payload;
use strongroom_core::ports::{BackendError, SecretBackend as _};
use strongroom_crypto_pkcs11::{Custody, Pkcs11Backend, Pkcs11Config, TokenState};

use crate::support::{Faulty, Hsm, Sample, connect, isolated};

by_each_maker! {
    "ladder";
    a_single_fault_is_mended_within_the_call
    a_single_fault_while_writing_is_mended_within_the_call
    the_canary_tells_bad_data_from_a_bad_device
    a_token_that_is_lost_comes_back_by_itself_and_soon
    the_module_is_initialised_anew_when_nothing_else_helps
    what_is_set_up_wrongly_is_refused
    calls_that_do_not_return_in_time
    faults_under_load_disturb_nobody_for_long
}

async fn faulty(hsm: &Hsm) -> (Faulty, Pkcs11Backend) {
    hsm.token("one");
    let module = hsm.faulty_module("faulty");
    let backend = connect(vec![hsm.config(&module.0, "one")], Custody::Strict).await.unwrap();
    (module, backend)
}

fn state(backend: &Pkcs11Backend) -> TokenState {
    backend.statuses().first().unwrap().state
}

/// One fault of each kind that can be mended on the spot: the caller notices nothing.
async fn a_single_fault_is_mended_within_the_call(hsm: &Hsm) {
    let (module, backend) = faulty(hsm).await;
    let sample = Sample::of(&backend).await;
    for fault in [
        "C_DecryptInit 0xB3 1", // CKR_SESSION_HANDLE_INVALID
        "C_DecryptInit 0xB0 1", // CKR_SESSION_CLOSED
        "C_DecryptInit 0x90 1", // CKR_OPERATION_ACTIVE
        "C_DecryptInit forget 1",
        "C_DecryptInit 0x101 1", // CKR_USER_NOT_LOGGED_IN
        "C_DecryptInit 0x82 1",  // CKR_OBJECT_HANDLE_INVALID
        "C_DecryptInit 0x60 1",  // CKR_KEY_HANDLE_INVALID
        "C_Decrypt 0x05 1",      // CKR_GENERAL_ERROR
        "C_Decrypt 0x30 1",      // CKR_DEVICE_ERROR
        "C_Decrypt 0x31 1",      // CKR_DEVICE_MEMORY
        "C_Decrypt 0x80000042 1",
        "C_DecryptInit 0x32 1",  // CKR_DEVICE_REMOVED
        "C_DecryptInit 0xE0 1",  // CKR_TOKEN_NOT_PRESENT
        "C_DecryptInit 0xE1 1",  // CKR_TOKEN_NOT_RECOGNIZED
        "C_DecryptInit 0x03 1",  // CKR_SLOT_ID_INVALID
        "C_DecryptInit 0x190 1", // CKR_CRYPTOKI_NOT_INITIALIZED
    ] {
        module.order(fault);
        sample.open(&backend).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
        sample.open(&backend).await.unwrap_or_else(|error| panic!("after {fault}: {error}"));
    }
}

/// The same for what making a project key and sealing need.
async fn a_single_fault_while_writing_is_mended_within_the_call(hsm: &Hsm) {
    let (module, backend) = faulty(hsm).await;
    for function in ["C_GenerateKey", "C_WrapKey", "C_UnwrapKey", "C_EncryptInit", "C_Encrypt"] {
        for code in ["0xB3", "0x82", "0x101", "0x05", "0x32"] {
            module.order(&format!("{function} {code} 1"));
            let sample = Sample::of(&backend).await;
            sample.open(&backend).await.unwrap_or_else(|error| panic!("{function} {code}: {error}"));
        }
    }
}

/// A module that says GENERAL_ERROR about altered data, as SoftHSM2 does, is not taken for a broken one.
async fn the_canary_tells_bad_data_from_a_bad_device(hsm: &Hsm) {
    let (module, backend) = faulty(hsm).await;
    let sample = Sample::of(&backend).await;
    let mut altered = sample.sealed.clone();
    *altered.0.get_mut(20).unwrap() ^= 1;
    for _ in 0..5 {
        let opened = backend.open(&sample.key, b"binding", &altered).await;
        assert!(matches!(opened, Err(BackendError::Integrity)), "{opened:?}");
        assert_eq!(state(&backend), TokenState::Ready);
    }
    module.order("C_Decrypt 0x05");
    let opened = backend.open(&sample.key, b"binding", &altered).await;
    assert!(matches!(opened, Err(BackendError::Unavailable { .. })), "{opened:?}");
    assert_eq!(state(&backend), TokenState::Down);
    module.heal();
    sample.opens_again(&backend).await;
}

async fn a_token_that_is_lost_comes_back_by_itself_and_soon(hsm: &Hsm) {
    let (module, backend) = faulty(hsm).await;
    let sample = Sample::of(&backend).await;
    for fault in
        ["* 0x32", "* 0xE0", "C_Decrypt 0x30", "C_OpenSession 0x05", "C_FindObjectsInit 0x05\n* 0x32 3"]
    {
        module.order(&format!("{fault}\nC_Decrypt 0x32"));
        let lost = sample.open(&backend).await;
        assert!(matches!(lost, Err(BackendError::Unavailable { .. })), "{fault}: {lost:?}");
        // Once it is known to be lost for longer than a moment, nobody waits.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let asked = Instant::now();
        assert!(sample.open(&backend).await.is_err());
        assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
        assert!(backend.health().await.is_err());
        module.heal();
        let took = sample.opens_again(&backend).await;
        assert!(took < Duration::from_secs(5), "{fault}: {took:?}");
        backend.health().await.unwrap();
    }
}

/// A module that works again only after it was initialised anew.
async fn the_module_is_initialised_anew_when_nothing_else_helps(hsm: &Hsm) {
    let (module, backend) = faulty(hsm).await;
    let sample = Sample::of(&backend).await;
    module.order("* 0x32 until-initialize");
    sample.opens_again(&backend).await;
}

/// The token's files taken away and put back, under a library that does not notice.
#[test]
fn a_token_whose_storage_goes_and_comes_back() {
    isolated("ladder::a_token_whose_storage_goes_and_comes_back", async |hsm| {
        let (_module, backend) = faulty(&hsm).await;
        let sample = Sample::of(&backend).await;
        let (tokens, away) = (hsm.folder().join("tokens"), hsm.folder().join("away"));
        std::fs::rename(&tokens, &away).unwrap();
        std::fs::create_dir(&tokens).unwrap();
        // What is in the library's memory may still serve.
        let began = Instant::now();
        while backend.health().await.is_ok() && began.elapsed() < Duration::from_secs(2) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::fs::remove_dir_all(&tokens).unwrap();
        std::fs::rename(&away, &tokens).unwrap();
        sample.opens_again(&backend).await;
        backend.health().await.unwrap();
    });
}

async fn what_is_set_up_wrongly_is_refused(hsm: &Hsm) {
    let (module, backend) = faulty(hsm).await;
    let sample = Sample::of(&backend).await;
    for code in ["0x70", "0x150"] {
        module.order(&format!("C_DecryptInit {code} 1"));
        let refused = sample.open(&backend).await;
        assert!(matches!(refused, Err(BackendError::Denied(_))), "{code}: {refused:?}");
        sample.open(&backend).await.unwrap();
    }
    // It may have been another key for a moment, and is looked up again once.
    for code in ["0x62", "0x63", "0x68"] {
        let payload = Payload::new(b"payload".to_vec());
        module.order(&format!("C_EncryptInit {code} 1"));
        backend.seal(&sample.key, b"binding", &payload).await.unwrap();
        module.order(&format!("C_EncryptInit {code} 2"));
        let refused = backend.seal(&sample.key, b"binding", &payload).await;
        assert!(matches!(refused, Err(BackendError::Denied(_))), "{code}: {refused:?}");
        sample.open(&backend).await.unwrap();
    }
}

/// A call that hangs is not waited for, nor is its thread; a token whose threads all hang is lost, and comes
/// back when the calls do.
async fn calls_that_do_not_return_in_time(hsm: &Hsm) {
    hsm.token("one");
    let module = hsm.faulty_module("faulty");
    let backend = Pkcs11Backend::connect(Pkcs11Config {
        sessions: 4,
        call_timeout: Duration::from_secs(1),
        ..Pkcs11Config::new(vec![hsm.config(&module.0, "one")])
    })
    .await
    .unwrap();
    let sample = Sample::of(&backend).await;
    module.order("C_DecryptInit sleep:10000 1");
    let asked = Instant::now();
    let late = sample.open(&backend).await;
    assert!(matches!(late, Err(BackendError::Unavailable { .. })), "{late:?}");
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    sample.open(&backend).await.unwrap();

    module.order("C_DecryptInit sleep:4000 20");
    let many = (0..8).map(|_| sample.open(&backend));
    let late = futures_util::future::join_all(many).await;
    assert!(late.iter().all(Result::is_err), "{late:?}");
    assert_eq!(state(&backend), TokenState::Down);
    module.heal();
    sample.opens_again(&backend).await;
}

/// Many tasks at once while faults come and go: nobody ever gets another's payload or an integrity error.
async fn faults_under_load_disturb_nobody_for_long(hsm: &Hsm) {
    let (module, backend) = faulty(hsm).await;
    let backend = std::sync::Arc::new(backend);
    let sample = std::sync::Arc::new(Sample::of(&backend).await);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (backend, sample) = (backend.clone(), sample.clone());
            tokio::spawn(async move {
                let (began, mut opened) = (Instant::now(), 0);
                while began.elapsed() < Duration::from_secs(3) {
                    match sample.open(&backend).await {
                        Ok(()) => opened += 1,
                        Err(BackendError::Unavailable { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                opened
            })
        })
        .collect();
    for fault in [
        "C_DecryptInit 0xB3 5",
        "C_DecryptInit forget 2",
        "C_DecryptInit 0x101 3",
        "C_DecryptInit 0x60 3",
        "* 0x32 until-initialize",
        "* 0x32 20",
    ] {
        module.order(fault);
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    module.heal();
    for task in tasks {
        assert!(task.await.unwrap() > 0);
    }
    sample.opens_again(&backend).await;
}
