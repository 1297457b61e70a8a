//! Rotation with real parts, cut off after every step: what is on disk then is what a killed process leaves.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_audit::{Journal, Options};
use strongroom_core::ports::{BackendId, MasterKeyVersion, Repository as _};
use strongroom_core::rotation::{Goal, MasterKeyState, Rotation, Stage};
use strongroom_core::{
    CallContext, Caller, Clock as _, Deletion, Error, KeyManager, NewSecret, Pace, PayloadFormat, ProjectId,
    SecretId, StartError, SystemClock, UserId,
};
use strongroom_crypto::{
    Caching, MasterKeys, SoftBackend, add_key_version, create_key_file, remove_key_versions,
};
use strongroom_storage::{OpenOptions, ReadOnlyView, SqliteRepository};
use tempfile::TempDir;

/// More project keys than one batch has.
const PROJECTS: usize = 257;

fn soft() -> BackendId {
    BackendId::new("soft")
}

fn key_file(folder: &Path) -> PathBuf {
    folder.join("master.key")
}

async fn try_open(folder: &Path) -> Result<KeyManager, StartError> {
    let path = key_file(folder);
    let source = path.clone();
    let backend = SoftBackend::new(soft(), MasterKeys::load(&path).unwrap(), Caching::default())
        .unwrap()
        .with_source(move || MasterKeys::load(&source));
    let options = OpenOptions { create: true, upgrade: false };
    let journal = Options { create: true, ..Options::default() };
    KeyManager::builder()
        .repository(SqliteRepository::open(&folder.join("db"), options).unwrap())
        .backend(backend)
        .audit(Journal::open(&folder.join("journal"), journal).unwrap())
        .build()
        .await
}

async fn open(folder: &Path) -> KeyManager {
    try_open(folder).await.unwrap()
}

fn me(project: &str) -> CallContext {
    Caller::embedded(ProjectId::new(project).unwrap(), UserId::new("u").unwrap()).into()
}

/// A secret, its project and its payload.
type Stored = (SecretId, String, String);

async fn store(manager: &KeyManager, project: &str, payload: &str) -> Stored {
    let created = manager.secrets().create(&me(project), NewSecret::text(payload)).await.unwrap().release();
    (created.id, project.to_owned(), payload.to_owned())
}

async fn check(manager: &KeyManager, stored: &[Stored]) {
    for (id, project, payload) in stored {
        let read = manager.secrets().payload(&me(project), *id, PayloadFormat::Stored).await.unwrap();
        assert!(read.release().payload.expose() == payload.as_bytes(), "{id}");
    }
}

/// A folder with many projects of one secret each, and one project of many.
async fn populated(projects: usize) -> (TempDir, Vec<Stored>) {
    let folder = tempfile::tempdir().unwrap();
    create_key_file(&key_file(folder.path()), SystemClock.now()).unwrap();
    let manager = open(folder.path()).await;
    let mut stored = Vec::new();
    for number in 0..projects {
        stored.push(store(&manager, &format!("p{number}"), &format!("of {number}")).await);
    }
    for number in 0..70 {
        stored.push(store(&manager, "many", &format!("of many {number}")).await);
    }
    (folder, stored)
}

/// Goes on with whatever rotation is open, to its end; `after` sees each step.
async fn carry_out(manager: &KeyManager, mut after: impl FnMut(&Rotation)) -> Rotation {
    let mut shift = manager.rotations().claim().await.unwrap().unwrap();
    loop {
        let pace = shift.step().await.unwrap();
        after(shift.rotation());
        match pace {
            Pace::On => {}
            Pace::Ended => return shift.rotation().clone(),
            Pace::Wait | Pace::Lost => panic!("{:?}", shift.rotation()),
        }
    }
}

/// What a process that is killed now would leave.
fn image(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in ["master.key", "db", "db-wal", "db-shm"] {
        let from = folder.join(entry);
        if from.exists() {
            fs::copy(&from, copy.path().join(entry)).unwrap();
        }
    }
    fs::create_dir(copy.path().join("journal")).unwrap();
    for entry in fs::read_dir(folder.join("journal")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join("journal").join(entry.file_name())).unwrap();
    }
    copy
}

