//! What a backend that keeps payloads itself is left with: nothing, however a secret goes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_audit::{Journal, Options, Records};
use strongroom_core::access::IdentitySource;
use strongroom_core::disposal::{Disposal, Owner};
use strongroom_core::ports::{
    BackendError, BackendId, Canary, GenerationError, KeyPair, KeyRequest, MasterKeyVersion, ProjectKey,
    Sealed, SecretBackend, StoredPayload,
};
use strongroom_core::quota::EffectiveQuotas;
use strongroom_core::rotation::{Goal, Rotation, Stage};
use strongroom_core::{
    CallContext, Caller, Clock as _, Deletion, DisposalId, KeyManager, NewSecret, Pace, Payload,
    PayloadFormat, ProjectId, Roles, SecretId, SystemClock, Timestamp, UserId,
};
use strongroom_crypto::{Caching, MasterKeys, SoftBackend, create_key_file};
use strongroom_storage::{Desk, OpenOptions, ReadOnlyView, SqliteRepository};

const VAULT: &str = "vault";
const SOFT: &str = "soft";

/// Keeps payloads by number, outside of the repository, and can be out of reach. What it stores in the repository
/// is the number, sealed.
struct Vault {
    seals: SoftBackend,
    kept: Arc<Mutex<HashMap<u64, Vec<u8>>>>,
    away: Arc<AtomicBool>,
}

impl Vault {
    fn reached(&self) -> Result<(), BackendError> {
        if self.away.load(Ordering::Relaxed) {
            let retry_after = Duration::from_secs(1);
            return Err(BackendError::Unavailable { reason: "it is away".to_owned(), retry_after });
        }
        Ok(())
    }

    async fn number(&self, key: &ProjectKey, sealed: &Sealed) -> Result<u64, BackendError> {
        let number = self.seals.open(key, b"number", sealed).await?;
        Ok(u64::from_be_bytes(number.expose().try_into().unwrap()))
    }
}

#[async_trait]
impl SecretBackend for Vault {
    fn id(&self) -> &BackendId {
        self.seals.id()
    }

    async fn master_key_versions(&self) -> Result<Vec<MasterKeyVersion>, BackendError> {
        self.seals.master_key_versions().await
    }

    async fn seal_canary(&self, version: MasterKeyVersion) -> Result<Canary, BackendError> {
        self.seals.seal_canary(version).await
    }

    async fn open_canary(&self, version: MasterKeyVersion, canary: &Canary) -> Result<(), BackendError> {
        self.seals.open_canary(version, canary).await
    }

    async fn create_project_key(
        &self,
        project: &ProjectId,
        version: u32,
        now: Timestamp,
    ) -> Result<ProjectKey, BackendError> {
        self.seals.create_project_key(project, version, now).await
    }

    async fn seal(&self, key: &ProjectKey, _: &[u8], payload: &Payload) -> Result<Sealed, BackendError> {
        self.reached()?;
        let number = {
            let mut kept = self.kept.lock().unwrap();
            let number = kept.keys().max().map_or(0, |last| last + 1);
            kept.insert(number, payload.expose().to_vec());
            number
        };
        self.seals.seal(key, b"number", &Payload::new(number.to_be_bytes().to_vec())).await
    }

    async fn open(&self, key: &ProjectKey, _: &[u8], sealed: &Sealed) -> Result<Payload, BackendError> {
        self.reached()?;
        let number = self.number(key, sealed).await?;
        let kept = self.kept.lock().unwrap().get(&number).cloned();
        kept.map(Payload::new).ok_or_else(|| BackendError::KeyMissing(format!("object {number}")))
    }

    fn keeps(&self, _: &Sealed) -> bool {
        true
    }

    async fn forget(&self, key: &ProjectKey, sealed: &Sealed) -> Result<(), BackendError> {
        self.reached()?;
        let number = self.number(key, sealed).await?;
        self.kept.lock().unwrap().remove(&number);
        Ok(())
    }

    async fn generate_key(&self, request: &KeyRequest) -> Result<Payload, GenerationError> {
        self.seals.generate_key(request).await
    }

    async fn generate_pair(
        &self,
        request: &KeyRequest,
        passphrase: Option<&Payload>,
    ) -> Result<KeyPair, GenerationError> {
        self.seals.generate_pair(request, passphrase).await
    }

    async fn health(&self) -> Result<(), BackendError> {
        self.reached()
    }
}

