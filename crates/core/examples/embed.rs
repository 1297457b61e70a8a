//! A service of its own keeps secrets: store, read, list, expire, delete. No HTTP, no OpenStack.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use strongroom_audit::{Journal, Options};
use strongroom_core::ports::BackendId;
use strongroom_core::secret::SecretQuery;
use strongroom_core::{
    CallContext, Caller, Clock, Deletion, KeyManager, NewSecret, PayloadFormat, ProjectId, SystemClock,
    Timestamp, UserId,
};
use strongroom_crypto::{Caching, MasterKeys, SoftBackend, create_key_file};
use strongroom_storage::{OpenOptions, SqliteRepository};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let key_file = folder.path().join("master.key");
    create_key_file(&key_file, SystemClock.now())?;
    let clock = Arc::new(Shifted::default());

    // The parts: where secrets are kept, what seals them, and where every act goes on record.
    let backend = SoftBackend::new(BackendId::new("soft"), MasterKeys::load(&key_file)?, Caching::default())?;
    let options = OpenOptions { create: true, upgrade: true };
    let keys = KeyManager::builder()
        .repository(SqliteRepository::open(&folder.path().join("secrets.sqlite"), options)?)
        .backend(backend)
        .audit(Journal::open(&folder.path().join("journal"), Options { create: true, ..Options::default() })?)
        .clock(Arc::clone(&clock))
        .build()
        .await?;
    let caller = Caller::embedded(ProjectId::new("billing")?, UserId::new("nightly-run")?);
    let me = CallContext::from(caller);

    // Store and read.
    let new = NewSecret::text("correct horse").named("ledger-password")?;
    let stored = keys.secrets().create(&me, new).await?.release();
    let opened = keys.secrets().payload(&me, stored.id, PayloadFormat::Stored).await?.release();
    assert_eq!(opened.payload.expose(), b"correct horse");

    // List.
    let page = keys.secrets().list(&me, SecretQuery::default()).await?.release();
    for listed in &page.items {
        println!("{} of {}: {:?}", listed.secret.id, page.total, listed.secret.name);
    }

    // Expire: an hour later this one does not exist for anybody.
    let soon = clock.now().plus_seconds(3600);
    let token = keys.secrets().create(&me, NewSecret::text("t0ken").expiring(soon)).await?.release();
    clock.shift_seconds(3600);
    let read = keys.secrets().payload(&me, token.id, PayloadFormat::Stored).await;
    println!("the token an hour later: {}", read.err().ok_or("it should have expired")?);

    // Delete.
    keys.secrets().delete(&me, stored.id, Deletion::Anyway).await?.release();
    assert_eq!(keys.secrets().list(&me, SecretQuery::default()).await?.release().total, 0);
    println!("all gone, and on record in the journal");
    Ok(())
}

/// A clock that can be put forward, to show what time does to a secret.
#[derive(Default)]
struct Shifted(AtomicI64);

impl Shifted {
    fn shift_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.0.load(Ordering::Relaxed))
    }
}
