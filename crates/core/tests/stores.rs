//! Several secret stores side by side: what clients are shown, what a project prefers, and where its secrets
//! go.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use strongroom_audit::{Journal, Options};
use strongroom_core::ports::BackendId;
use strongroom_core::{
    CallContext, Caller, Error, KeyManager, Missing, NewSecret, PayloadFormat, ProjectId, Roles, SecretId,
    SecretStoreId, StartError, SystemClock, UserId,
};
use strongroom_core::{Clock as _, access::IdentitySource};
use strongroom_crypto::{Caching, MasterKeys, SoftBackend, create_key_file};
use strongroom_storage::{OpenOptions, SqliteRepository};

/// A key manager on that folder, over soft backends of those names, each with a master key of its own.
async fn start(folder: &Path, backends: &[&str]) -> Result<KeyManager, StartError> {
    let options = OpenOptions { create: true, upgrade: true };
    let repository = SqliteRepository::open(&folder.join("secrets.sqlite"), options).unwrap();
    let journal = Journal::open(&folder.join("journal"), Options { create: true, ..Options::default() });
    let mut builder = KeyManager::builder().repository(repository).audit(journal.unwrap());
    for name in backends {
        let key_file = folder.join(format!("{name}.key"));
        if !key_file.exists() {
            create_key_file(&key_file, SystemClock.now()).unwrap();
        }
        let keys = MasterKeys::load(&key_file).unwrap();
        builder = builder.backend(SoftBackend::new(BackendId::new(*name), keys, Caching::default()).unwrap());
    }
    builder.build().await
}

fn caller(project: &str) -> CallContext {
    CallContext::from(Caller {
        user: Some(UserId::new("ann").unwrap()),
        project: Some(ProjectId::new(project).unwrap()),
        roles: Roles::new(["admin", "member", "reader"]),
        source: IdentitySource::Unauthenticated,
    })
}

async fn stored(keys: &KeyManager, context: &CallContext, text: &str) -> SecretId {
    keys.secrets().create(context, NewSecret::text(text)).await.unwrap().release().id
}

async fn reads(keys: &KeyManager, context: &CallContext, id: SecretId) -> Result<Vec<u8>, Error> {
    let read = keys.secrets().payload(context, id, PayloadFormat::Stored).await;
    read.map(|done| done.release().payload.expose().to_vec()).map_err(strongroom_core::Refused::into_error)
}

#[tokio::test]
async fn a_project_chooses_where_its_new_secrets_go_and_the_old_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, theirs) = (caller("p"), caller("q"));
    let (old, new, other, second);
    {
        let keys = start(folder.path(), &["first", "second"]).await.unwrap();
        let stores = keys.stores().list(&mine).await.unwrap().release();
        assert_eq!(
            stores.iter().map(|store| store.backend.as_str()).collect::<Vec<_>>(),
            ["first", "second"]
        );
        assert_eq!(stores.iter().map(|store| store.global_default).collect::<Vec<_>>(), [true, false]);
        assert_eq!(keys.stores().global_default(&mine).await.unwrap().release(), stores[0]);
        second = stores[1].id;

        let none = keys.stores().preferred(&mine).await.unwrap_err();
        assert!(matches!(none.error(), Error::NotFound(Missing::Preference)), "{none}");
        old = stored(&keys, &mine, "old").await;
        keys.stores().prefer(&mine, second).await.unwrap().release();
        assert_eq!(keys.stores().preferred(&mine).await.unwrap().release().id, second);
        new = stored(&keys, &mine, "new").await;
        other = stored(&keys, &theirs, "other").await;
        for (context, id, text) in [(&mine, old, "old"), (&mine, new, "new"), (&theirs, other, "other")] {
            assert_eq!(reads(&keys, context, id).await.unwrap(), text.as_bytes());
        }
    }
    // Without the second store nobody's choice is overridden in silence.
    let refused = start(folder.path(), &["first"]).await.unwrap_err();
    assert!(matches!(&refused, StartError::StorePreferred(id) if id.as_str() == "second"), "{refused}");
    {
        let keys = start(folder.path(), &["first", "second"]).await.unwrap();
        assert_eq!(keys.stores().preferred(&mine).await.unwrap().release().id, second);
        let anywhere = keys.stores().list(&mine).await.unwrap().release()[0].id;
        keys.stores().forget_preference(&mine, anywhere).await.unwrap().release();
        let again = keys.stores().forget_preference(&mine, second).await.unwrap_err();
        assert!(matches!(again.error(), Error::NotFound(Missing::Preference)), "{again}");
        stored(&keys, &mine, "newer").await;
    }
    // Now the store can go, and what it kept can't be read; the rest can.
    let keys = start(folder.path(), &["first"]).await.unwrap();
    assert!(!keys.stores().are_several());
    assert_eq!(reads(&keys, &mine, old).await.unwrap(), b"old");
    assert!(matches!(reads(&keys, &mine, new).await.unwrap_err(), Error::Backend(_)));
    assert_eq!(reads(&keys, &theirs, other).await.unwrap(), b"other");
}

#[tokio::test]
async fn the_default_is_the_first_and_may_change_between_starts() {
    let folder = tempfile::tempdir().unwrap();
    let mine = caller("p");
    let before = {
        let keys = start(folder.path(), &["first", "second"]).await.unwrap();
        let id = stored(&keys, &mine, "kept").await;
        (id, keys.stores().list(&mine).await.unwrap().release())
    };
    let keys = start(folder.path(), &["second", "first"]).await.unwrap();
    let after = keys.stores().list(&mine).await.unwrap().release();
    assert_eq!(after[0].backend.as_str(), "second");
    // Clients keep the ids they know.
    assert_eq!((after[0].id, after[1].id), (before.1[1].id, before.1[0].id));
    assert_eq!(reads(&keys, &mine, before.0).await.unwrap(), b"kept");
}

#[tokio::test]
async fn one_store_is_no_choice() {
    let folder = tempfile::tempdir().unwrap();
    let keys = start(folder.path(), &["only"]).await.unwrap();
    assert!(!keys.stores().are_several());
    let mine = caller("p");
    let missing = [
        keys.stores().list(&mine).await.map(drop).unwrap_err(),
        keys.stores().global_default(&mine).await.map(drop).unwrap_err(),
        keys.stores().preferred(&mine).await.map(drop).unwrap_err(),
        keys.stores().get(&mine, SecretStoreId::random()).await.map(drop).unwrap_err(),
        keys.stores().prefer(&mine, SecretStoreId::random()).await.map(drop).unwrap_err(),
        keys.stores().forget_preference(&mine, SecretStoreId::random()).await.map(drop).unwrap_err(),
    ];
    for refused in missing {
        assert!(matches!(refused.error(), Error::NotFound(Missing::SecretStore)), "{refused}");
    }
}