/// A folder with a repository, and a vault that outlives the key manager over both.
struct Place {
    folder: tempfile::TempDir,
    kept: Arc<Mutex<HashMap<u64, Vec<u8>>>>,
    away: Arc<AtomicBool>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in [VAULT, SOFT] {
            create_key_file(&key_file(folder.path(), name), SystemClock.now()).unwrap();
        }
        Self { folder, kept: Arc::default(), away: Arc::default() }
    }

    /// A key manager whose new secrets go to the first of these.
    async fn open(&self, backends: [&str; 2]) -> KeyManager {
        self.open_with(backends, EffectiveQuotas::default()).await
    }

    async fn open_with(&self, backends: [&str; 2], quotas: EffectiveQuotas) -> KeyManager {
        let path = self.folder.path();
        let options = OpenOptions { create: true, upgrade: false };
        let journal = Options { create: true, ..Options::default() };
        let mut builder = KeyManager::builder()
            .repository(SqliteRepository::open(&path.join("db"), options).unwrap())
            .audit(Journal::open(&path.join("journal"), journal).unwrap())
            .quotas(quotas);
        for name in backends {
            let keys = MasterKeys::load(&key_file(path, name)).unwrap();
            let seals = SoftBackend::new(BackendId::new(name), keys, Caching::default()).unwrap();
            builder = if name == VAULT {
                builder.backend(Vault { seals, kept: Arc::clone(&self.kept), away: Arc::clone(&self.away) })
            } else {
                builder.backend(seals)
            };
        }
        builder.build().await.unwrap()
    }

    fn kept(&self) -> usize {
        self.kept.lock().unwrap().len()
    }

    fn is_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    fn queued(&self) -> u64 {
        let mut view = ReadOnlyView::open(&self.folder.path().join("db")).unwrap();
        view.read(|reader| reader.count_disposals(&BackendId::new(VAULT))).unwrap()
    }

    fn sealed_by(&self, backend: &str) -> u64 {
        let mut view = ReadOnlyView::open(&self.folder.path().join("db")).unwrap();
        view.read(|reader| reader.count_sealed_by(&BackendId::new(backend))).unwrap()
    }

    fn records(&self, action: &str) -> usize {
        let records = Records::open(&self.folder.path().join("journal"), 0).unwrap();
        let name = format!("\"action\":\"{action}\"");
        records.filter(|record| record.as_ref().unwrap().json.contains(&name)).count()
    }
}

fn key_file(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join(format!("{name}.key"))
}

fn me(project: &str) -> CallContext {
    CallContext::from(Caller {
        user: Some(UserId::new("ann").unwrap()),
        project: Some(ProjectId::new(project).unwrap()),
        roles: Roles::new(["admin", "member", "reader"]),
        source: IdentitySource::Unauthenticated,
    })
}

async fn store(keys: &KeyManager, project: &str, text: &str) -> SecretId {
    keys.secrets().create(&me(project), NewSecret::text(text)).await.unwrap().release().id
}

async fn check(keys: &KeyManager, project: &str, id: SecretId, text: &str) {
    let read = keys.secrets().payload(&me(project), id, PayloadFormat::Stored).await.unwrap();
    assert_eq!(read.release().payload.expose(), text.as_bytes());
}

async fn work_off(keys: &KeyManager) {
    while keys.disposals().work().await.unwrap() {}
}

/// Carries out whatever is open; `after` sees each step.
async fn carry_out(keys: &KeyManager, mut after: impl FnMut()) -> Rotation {
    let mut shift = keys.rotations().claim().await.unwrap().unwrap();
    while shift.step().await.unwrap() != Pace::Ended {
        assert_eq!(shift.rotation().waiting, None);
        after();
    }
    shift.rotation().clone()
}

fn moving(to: &str, project: Option<&str>) -> Goal {
    Goal::Move { to: BackendId::new(to), project: project.map(|id| ProjectId::new(id).unwrap()) }
}

#[tokio::test]
async fn a_deletion_does_not_wait_and_is_made_good_after_a_restart() {
    let place = Place::new();
    let keys = place.open([VAULT, SOFT]).await;
    let ids = [store(&keys, "p", "one").await, store(&keys, "p", "two").await, store(&keys, "q", "x").await];
    place.is_away(true);
    for id in &ids[..2] {
        keys.secrets().delete(&me("p"), *id, Deletion::UnlessUsed).await.unwrap().release();
        assert!(keys.secrets().payload(&me("p"), *id, PayloadFormat::Stored).await.is_err());
    }
    assert_eq!((place.kept(), place.queued()), (3, 2));
    assert!(!keys.disposals().work().await.unwrap(), "nothing can be done");
    assert!(!keys.disposals().work().await.unwrap(), "and it is left alone for a while");
    assert_eq!(place.records("secret.payload.forget"), 2, "one attempt");
    drop(keys);
    place.is_away(false);
    let keys = place.open([VAULT, SOFT]).await;
    work_off(&keys).await;
    assert_eq!((place.kept(), place.queued()), (1, 0));
    check(&keys, "q", ids[2], "x").await;
    assert_eq!(place.records("secret.payload.forget"), 6);
    drop(keys);
    assert!(
        strongroom_audit::verify(&place.folder.path().join("journal"), &strongroom_audit::Trust::default())
            .unwrap()
            .is_intact()
    );
}

