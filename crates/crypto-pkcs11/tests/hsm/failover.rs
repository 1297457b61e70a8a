//! Several tokens with the same master key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use strongroom_core::ports::{BackendError, SecretBackend as _};
use strongroom_crypto_pkcs11::{Custody, Pkcs11Backend, Pkcs11Config, Pkcs11Error, TokenState};

use crate::support::{Faulty, Hsm, Maker, Sample, connect, isolated};

by_each_maker! {
    "failover";
    strict_reads_and_writes_go_on_through_the_other_token
    cached_reads_and_writes_go_on_through_the_other_token
    a_token_that_dies_under_load_costs_no_request
    tokens_of_one_module_do_not_pull_each_other_down
    a_token_with_another_key_of_the_same_name_is_never_used
    a_token_that_is_away_at_the_start_joins_later
}

async fn pair(hsm: &Hsm, custody: Custody) -> ([Faulty; 2], Pkcs11Backend) {
    hsm.token("one");
    hsm.token("two");
    let modules = [hsm.faulty_module("first"), hsm.faulty_module("second")];
    let [first, second] = &modules;
    let tokens = vec![hsm.config(&first.0, "one"), hsm.config(&second.0, "two")];
    let backend = connect(tokens, custody).await.unwrap();
    (modules, backend)
}

fn states(backend: &Pkcs11Backend) -> Vec<TokenState> {
    backend.statuses().into_iter().map(|status| status.state).collect()
}

async fn strict_reads_and_writes_go_on_through_the_other_token(hsm: &Hsm) {
    goes_on(hsm, Custody::Strict).await;
}

async fn cached_reads_and_writes_go_on_through_the_other_token(hsm: &Hsm) {
    goes_on(hsm, Custody::Cached).await;
}

async fn goes_on(hsm: &Hsm, custody: Custody) {
    let (modules, backend) = pair(hsm, custody).await;
    takes_turns(&modules, &backend).await;
}

async fn takes_turns([first, second]: &[Faulty; 2], backend: &Pkcs11Backend) {
    let before = Sample::of(backend).await;
    for (down, up) in [(first, second), (second, first)] {
        down.order("* 0x32");
        up.heal();
        for _ in 0..20 {
            before.open(backend).await.unwrap();
            Sample::of(backend).await.open(backend).await.unwrap();
        }
        backend.health().await.unwrap();
        down.heal();
        before.opens_again(backend).await;
    }
}

/// Two makers' modules in one process: each reads what was sealed at the other.
#[test]
fn a_token_takes_over_from_another_makers() {
    isolated("failover::a_token_takes_over_from_another_makers", async |hsm| {
        let kryoptic = hsm.by(Maker::Kryoptic);
        hsm.token("one");
        kryoptic.token("two");
        let modules = [hsm.faulty_module("first"), kryoptic.faulty_module("second")];
        let [first, second] = &modules;
        let tokens = vec![hsm.config(&first.0, "one"), kryoptic.config(&second.0, "two")];
        for custody in [Custody::Strict, Custody::Cached] {
            let backend = connect(tokens.clone(), custody).await.unwrap();
            assert_eq!(states(&backend), [TokenState::Ready; 2]);
            takes_turns(&modules, &backend).await;
        }
    });
}