fn keys_under(folder: &Path, version: u32) -> u64 {
    let mut view = ReadOnlyView::open(&folder.join("db")).unwrap();
    view.read(|reader| reader.count_project_keys_under(&soft(), MasterKeyVersion(version))).unwrap()
}

fn states(folder: &Path) -> Vec<(u32, MasterKeyState)> {
    let mut view = ReadOnlyView::open(&folder.join("db")).unwrap();
    let records = view.read(|reader| reader.master_keys(&soft())).unwrap();
    records.iter().map(|record| (record.version.0, record.state)).collect()
}

#[tokio::test]
async fn a_master_key_rotation_cut_off_after_any_step_goes_on_and_loses_nothing() {
    let (folder, stored) = populated(PROJECTS).await;
    let manager = open(folder.path()).await;
    let version = add_key_version(&key_file(folder.path()), SystemClock.now()).unwrap();
    let asked = manager.rotations().ask(soft(), Goal::MasterKey(version)).await.unwrap();
    let again = manager.rotations().ask(soft(), Goal::MasterKey(version)).await.unwrap();
    assert_eq!(asked.id, again.id, "asked for twice, done once");
    let refused = manager.rotations().ask(soft(), Goal::EveryProjectKey).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");

    let mut images = vec![image(folder.path())];
    let ended = carry_out(&manager, |_| images.push(image(folder.path()))).await;
    assert_eq!((ended.stage, ended.changed, ended.failed), (Stage::Done, 258, 0));
    assert!(images.len() > 6, "{} steps", images.len());
    check(&manager, &stored).await;
    drop(manager);

    for image in images {
        let manager = open(image.path()).await;
        check(&manager, &stored[..5]).await;
        let new = store(&manager, "new since", "new").await;
        if !manager.rotations().open().await.unwrap().is_empty() {
            assert_eq!(carry_out(&manager, |_| {}).await.stage, Stage::Done);
        }
        assert_eq!(keys_under(image.path(), 1), 0);
        assert_eq!(states(image.path()), [(1, MasterKeyState::Retired), (2, MasterKeyState::Active)]);
        drop(manager);
        assert_eq!(
            remove_key_versions(&key_file(image.path()), &[MasterKeyVersion(1)]).unwrap(),
            [MasterKeyVersion(1)]
        );
        let manager = open(image.path()).await;
        check(&manager, &stored).await;
        check(&manager, &[new]).await;
        drop(manager);
        assert!(
            strongroom_audit::verify(&image.path().join("journal"), &strongroom_audit::Trust::default())
                .unwrap()
                .is_intact()
        );
    }
}

#[tokio::test]
async fn a_project_key_rotation_cut_off_after_any_step_goes_on_and_loses_nothing() {
    let (folder, stored) = populated(3).await;
    let manager = open(folder.path()).await;
    manager.rotations().ask(soft(), Goal::EveryProjectKey).await.unwrap();
    let mut images = vec![image(folder.path())];
    let ended = carry_out(&manager, |_| images.push(image(folder.path()))).await;
    assert_eq!((ended.stage, ended.changed, ended.failed), (Stage::Done, 73, 0));
    assert!(images.len() > 8, "{} steps", images.len());
    drop(manager);
    for image in images {
        let manager = open(image.path()).await;
        check(&manager, &stored).await;
        // What is deleted amid a rotation stays deleted.
        let (id, project, _) = &stored[70];
        manager.secrets().delete(&me(project), *id, Deletion::Anyway).await.unwrap().release();
        if !manager.rotations().open().await.unwrap().is_empty() {
            assert_eq!(carry_out(&manager, |_| {}).await.stage, Stage::Done);
        }
        assert_eq!(keys_under(image.path(), 1), 4, "one key a project is left");
        let left: Vec<_> = stored.iter().filter(|(other, ..)| other != id).cloned().collect();
        check(&manager, &left).await;
        drop(manager);
        assert_eq!(
            ReadOnlyView::open(&image.path().join("db")).unwrap().check().unwrap(),
            Vec::<String>::new()
        );
    }
}

