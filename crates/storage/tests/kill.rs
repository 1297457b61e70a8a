//! What was acknowledged survives `kill -9`: a child stores secrets and tells each one that it was promised,
//! is killed amid that, and everything it told must be there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use strongroom_core::ports::{
    BackendId, Contended, MasterKeyVersion, ProjectKey, Repository as _, Sealed, StorageError, StoredPayload,
    Writer,
};
use strongroom_core::{
    ChangeId, ContentType, ProjectId, ProjectKeyId, Secret, SecretId, SecretType, Timestamp,
};
use strongroom_storage::{OpenOptions, ReadOnlyView, SqliteRepository};
use tokio::runtime;

const ROUNDS: usize = 12;
const CALLERS: usize = 8;

fn main() {
    let mut arguments = env::args().skip(1);
    if let (Some("store-until-killed"), Some(path)) = (arguments.next().as_deref(), arguments.next()) {
        store_until_killed(Path::new(&path));
    } else {
        everything_acknowledged_survives();
    }
}

fn everything_acknowledged_survives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strongroom.db");
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(env::current_exe().unwrap())
            .arg("store-until-killed")
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Each round dies at another point of its life, the first ones hardly begun.
        acknowledged.extend(lines.by_ref().take(1 + round * 60).map(Result::unwrap));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died counts as well; each line was one write, so none is cut.
        acknowledged.extend(lines.map_while(Result::ok));
        verify(&path, &acknowledged);
    }
    assert!(acknowledged.len() > ROUNDS * 60);
}

fn verify(path: &Path, acknowledged: &[String]) {
    // The next server recovers what the dead one left.
    drop(SqliteRepository::open(path, OpenOptions::default()).unwrap());
    let mut view = ReadOnlyView::open(path).unwrap();
    for line in acknowledged {
        let (secret, change) = line.split_once(' ').unwrap();
        let (secret, change) = (SecretId::parse(secret).unwrap(), ChangeId::parse(change).unwrap());
        let there =
            view.read(|reader| Ok(reader.secret(secret)?.is_some() && reader.payload(secret)?.is_some()));
        assert!(there.unwrap(), "{secret} was acknowledged and is lost");
        assert_eq!(view.applied(&[change]).unwrap(), [change]);
    }
    assert_eq!(view.check().unwrap(), Vec::<String>::new());
}

fn store_until_killed(path: &Path) {
    let repository =
        Arc::new(SqliteRepository::open(path, OpenOptions { create: true, upgrade: false }).unwrap());
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let repository = Arc::clone(&repository);
            scope.spawn(move || {
                let runtime = runtime::Builder::new_current_thread().build().unwrap();
                loop {
                    let (secret, change) = (new_secret(caller), ChangeId::random());
                    let id = secret.id;
                    let job =
                        move |writer: &mut dyn Writer| store(writer, &secret).map_err(|_| Contended::Abandon);
                    runtime.block_on(repository.write(change, Box::new(job))).unwrap();
                    let mut out = io::stdout().lock();
                    out.write_all(format!("{id} {change}\n").as_bytes()).unwrap();
                    out.flush().unwrap();
                }
            });
        }
    });
}

fn new_secret(caller: usize) -> Secret {
    let now = Timestamp::from_micros(0).unwrap();
    Secret {
        id: SecretId::random(),
        project: ProjectId::new(format!("project {}", caller % 3)).unwrap(),
        creator: None,
        name: None,
        secret_type: SecretType::Opaque,
        algorithm: None,
        mode: None,
        bit_length: None,
        expiration: None,
        created: now,
        updated: now,
        content_type: Some(ContentType::OctetStream),
    }
}

fn store(writer: &mut dyn Writer, secret: &Secret) -> Result<(), StorageError> {
    let backend = BackendId::new("soft");
    let key = if let Some(key) = writer.newest_project_key(&secret.project, &backend)? {
        key
    } else {
        let key = ProjectKey {
            id: ProjectKeyId::random(),
            project: secret.project.clone(),
            backend: backend.clone(),
            version: 1,
            master: MasterKeyVersion(1),
            wrapped: vec![0; 40],
            created: secret.created,
        };
        writer.insert_project_key(&key)?;
        key
    };
    writer.insert_secret(secret)?;
    let sealed = Sealed(secret.id.as_bytes().repeat(40));
    let content_type = ContentType::OctetStream;
    writer.insert_payload(
        secret.id,
        &StoredPayload { content_type, key: key.id, backend, sealed, fingerprint: None },
    )
}
