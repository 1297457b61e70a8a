//! Where project keys are, and what that means when every token is gone.

use std::time::Duration;

use strongroom_core::Payload;
use strongroom_core::ports::{BackendError, SecretBackend as _};
use strongroom_crypto_pkcs11::{Custody, Pkcs11Backend, Pkcs11Config};

use crate::support::{Hsm, Sample, connect};

by_each_maker! {
    "custody";
    each_custody_reads_what_the_other_wrote
    cached_keys_serve_while_every_token_is_gone_until_their_lease_ends
    strict_keys_do_not_serve_while_every_token_is_gone
    more_project_keys_than_a_token_holds
}

/// Of every project key, where it was made shows in its suite.
async fn each_custody_reads_what_the_other_wrote(hsm: &Hsm) {
    let strict = hsm.backend(Custody::Strict).await;
    let config = hsm.config(&hsm.module("plain"), "one");
    let cached = connect(vec![config], Custody::Cached).await.unwrap();
    let (kept, boxed) = (Sample::of(&strict).await, Sample::of(&cached).await);
    assert_eq!(kept.key.wrapped.get(..2), Some([1, 2].as_slice()));
    assert_eq!(boxed.key.wrapped.get(..2), Some([1, 1].as_slice()));
    for backend in [&strict, &cached] {
        kept.open(backend).await.unwrap();
        boxed.open(backend).await.unwrap();
    }
}

async fn cached_keys_serve_while_every_token_is_gone_until_their_lease_ends(hsm: &Hsm) {
    hsm.token("one");
    let module = hsm.faulty_module("faulty");
    let lease = Duration::from_secs(3);
    let config = Pkcs11Config {
        custody: Custody::Cached,
        lease,
        ..Pkcs11Config::new(vec![hsm.config(&module.0, "one")])
    };
    let backend = Pkcs11Backend::connect(config).await.unwrap();
    let (sample, unused) = (Sample::of(&backend).await, Sample::of(&backend).await);
    tokio::time::sleep(lease).await;
    sample.open(&backend).await.unwrap();
    module.order("* 0x32");
    assert!(backend.health().await.is_err());
    sample.open(&backend).await.unwrap();
    backend.seal(&sample.key, b"binding", &Payload::new(b"new".to_vec())).await.unwrap();
    // A key that is not at hand can't be had.
    assert!(matches!(unused.open(&backend).await, Err(BackendError::Unavailable { .. })));
    tokio::time::sleep(lease).await;
    assert!(matches!(sample.open(&backend).await, Err(BackendError::Unavailable { .. })));
    module.heal();
    sample.opens_again(&backend).await;
}

async fn strict_keys_do_not_serve_while_every_token_is_gone(hsm: &Hsm) {
    let backend = hsm.backend(Custody::Strict).await;
    let sample = Sample::of(&backend).await;
    sample.open(&backend).await.unwrap();
    let _outage = backend.cut(0).unwrap();
    assert!(matches!(sample.open(&backend).await, Err(BackendError::Unavailable { .. })));
}

/// More project keys than a token is to hold: the oldest make room, and come back when they are needed.
async fn more_project_keys_than_a_token_holds(hsm: &Hsm) {
    hsm.token("one");
    let tokens = vec![hsm.config(&hsm.module("plain"), "one")];
    let backend =
        Pkcs11Backend::connect(Pkcs11Config { keys: 2, ..Pkcs11Config::new(tokens) }).await.unwrap();
    let mut samples = Vec::new();
    for _ in 0..6 {
        samples.push(Sample::of(&backend).await);
    }
    for _ in 0..3 {
        let all = samples.iter().map(|sample| sample.open(&backend));
        for opened in futures_util::future::join_all(all).await {
            opened.unwrap();
        }
    }
}