#[tokio::test]
async fn what_was_sealed_for_nothing_is_forgotten() {
    let place = Place::new();
    let quotas = EffectiveQuotas { secrets: 1, ..EffectiveQuotas::default() };
    let keys = place.open_with([VAULT, SOFT], quotas).await;
    let id = store(&keys, "p", "one").await;
    let refused = keys.secrets().create(&me("p"), NewSecret::text("too much")).await.unwrap_err();
    assert!(matches!(refused.error(), strongroom_core::Error::QuotaReached), "{refused}");
    assert_eq!(place.kept(), 2);
    work_off(&keys).await;
    assert_eq!((place.kept(), place.queued()), (1, 0));
    check(&keys, "p", id, "one").await;
}

#[tokio::test]
async fn what_is_stored_after_all_is_never_destroyed() {
    let place = Place::new();
    let keys = place.open([VAULT, SOFT]).await;
    let id = store(&keys, "p", "one").await;
    // As after a commit that the database did not confirm, and that came about.
    let mut desk = Desk::open(&place.folder.path().join("db")).unwrap();
    let asked = desk.write(|writer| {
        let stored = writer.payload(id)?.unwrap();
        let StoredPayload { key, backend, sealed, .. } = stored;
        let owner = Owner::Secret(id);
        let due = SystemClock.now();
        writer.insert_disposal(&Disposal { id: DisposalId::random(), owner, key, backend, sealed, due })
    });
    asked.unwrap();
    assert_eq!(place.queued(), 1);
    work_off(&keys).await;
    assert_eq!((place.queued(), place.kept()), (0, 1));
    check(&keys, "p", id, "one").await;
}