#[tokio::test]
async fn small_batches_come_to_the_same() {
    let (folder, stored) = populated(1).await;
    let manager = open(folder.path()).await;
    manager.rotations().ask(soft(), Goal::EveryProjectKey).await.unwrap();
    let mut shift = manager.rotations().claim().await.unwrap().unwrap();
    shift.take_small_batches(true);
    let (mut before, mut largest) = (0, 0);
    while shift.step().await.unwrap() != Pace::Ended {
        largest = largest.max(shift.rotation().done - before);
        before = shift.rotation().done;
    }
    assert_eq!((shift.rotation().stage, shift.rotation().changed, largest), (Stage::Done, 71, 4));
    check(&manager, &stored).await;
}

#[tokio::test]
async fn a_version_that_is_only_in_the_file_is_not_used_before_it_is_activated() {
    let (folder, _) = populated(1).await;
    add_key_version(&key_file(folder.path()), SystemClock.now()).unwrap();
    let manager = open(folder.path()).await;
    assert_eq!(states(folder.path()), [(1, MasterKeyState::Active), (2, MasterKeyState::Staged)]);
    store(&manager, "after the restart", "x").await;
    assert_eq!((keys_under(folder.path(), 1), keys_under(folder.path(), 2)), (3, 0));
}

#[tokio::test]
async fn what_can_not_be_opened_is_told_and_the_old_key_is_kept() {
    let (folder, stored) = populated(3).await;
    let manager = open(folder.path()).await;
    drop(manager);
    // One project's wrapped key is damaged.
    let repository = SqliteRepository::open(&folder.path().join("db"), OpenOptions::default()).unwrap();
    let damage = |writer: &mut dyn strongroom_core::ports::Writer| {
        let key = writer.newest_project_key(&ProjectId::new("p1").unwrap(), &soft()).unwrap().unwrap();
        let mut wrapped = key.wrapped.clone();
        *wrapped.last_mut().unwrap() ^= 1;
        let damaged = strongroom_core::ports::ProjectKey { wrapped, ..key.clone() };
        assert!(writer.replace_project_key(&key, &damaged).unwrap());
        Ok(())
    };
    repository.write(strongroom_core::ChangeId::random(), Box::new(damage)).await.unwrap();
    drop(repository);
    let manager = open(folder.path()).await;
    let version = add_key_version(&key_file(folder.path()), SystemClock.now()).unwrap();
    manager.rotations().ask(soft(), Goal::MasterKey(version)).await.unwrap();
    let ended = carry_out(&manager, |_| {}).await;
    assert_eq!((ended.stage, ended.changed, ended.failed), (Stage::Incomplete, 3, 1));
    assert_eq!(states(folder.path()), [(1, MasterKeyState::Superseded), (2, MasterKeyState::Active)]);
    let sound: Vec<_> = stored.iter().filter(|(_, project, _)| project != "p1").cloned().collect();
    check(&manager, &sound).await;
    // The next rotation of its secrets tells the same, and goes on with the others.
    manager.rotations().ask(soft(), Goal::EveryProjectKey).await.unwrap();
    let ended = carry_out(&manager, |_| {}).await;
    assert_eq!((ended.stage, ended.changed, ended.failed), (Stage::Incomplete, 72, 1));
    check(&manager, &sound).await;
}

