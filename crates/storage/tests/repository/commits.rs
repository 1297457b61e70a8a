//! How jobs share a commit without sharing their fate.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Waker};

use strongroom_core::ChangeId;
use strongroom_core::ports::{Repository as _, StorageError, Writer};
use strongroom_storage::ReadOnlyView;

use crate::fixture::{Sqlite, Subject as _, project, read, secret};

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<(), StorageError>> + Send + 'a>>;

/// Hands a job over without waiting for its end.
fn begin(mut job: Waiting<'_>) -> Waiting<'_> {
    assert!(job.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    job
}

/// Occupies the writer until something is sent.
fn occupy(repository: &Sqlite) -> (mpsc::Sender<()>, Waiting<'_>) {
    let (release, released) = mpsc::channel();
    let (started, starts) = mpsc::channel();
    let job = move |_: &mut dyn Writer| {
        started.send(()).unwrap();
        released.recv().unwrap();
        Ok(())
    };
    let waiting = begin(repository.write(ChangeId::random(), Box::new(job)));
    starts.recv().unwrap();
    (release, waiting)
}

fn insert(repository: &Sqlite) -> Waiting<'_> {
    let new = secret(&project("p"), 1);
    begin(repository.write(
        ChangeId::random(),
        Box::new(move |writer| {
            writer.insert_secret(&new).unwrap();
            Ok(())
        }),
    ))
}

#[tokio::test]
async fn jobs_that_wait_share_one_commit() {
    let repository = Sqlite::create();
    let (release, first) = occupy(&repository);
    let waiting: Vec<_> = (0..100).map(|_| insert(&repository)).collect();
    release.send(()).unwrap();
    first.await.unwrap();
    for job in waiting {
        job.await.unwrap();
    }
    let done = repository.repository.statistics();
    assert_eq!((done.commits, done.changes), (2, 101));
}

#[tokio::test]
async fn what_need_not_last_takes_effect_at_once_and_in_its_order() {
    let repository = Sqlite::create();
    let (release, first) = occupy(&repository);
    let jobs = [1, 2].map(|second| {
        let new = secret(&project("p"), second);
        let id = new.id;
        let relaxed = begin(repository.write_relaxed(Box::new(move |writer| {
            writer.insert_secret(&new).unwrap();
            Ok(())
        })));
        let durable = begin(repository.write(
            ChangeId::random(),
            Box::new(move |writer| {
                assert!(writer.secret(id).unwrap().is_some());
                Ok(())
            }),
        ));
        [relaxed, durable]
    });
    release.send(()).unwrap();
    first.await.unwrap();
    for job in jobs.into_iter().flatten() {
        job.await.unwrap();
    }
    let alone = secret(&project("p"), 3);
    let id = alone.id;
    let job = move |writer: &mut dyn Writer| {
        writer.insert_secret(&alone).unwrap();
        Ok(())
    };
    repository.write_relaxed(Box::new(job)).await.unwrap();
    assert!(read(&repository, move |reader| reader.secret(id)).await.unwrap().is_some());
    assert_eq!(repository.repository.statistics().changes, 6);
    let (_folder, path) = repository.close();
    let mut reopened = ReadOnlyView::open(&path).unwrap();
    assert!(reopened.read(|reader| reader.secret(id)).unwrap().is_some());
}

#[tokio::test]
async fn a_job_that_panics_or_fails_harms_no_neighbour() {
    let repository = Sqlite::create();
    let (release, first) = occupy(&repository);
    let before = insert(&repository);
    let (half, twin) = (secret(&project("p"), 2), secret(&project("p"), 3));
    let id = half.id;
    let panics = begin(repository.write(
        ChangeId::random(),
        Box::new(move |writer| {
            writer.insert_secret(&half).unwrap();
            panic!("a fault in a use case");
        }),
    ));
    let twin_id = twin.id;
    let fails = begin(repository.write(
        ChangeId::random(),
        Box::new(move |writer| {
            writer.insert_secret(&twin).unwrap();
            // The job makes nothing of the refusal.
            writer.insert_secret(&twin).ok();
            Ok(())
        }),
    ));
    let after = insert(&repository);
    release.send(()).unwrap();
    first.await.unwrap();
    before.await.unwrap();
    assert!(matches!(panics.await, Err(StorageError::Unavailable(_))));
    assert!(matches!(fails.await, Err(StorageError::Unavailable(_))));
    after.await.unwrap();
    assert_eq!(repository.repository.statistics().commits, 2);
    let gone = read(&repository, move |reader| Ok((reader.secret(id)?, reader.secret(twin_id)?))).await;
    assert_eq!(gone.unwrap(), (None, None));
    assert_eq!(repository.findings(), Vec::<String>::new());
}

#[tokio::test]
async fn who_finds_no_place_in_the_queue_is_told_at_once() {
    let repository = Sqlite::create();
    let (release, first) = occupy(&repository);
    let waiting: Vec<_> = (0..1024).map(|_| insert(&repository)).collect();
    let refused = repository.write(ChangeId::random(), Box::new(|_| Ok(()))).await;
    assert!(matches!(refused, Err(StorageError::Busy)));
    release.send(()).unwrap();
    first.await.unwrap();
    for job in waiting {
        job.await.unwrap();
    }
}

#[tokio::test]
async fn a_job_takes_effect_although_its_caller_has_gone() {
    let repository = Sqlite::create();
    let (release, first) = occupy(&repository);
    let change = ChangeId::random();
    drop(begin(repository.write(change, Box::new(|_| Ok(())))));
    let last = insert(&repository);
    release.send(()).unwrap();
    first.await.unwrap();
    last.await.unwrap();
    assert_eq!(repository.applied(vec![change]).await.unwrap(), [change]);
}

#[tokio::test]
async fn a_reader_that_panics_spoils_no_connection() {
    let repository = Sqlite::create();
    for _ in 0..32 {
        let panics = repository.read(Box::new(|_| panic!("a fault in a use case"))).await;
        assert!(matches!(panics, Err(StorageError::Unavailable(_))));
    }
    insert(&repository).await.unwrap();
    repository.read(Box::new(|_| Ok(()))).await.unwrap();
}
