use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::conformance::Suite;
use crate::create_key_file;

fn now() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000).unwrap()
}

fn load(path: &Path, caching: Caching) -> SoftBackend {
    let masters = MasterKeys::load(path).unwrap();
    SoftBackend::new(BackendId::new(SoftBackend::DEFAULT_ID), masters, caching).unwrap()
}

fn fresh(caching: Caching) -> SoftBackend {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("master.key");
    create_key_file(&path, now()).unwrap();
    load(&path, caching)
}

fn suite() -> Suite {
    suite_with(Caching::default())
}

fn suite_with(caching: Caching) -> Suite {
    Suite::new(Arc::new(fresh(caching)), Arc::new(fresh(caching)), now()).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime: Runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

#[tokio::test]
async fn payloads_come_back_whole() {
    suite().payloads_come_back_whole().await.unwrap();
}

#[tokio::test]
async fn sealed_bytes_tell_nothing() {
    suite().sealed_bytes_tell_nothing().await.unwrap();
}

#[tokio::test]
async fn altered_payloads_are_refused() {
    suite().altered_payloads_are_refused().await.unwrap();
}

#[tokio::test]
async fn misplaced_payloads_are_refused() {
    suite().misplaced_payloads_are_refused().await.unwrap();
}

#[tokio::test]
async fn altered_project_keys_are_refused() {
    suite().altered_project_keys_are_refused().await.unwrap();
}

#[tokio::test]
async fn canaries_prove_the_master_key() {
    suite().canaries_prove_the_master_key().await.unwrap();
}

#[tokio::test]
async fn missing_master_keys_are_named() {
    suite().missing_master_keys_are_named().await.unwrap();
}

#[tokio::test]
async fn a_wrong_master_key_opens_nothing() {
    suite().a_wrong_master_key_opens_nothing().await.unwrap();
}

#[tokio::test]
async fn kinds_do_not_mix() {
    suite().kinds_do_not_mix().await.unwrap();
}

#[tokio::test]
async fn new_project_keys_are_fresh_and_true() {
    suite().new_project_keys_are_fresh_and_true().await.unwrap();
}

#[tokio::test]
async fn forgetting_twice_succeeds() {
    suite().forgetting_twice_succeeds().await.unwrap();
}

#[tokio::test]
async fn generated_keys_are_fresh() {
    suite().generated_keys_are_fresh().await.unwrap();
}

#[tokio::test]
async fn generated_pairs_are_fresh() {
    suite().generated_pairs_are_fresh().await.unwrap();
}

#[tokio::test]
async fn keys_that_are_not_made_are_told_apart() {
    suite().keys_that_are_not_made_are_told_apart().await.unwrap();
}

#[tokio::test]
async fn a_working_backend_is_healthy() {
    suite().a_working_backend_is_healthy().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn many_at_once_do_not_disturb_each_other() {
    suite().many_at_once_do_not_disturb_each_other().await.unwrap();
}

/// Keys are dropped while others use them, and pages are added on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn many_at_once_share_a_cache_that_is_far_too_small() {
    let caching = Caching { keys: 2, keep: Duration::from_nanos(1) };
    suite_with(caching).many_at_once_do_not_disturb_each_other().await.unwrap();
}

#[tokio::test]
async fn another_process_with_the_same_key_file_opens_everything() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("master.key");
    create_key_file(&path, now()).unwrap();
    let first = load(&path, Caching::default());
    let key = first.create_project_key(&ProjectId::new("p").unwrap(), 1, now()).await.unwrap();
    let sealed = first.seal(&key, b"b", &Payload::new(b"text".to_vec())).await.unwrap();
    let canary = first.seal_canary(MasterKeyVersion(1)).await.unwrap();
    drop(first);
    let second = load(&path, Caching { keys: 0, keep: Duration::ZERO });
    second.open_canary(MasterKeyVersion(1), &canary).await.unwrap();
    assert_eq!(second.open(&key, b"b", &sealed).await.unwrap().expose(), b"text");
}

/// A project key outlives the addition of a master key version, but not the loss of its own.
#[tokio::test]
async fn an_older_master_key_version_unwraps_and_a_lost_one_is_named() {
    let folder = TempDir::new().unwrap();
    let (old, both, new) = (folder.path().join("old"), folder.path().join("both"), folder.path().join("new"));
    create_key_file(&old, now()).unwrap();
    let line = |version| {
        crate::key_file::render(MasterKeyVersion(version), now(), &[9; KEY_LEN])
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    fs::write(&both, [fs::read(&old).unwrap(), line(2)[1].clone()].concat()).unwrap();
    fs::write(&new, line(2).concat()).unwrap();
    for path in [&both, &new] {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    }
    let project = ProjectId::new("p").unwrap();
    let key = load(&old, Caching::default()).create_project_key(&project, 1, now()).await.unwrap();

    let both = load(&both, Caching::default());
    let sealed = both.seal(&key, b"b", &Payload::new(b"text".to_vec())).await.unwrap();
    assert_eq!(both.create_project_key(&project, 2, now()).await.unwrap().master, MasterKeyVersion(2));

    let lost = load(&new, Caching::default()).open(&key, b"b", &sealed).await;
    let Err(BackendError::KeyMissing(what)) = lost else { panic!("{lost:?}") };
    assert_eq!(what, "version 1 of the soft master key");
}

/// What may be done to the three rows that hold a sealed payload, its key and a canary.
#[derive(Debug, Clone)]
enum Damage {
    Flip { at: prop::sample::Index, mask: u8 },
    Cut { to: prop::sample::Index },
    Extend { with: Vec<u8> },
    Splice { at: prop::sample::Index },
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<prop::sample::Index>(), 1..=u8::MAX).prop_map(|(at, mask)| Damage::Flip { at, mask }),
        any::<prop::sample::Index>().prop_map(|to| Damage::Cut { to }),
        prop::collection::vec(any::<u8>(), 1..40).prop_map(|with| Damage::Extend { with }),
        any::<prop::sample::Index>().prop_map(|at| Damage::Splice { at }),
    ]
}