#[tokio::test]
async fn a_server_without_the_new_key_holds_the_activation_up_until_it_is_gone() {
    let (folder, stored) = populated(2).await;
    let manager = Arc::new(open(folder.path()).await);
    let repository_path = folder.path().join("db");
    let mut desk = strongroom_storage::Desk::open(&repository_path).unwrap();
    let put = |desk: &mut strongroom_storage::Desk, proved: u32| {
        let node = strongroom_core::rotation::Node {
            name: "other".to_owned(),
            backend: soft(),
            proved: MasterKeyVersion(proved),
            seen: SystemClock.now(),
        };
        desk.write::<_, Error>(|writer| Ok(writer.put_node(&node)?)).unwrap();
    };
    put(&mut desk, 1);
    let version = add_key_version(&key_file(folder.path()), SystemClock.now()).unwrap();
    manager.rotations().ask(soft(), Goal::MasterKey(version)).await.unwrap();
    let mut shift = manager.rotations().claim().await.unwrap().unwrap();
    for _ in 0..3 {
        assert_eq!(shift.step().await.unwrap(), Pace::Wait);
    }
    let waiting = shift.rotation().waiting.clone().unwrap();
    assert!(waiting.contains("server other has not proved to have version 2"), "{waiting}");
    assert_eq!(states(folder.path()), [(1, MasterKeyState::Active), (2, MasterKeyState::Staged)]);
    check(&manager, &stored).await;
    put(&mut desk, 2);
    while shift.step().await.unwrap() != Pace::Ended {}
    assert_eq!(shift.rotation().stage, Stage::Done);
    check(&manager, &stored).await;
    // One that comes without the version that is in use now is refused by the database itself.
    drop(shift);
    assert_eq!(states(folder.path()), [(1, MasterKeyState::Retired), (2, MasterKeyState::Active)]);
}

#[tokio::test]
async fn halted_and_taken_over_rotations_stop_at_once() {
    let (folder, _) = populated(2).await;
    let manager = open(folder.path()).await;
    let version = add_key_version(&key_file(folder.path()), SystemClock.now()).unwrap();
    let asked = manager.rotations().ask(soft(), Goal::MasterKey(version)).await.unwrap();
    let mut shift = manager.rotations().claim().await.unwrap().unwrap();
    assert_eq!(shift.step().await.unwrap(), Pace::On);
    let mut desk = strongroom_storage::Desk::open(&folder.path().join("db")).unwrap();
    desk.write::<_, Error>(|writer| Ok(writer.pause_rotation(asked.id, true)?)).unwrap();
    assert_eq!(shift.step().await.unwrap(), Pace::Lost);
    assert!(manager.rotations().claim().await.unwrap().is_none());
    desk.write::<_, Error>(|writer| Ok(writer.pause_rotation(asked.id, false)?)).unwrap();
    // Somebody else takes it up: the first one's next step changes nothing.
    let mut first = manager.rotations().claim().await.unwrap().unwrap();
    let now = SystemClock.now().plus_seconds(3600);
    desk.write::<_, Error>(|writer| {
        Ok(writer.claim_rotation(&soft(), "other", now, now.plus_seconds(1))?.map(drop))
    })
    .unwrap();
    assert_eq!(first.step().await.unwrap(), Pace::Lost);
    assert_eq!(keys_under(folder.path(), 1), 3);
}

#[tokio::test]
async fn a_version_that_is_waited_for_can_be_given_up() {
    let (folder, stored) = populated(1).await;
    let manager = open(folder.path()).await;
    let asked = manager.rotations().ask(soft(), Goal::MasterKey(MasterKeyVersion(2))).await.unwrap();
    let mut shift = manager.rotations().claim().await.unwrap().unwrap();
    assert_eq!(shift.step().await.unwrap(), Pace::Wait);
    assert!(shift.rotation().waiting.clone().unwrap().contains("has no version 2"));
    let mut desk = strongroom_storage::Desk::open(&folder.path().join("db")).unwrap();
    let give_up = |desk: &mut strongroom_storage::Desk| {
        desk.write(|writer| strongroom_core::rotation::cancel(writer, asked.id, SystemClock.now()))
    };
    give_up(&mut desk).unwrap();
    assert_eq!(shift.step().await.unwrap(), Pace::Lost);
    assert_eq!(states(folder.path()), [(1, MasterKeyState::Active)]);
    assert!(give_up(&mut desk).is_err(), "it has ended");
    check(&manager, &stored).await;
}