#[tokio::test]
async fn a_key_is_kept_until_what_is_under_it_is_forgotten() {
    let place = Place::new();
    let keys = place.open([VAULT, SOFT]).await;
    let (gone, stays) = (store(&keys, "p", "gone").await, store(&keys, "p", "stays").await);
    keys.secrets().delete(&me("p"), gone, Deletion::UnlessUsed).await.unwrap().release();
    keys.rotations().ask(BackendId::new(VAULT), Goal::EveryProjectKey).await.unwrap();
    let ended = carry_out(&keys, || {}).await;
    assert_eq!((ended.stage, ended.changed), (Stage::Done, 1));
    // The deleted one, the old one of the other, and the new one.
    assert_eq!((place.kept(), place.queued()), (3, 2));
    work_off(&keys).await;
    assert_eq!((place.kept(), place.queued()), (1, 0));
    check(&keys, "p", stays, "stays").await;
    let mut view = ReadOnlyView::open(&place.folder.path().join("db")).unwrap();
    let (project, vault) = (ProjectId::new("p").unwrap(), BackendId::new(VAULT));
    let versions = view.read(|reader| reader.project_key_versions(&project, &vault)).unwrap();
    assert_eq!(versions.iter().map(|key| key.version).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn secrets_move_to_another_store_and_back() {
    let place = Place::new();
    let keys = place.open([SOFT, VAULT]).await;
    let mut stored = Vec::new();
    for number in 0..40 {
        let (project, text) = (format!("p{}", number % 3), format!("text {number}"));
        stored.push((store(&keys, &project, &text).await, project, text));
    }
    keys.rotations().ask(BackendId::new(SOFT), moving(VAULT, Some("p1"))).await.unwrap();
    let ended = carry_out(&keys, || {}).await;
    assert_eq!((ended.stage, ended.changed, ended.failed), (Stage::Done, 13, 0));
    assert_eq!((place.sealed_by(SOFT), place.sealed_by(VAULT), place.kept()), (27, 13, 13));
    keys.rotations().ask(BackendId::new(SOFT), moving(VAULT, None)).await.unwrap();
    let mut steps = 0;
    let ended = carry_out(&keys, || steps += 1).await;
    assert_eq!((ended.stage, ended.changed, place.kept()), (Stage::Done, 27, 40));
    assert!(steps > 4, "{steps} steps");
    for (id, project, text) in &stored {
        check(&keys, project, *id, text).await;
    }
    keys.rotations().ask(BackendId::new(VAULT), moving(SOFT, None)).await.unwrap();
    assert_eq!(carry_out(&keys, || {}).await.changed, 40);
    assert_eq!((place.sealed_by(SOFT), place.queued(), place.kept()), (40, 40, 40));
    work_off(&keys).await;
    assert_eq!((place.queued(), place.kept()), (0, 0));
    for (id, project, text) in &stored {
        check(&keys, project, *id, text).await;
    }
    assert_eq!(place.records("store.migrate"), 2 * (1 + 3 + 3));
}

#[tokio::test]
async fn a_move_that_is_cut_off_after_every_step_goes_on_and_leaves_nothing_behind() {
    let place = Place::new();
    let mut stored = Vec::new();
    {
        let keys = place.open([SOFT, VAULT]).await;
        for number in 0..50 {
            let (project, text) = (format!("p{}", number % 2), format!("text {number}"));
            stored.push((store(&keys, &project, &text).await, project, text));
        }
    }
    for (from, to) in [(SOFT, VAULT), (VAULT, SOFT)] {
        let asked = {
            let keys = place.open([SOFT, VAULT]).await;
            keys.rotations().ask(BackendId::new(from), moving(to, None)).await.unwrap()
        };
        let mut cuts = 0;
        loop {
            let keys = place.open([SOFT, VAULT]).await;
            let Some(mut shift) = keys.rotations().claim().await.unwrap() else { break };
            shift.step().await.unwrap();
            for (id, project, text) in &stored {
                check(&keys, project, *id, text).await;
            }
            cuts += 1;
        }
        assert!(cuts > 5, "{cuts} cuts");
        let keys = place.open([SOFT, VAULT]).await;
        let ended = keys.rotations().find(asked.id).await.unwrap().unwrap();
        assert_eq!((ended.stage, ended.changed, ended.failed), (Stage::Done, 50, 0));
        work_off(&keys).await;
        assert_eq!(place.sealed_by(to), 50);
    }
    assert_eq!((place.queued(), place.kept()), (0, 0));
    assert!(
        strongroom_audit::verify(&place.folder.path().join("journal"), &strongroom_audit::Trust::default())
            .unwrap()
            .is_intact()
    );
}

#[tokio::test]
async fn a_move_waits_for_a_store_that_is_away_and_is_not_confused_by_deletions() {
    let place = Place::new();
    let keys = place.open([SOFT, VAULT]).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(store(&keys, "p", &number.to_string()).await);
    }
    keys.rotations().ask(BackendId::new(SOFT), moving(VAULT, None)).await.unwrap();
    let mut shift = keys.rotations().claim().await.unwrap().unwrap();
    place.is_away(true);
    assert_eq!(shift.step().await.unwrap(), Pace::Wait);
    assert!(shift.rotation().waiting.clone().unwrap().contains("it is away"));
    place.is_away(false);
    assert_eq!(shift.step().await.unwrap(), Pace::On);
    for id in &ids[..10] {
        keys.secrets().delete(&me("p"), *id, Deletion::UnlessUsed).await.unwrap().release();
    }
    while shift.step().await.unwrap() != Pace::Ended {}
    assert_eq!((shift.rotation().stage, shift.rotation().failed), (Stage::Done, 0));
    work_off(&keys).await;
    assert_eq!((place.sealed_by(SOFT), place.sealed_by(VAULT), place.kept()), (0, 10, 10));
    for (number, id) in ids.iter().enumerate().skip(10) {
        check(&keys, "p", *id, &number.to_string()).await;
    }
}

#[tokio::test]
async fn what_the_other_store_has_lost_is_told_and_left_where_it_was() {
    let place = Place::new();
    let keys = place.open([VAULT, SOFT]).await;
    let lost = store(&keys, "p", "lost").await;
    let sound = store(&keys, "p", "sound").await;
    place.kept.lock().unwrap().retain(|_, payload| payload != b"lost");
    keys.rotations().ask(BackendId::new(VAULT), moving(SOFT, None)).await.unwrap();
    let ended = carry_out(&keys, || {}).await;
    assert_eq!((ended.stage, ended.changed, ended.failed), (Stage::Incomplete, 1, 1));
    check(&keys, "p", sound, "sound").await;
    assert!(keys.secrets().payload(&me("p"), lost, PayloadFormat::Stored).await.is_err());
    assert_eq!((place.sealed_by(SOFT), place.sealed_by(VAULT)), (1, 1));
}