/// The blob damaged, with help of another of the same kind and length.
fn damaged(blob: &[u8], other: &[u8], damage: &Damage) -> Vec<u8> {
    let mut bytes = blob.to_vec();
    match damage {
        Damage::Flip { at, mask } => bytes[at.index(blob.len())] ^= mask,
        Damage::Cut { to } => bytes.truncate(to.index(blob.len())),
        Damage::Extend { with } => bytes.extend(with),
        Damage::Splice { at } => {
            let at = at.index(blob.len());
            bytes.splice(at.., other[at..].iter().copied());
        }
    }
    bytes
}

fn is_refusal<T>(result: &Result<T, BackendError>) -> bool {
    matches!(result, Err(BackendError::Integrity | BackendError::UnknownFormat(_)))
}

proptest! {
    #[test]
    fn every_payload_and_binding_comes_back(
        payload in prop::collection::vec(any::<u8>(), 0..2000),
        binding in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let backend = fresh(Caching::default());
        let key = block_on(backend.create_project_key(&ProjectId::new("p").unwrap(), 1, now())).unwrap();
        let sealed = block_on(backend.seal(&key, &binding, &Payload::new(payload.clone()))).unwrap();
        let opened = block_on(backend.open(&key, &binding, &sealed)).unwrap();
        prop_assert_eq!(opened.expose(), payload);
    }

    #[test]
    fn damage_to_any_stored_row_is_detected(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        damage in damage(),
    ) {
        let backend = fresh(Caching { keys: 2, keep: Duration::from_mins(1) });
        let project = ProjectId::new("p").unwrap();
        let key = block_on(backend.create_project_key(&project, 1, now())).unwrap();
        let other = block_on(backend.create_project_key(&project, 1, now())).unwrap();
        let seal = || block_on(backend.seal(&key, b"b", &Payload::new(payload.clone()))).unwrap();
        let (sealed, second) = (seal(), seal());

        let bytes = damaged(&sealed.0, &second.0, &damage);
        // A splice may give the one or the other payload whole, which is no damage.
        if bytes != sealed.0 && bytes != second.0 {
            prop_assert!(is_refusal(&block_on(backend.open(&key, b"b", &Sealed(bytes)))));
        }
        let wrapped = damaged(&key.wrapped, &other.wrapped, &damage);
        if wrapped != key.wrapped {
            let row = ProjectKey { wrapped, ..key.clone() };
            prop_assert!(is_refusal(&block_on(backend.open(&row, b"b", &sealed))));
        }
        let version = MasterKeyVersion(1);
        let canary = || block_on(backend.seal_canary(version)).unwrap();
        let (canary, second) = (canary(), canary());
        let bytes = damaged(&canary.0, &second.0, &damage);
        if bytes != canary.0 && bytes != second.0 {
            prop_assert!(is_refusal(&block_on(backend.open_canary(version, &Canary(bytes)))));
        }
        prop_assert!(block_on(backend.open(&key, b"b", &sealed)).is_ok());
    }
}

#[tokio::test]
async fn fingerprints_tell_the_same_payloads() {
    suite().fingerprints_tell_the_same_payloads().await.unwrap();
}

#[tokio::test]
async fn rewrapped_keys_are_the_same_keys() {
    suite().rewrapped_keys_are_the_same_keys().await.unwrap();
}

#[tokio::test]
async fn a_version_that_was_added_to_the_file_is_found_when_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    create_key_file(&path, now()).unwrap();
    let source = path.clone();
    let backend = load(&path, Caching::default()).with_source(move || MasterKeys::load(&source));
    let project = ProjectId::new("p").unwrap();
    let key = backend.create_project_key(&project, 1, now()).await.unwrap();
    let newer = crate::add_key_version(&path, now()).unwrap();
    assert_eq!(backend.rewrap(&key, newer).await.unwrap().master, newer);
    assert_eq!(backend.master_key_versions().await.unwrap(), [MasterKeyVersion(1), newer]);

    // One that is taken out of it is not at hand any more, once it is read again.
    assert_eq!(crate::remove_key_versions(&path, &[MasterKeyVersion(1)]).unwrap(), [MasterKeyVersion(1)]);
    backend.reload().await.unwrap();
    assert_eq!(backend.master_key_versions().await.unwrap(), [newer]);
    let refusal = backend.prove_project_key(&key).await;
    assert!(matches!(refusal, Err(BackendError::KeyMissing(_))), "{refusal:?}");

    // A file that can't be read leaves what is at hand as it is.
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(backend.reload().await, Err(BackendError::Unavailable { .. })));
    assert_eq!(backend.master_key_versions().await.unwrap(), [newer]);
}
