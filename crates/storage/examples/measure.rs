//! Measures the repository on this machine's disk: `cargo run --release --example measure [FOLDER]`.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a measurement that fails should stop")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use strongroom_core::ports::{
    BackendId, Contended, MasterKeyVersion, ProjectKey, Reader, Repository as _, Sealed, StorageError,
    StoredPayload, Writer,
};
use strongroom_core::secret::{Paging, SecretQuery};
use strongroom_core::{
    ChangeId, Clock as _, ContentType, ProjectId, ProjectKeyId, Secret, SecretId, SecretType, SystemClock,
};
use strongroom_storage::{OpenOptions, SqliteRepository};

const LONG_ENOUGH: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let scratch = match std::env::args().nth(1) {
        Some(folder) => tempfile::tempdir_in(folder).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    println!("single-row commits/s: {:.0}", single_row_commits(&scratch.path().join("raw.db")));

    let path = scratch.path().join("strongroom.db");
    let repository = Arc::new(open(&path));
    prepare(&repository, "small").await;
    prepare(&repository, "large").await;
    for callers in [1, 16, 64] {
        let before = repository.statistics();
        let rate = stores(&repository, callers).await;
        let after = repository.statistics();
        let commits = after.commits - before.commits;
        println!("stores/s, {callers} callers: {rate:.0} in {commits} commits");
    }
    fill(&repository, "small", 1_000).await;
    let ids = Arc::new(fill(&repository, "large", 100_000).await);
    for callers in [1, 16, 64] {
        println!("reads/s, {callers} callers: {:.0}", reads(&repository, &ids, callers).await);
    }
    for (project, offset) in
        [("small", 0), ("small", 900), ("large", 0), ("large", 50_000), ("large", 90_000)]
    {
        println!("list {project} from {offset}: {:.1?}", list(&repository, project, offset).await);
    }
    drop(repository);
    let begun = Instant::now();
    let repository = open(&path);
    println!("open with 100,000 secrets: {:.1?}", begun.elapsed());
    drop(repository);
}

fn open(path: &Path) -> SqliteRepository {
    SqliteRepository::open(path, OpenOptions { create: true, upgrade: false }).unwrap()
}

fn single_row_commits(path: &Path) -> f64 {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection
        .batch_execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
             CREATE TABLE t (id BLOB NOT NULL PRIMARY KEY, body BLOB NOT NULL) STRICT;",
        )
        .unwrap();
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < LONG_ENOUGH {
        connection.batch_execute("INSERT INTO t VALUES (randomblob(16), randomblob(200))").unwrap();
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

fn backend() -> BackendId {
    BackendId::new("soft")
}

async fn prepare(repository: &SqliteRepository, project: &str) {
    let key = ProjectKey {
        id: ProjectKeyId::random(),
        project: ProjectId::new(project).unwrap(),
        backend: backend(),
        version: 1,
        master: MasterKeyVersion(1),
        wrapped: vec![7; 61],
        created: SystemClock.now(),
    };
    write(repository, move |writer| writer.insert_project_key(&key)).await;
}

async fn write(
    repository: &SqliteRepository,
    mut change: impl FnMut(&mut dyn Writer) -> Result<(), StorageError> + Send + 'static,
) {
    let id = ChangeId::random();
    let job = move |writer: &mut dyn Writer| change(writer).map_err(|_| Contended::Abandon);
    repository.write(id, Box::new(job)).await.unwrap();
    repository.settled(id);
}

/// What storing a secret asks of the repository.
async fn store(repository: &SqliteRepository, project: &str) -> SecretId {
    let now = SystemClock.now();
    let secret = Secret {
        id: SecretId::random(),
        project: ProjectId::new(project).unwrap(),
        creator: None,
        name: Some(strongroom_core::secret::Label::new("name", "a measured secret").unwrap()),
        secret_type: SecretType::Opaque,
        algorithm: None,
        mode: None,
        bit_length: None,
        expiration: None,
        created: now,
        updated: now,
        content_type: Some(ContentType::OctetStream),
    };
    let id = secret.id;
    write(repository, move |writer| {
        let key = writer.newest_project_key(&secret.project, &backend())?.unwrap();
        writer.insert_secret(&secret)?;
        let sealed = Sealed(vec![9; 150]);
        let content_type = ContentType::OctetStream;
        writer.insert_payload(
            secret.id,
            &StoredPayload { content_type, key: key.id, backend: backend(), sealed, fingerprint: None },
        )
    })
    .await;
    id
}

async fn stores(repository: &Arc<SqliteRepository>, callers: usize) -> f64 {
    let repository = Arc::clone(repository);
    rate(callers, move |_| {
        let repository = Arc::clone(&repository);
        async move {
            store(&repository, "large").await;
        }
    })
    .await
}

async fn fill(repository: &Arc<SqliteRepository>, project: &'static str, count: usize) -> Vec<SecretId> {
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let repository = Arc::clone(repository);
        tasks.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..count.div_ceil(64) {
                ids.push(store(&repository, project).await);
            }
            ids
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all
}

async fn reads(repository: &Arc<SqliteRepository>, ids: &Arc<Vec<SecretId>>, callers: usize) -> f64 {
    let (repository, ids) = (Arc::clone(repository), Arc::clone(ids));
    rate(callers, move |turn| {
        let repository = Arc::clone(&repository);
        let id = *ids.get(turn.wrapping_mul(7919) % ids.len()).unwrap();
        async move {
            let job = move |reader: &mut dyn Reader| {
                assert!(reader.secret(id).unwrap().is_some());
                let payload = reader.payload(id).unwrap().unwrap();
                assert!(reader.project_key(payload.key).unwrap().is_some());
                Ok(())
            };
            repository.read(Box::new(job)).await.unwrap();
        }
    })
    .await
}

/// How often per second that many callers together get something done, each in a task of its own.
async fn rate<F>(callers: usize, act: impl Fn(usize) -> F + Send + Sync + 'static) -> f64
where
    F: Future<Output = ()> + Send,
{
    let act = Arc::new(act);
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let act = Arc::clone(&act);
        tasks.push(tokio::spawn(async move {
            let mut done = 0;
            while begun.elapsed() < LONG_ENOUGH {
                act(caller * 1_000_003 + done).await;
                done += 1;
            }
            done
        }));
    }
    let mut all = 0;
    for task in tasks {
        all += task.await.unwrap();
    }
    f64::from(u32::try_from(all).unwrap()) / begun.elapsed().as_secs_f64()
}

/// The median time of a list page.
async fn list(repository: &SqliteRepository, project: &'static str, offset: u64) -> Duration {
    let mut times = Vec::new();
    for _ in 0..501 {
        let query = SecretQuery { paging: Paging { limit: 10, offset }, ..SecretQuery::default() };
        let begun = Instant::now();
        let job = move |reader: &mut dyn Reader| {
            let project = ProjectId::new(project).unwrap();
            let page = reader.secrets(&project, &query, SystemClock.now()).unwrap();
            assert_eq!(page.items.len(), 10);
            Ok(())
        };
        repository.read(Box::new(job)).await.unwrap();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times.swap_remove(250)
}
