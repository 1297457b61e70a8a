//! What every backend must do, in both custody modes, on one server.

use std::sync::Arc;

use strongroom_core::ports::MasterKeyVersion;
use strongroom_crypto::conformance::Suite;
use strongroom_crypto_kmip::{Custody, create_master_key};
use tokio::runtime::{Builder, Runtime};

use crate::fixture::{backend, client, master, now};
use crate::kmip_server::KmipServer;

/// Starting one takes longer than most of the checks.
fn with_suite<T>(custody: Custody, check: impl AsyncFnOnce(Suite) -> T) -> T {
    let server = KmipServer::start();
    let runtime: Runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client(&server);
        let own = master(&client).await;
        let own = own.with_next(create_master_key(&client, now()).await.unwrap()).unwrap();
        let other = master(&client).await;
        let other = other.with_next(create_master_key(&client, now()).await.unwrap()).unwrap();
        assert_eq!(own.newest().unwrap().0, MasterKeyVersion(2));
        let suite = Suite::new(
            Arc::new(backend(&client, own, custody)),
            Arc::new(backend(&client, other, custody)),
            now(),
        );
        check(suite.unwrap()).await
    })
}

/// All checks on one server, each named when it fails.
async fn run_all(suite: Suite) {
    suite.payloads_come_back_whole().await.expect("payloads_come_back_whole");
    suite.sealed_bytes_tell_nothing().await.expect("sealed_bytes_tell_nothing");
    suite.altered_payloads_are_refused().await.expect("altered_payloads_are_refused");
    suite.misplaced_payloads_are_refused().await.expect("misplaced_payloads_are_refused");
    suite.altered_project_keys_are_refused().await.expect("altered_project_keys_are_refused");
    suite.rewrapped_keys_are_the_same_keys().await.expect("rewrapped_keys_are_the_same_keys");
    suite.fingerprints_tell_the_same_payloads().await.expect("fingerprints_tell_the_same_payloads");
    suite.canaries_prove_the_master_key().await.expect("canaries_prove_the_master_key");
    suite.missing_master_keys_are_named().await.expect("missing_master_keys_are_named");
    suite.a_wrong_master_key_opens_nothing().await.expect("a_wrong_master_key_opens_nothing");
    suite.kinds_do_not_mix().await.expect("kinds_do_not_mix");
    suite.new_project_keys_are_fresh_and_true().await.expect("new_project_keys_are_fresh_and_true");
    suite.forgetting_twice_succeeds().await.expect("forgetting_twice_succeeds");
    suite.a_working_backend_is_healthy().await.expect("a_working_backend_is_healthy");
    suite.many_at_once_do_not_disturb_each_other().await.expect("many_at_once_do_not_disturb_each_other");
    suite.generated_keys_are_fresh().await.expect("generated_keys_are_fresh");
    suite.keys_that_are_not_made_are_told_apart().await.expect("keys_that_are_not_made_are_told_apart");
    suite.generated_pairs_are_fresh().await.expect("generated_pairs_are_fresh");
}

#[test]
fn with_the_master_key_in_the_server() {
    with_suite(Custody::MasterKey, run_all);
}

#[test]
fn with_the_secrets_in_the_server() {
    with_suite(Custody::Secrets, run_all);
}