/// One of two dies again and again under load: not one error.
async fn a_token_that_dies_under_load_costs_no_request(hsm: &Hsm) {
    let ([first, second], backend) = pair(hsm, Custody::Strict).await;
    let backend = Arc::new(backend);
    let sample = Arc::new(Sample::of(&backend).await);
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (backend, sample) = (backend.clone(), sample.clone());
            let (stop, done) = (stop.clone(), done.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    sample.open(&backend).await.unwrap();
                    done.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for dying in [&first, &second, &first, &second] {
        dying.order("* 0x32");
        tokio::time::sleep(Duration::from_millis(300)).await;
        dying.heal();
        while states(&backend) != [TokenState::Ready; 2] {
            tokio::time::sleep(Duration::from_millis(10)).await;
            // A token that nobody asked has not been missed either.
            backend.health().await.unwrap();
        }
    }
    let outage = backend.cut(0).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(outage);
    stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(done.load(Ordering::SeqCst) > 100, "{done:?}");
}

/// Two tokens behind one module: losing one initialises the module anew at most seldom, and the other goes on.
async fn tokens_of_one_module_do_not_pull_each_other_down(hsm: &Hsm) {
    hsm.token("one");
    hsm.token("two");
    let module = hsm.module("plain");
    let tokens = vec![hsm.config(&module, "one"), hsm.config(&module, "two")];
    let backend = connect(tokens, Custody::Strict).await.unwrap();
    let sample = Sample::of(&backend).await;
    let outage = backend.cut(0).unwrap();
    for _ in 0..100 {
        sample.open(&backend).await.unwrap();
    }
    assert_eq!(states(&backend), [TokenState::Down, TokenState::Ready]);
    drop(outage);
    while states(&backend) != [TokenState::Ready; 2] {
        sample.open(&backend).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A token that comes back as another one, with a key of the same name, is not used: by nobody and for nothing.
async fn a_token_with_another_key_of_the_same_name_is_never_used(hsm: &Hsm) {
    hsm.token("one");
    hsm.empty_token("two");
    hsm.import("two", "other", "00000001");
    let [first, second] = [hsm.module("first"), hsm.module("second")];
    let tokens = vec![hsm.config(&first, "one"), hsm.config(&second, "two")];
    let backend = connect(tokens, Custody::Strict).await.unwrap();
    assert_eq!(states(&backend), [TokenState::Ready, TokenState::Down]);
    let reason = backend.statuses().pop().unwrap().reason.unwrap();
    assert!(reason.contains("not the key that was used so far"), "{reason}");
    let sample = Sample::of(&backend).await;
    let _outage = backend.cut(0).unwrap();
    assert!(matches!(sample.open(&backend).await, Err(BackendError::Unavailable { .. })));
}

/// The token is re-initialised under the running backend, and even gets a key of the same name.
#[test]
fn a_token_that_was_initialised_anew_is_not_taken_for_the_old_one() {
    isolated("failover::a_token_that_was_initialised_anew_is_not_taken_for_the_old_one", async |hsm| {
        hsm.token("one");
        let module = hsm.faulty_module("faulty");
        let backend = connect(vec![hsm.config(&module.0, "one")], Custody::Strict).await.unwrap();
        let sample = Sample::of(&backend).await;
        hsm.delete_token("one");
        hsm.empty_token("one");
        module.order("* 0x32 until-initialize");
        assert!(sample.open(&backend).await.is_err());
        hsm.import("one", "other", "00000001");
        tokio::time::sleep(Duration::from_secs(2)).await;
        let refused = sample.open(&backend).await;
        let Err(BackendError::Unavailable { reason, .. }) = refused else { panic!("{refused:?}") };
        assert!(reason.contains("not the key that was used so far"), "{reason}");
        // With the right key back it goes on.
        hsm.delete_token("one");
        hsm.token("one");
        sample.opens_again(&backend).await;
    });
}

#[test]
fn no_token_at_the_start_is_an_error_that_names_each() {
    isolated("failover::no_token_at_the_start_is_an_error_that_names_each", async |hsm| {
        hsm.token("one");
        hsm.empty_token("empty");
        let module = hsm.module("plain");
        let refusal = async |label: &str| {
            let refused = connect(vec![hsm.config(&module, label)], Custody::Strict).await;
            refused.err().unwrap().to_string()
        };
        let text = refusal("absent").await;
        assert!(text.contains("there is no token labelled 'absent'") && text.contains("'one'"), "{text}");
        let text = refusal("empty").await;
        assert!(text.contains("holds no master key") && text.contains("generate-master-key"), "{text}");
        assert!(matches!(connect(Vec::new(), Custody::Strict).await, Err(Pkcs11Error::NoTokens)));
        let nowhere = connect(vec![hsm.config(&hsm.folder().join("no.so"), "one")], Custody::Strict).await;
        assert!(matches!(nowhere, Err(Pkcs11Error::Load { .. })));
        // The search has made nothing.
        let text = refusal("empty").await;
        assert!(text.contains("holds no master key"), "{text}");
    });
}

/// One that is away at the start joins later.
async fn a_token_that_is_away_at_the_start_joins_later(hsm: &Hsm) {
    hsm.token("one");
    hsm.token("two");
    let second = hsm.faulty_module("second");
    second.order("* 0x32");
    let tokens = vec![hsm.config(&hsm.module("first"), "one"), hsm.config(&second.0, "two")];
    let backend = Pkcs11Backend::connect(Pkcs11Config::new(tokens)).await.unwrap();
    assert_eq!(states(&backend), [TokenState::Ready, TokenState::Down]);
    second.heal();
    while states(&backend) != [TokenState::Ready; 2] {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
