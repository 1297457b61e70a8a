//! Rows that this program can't have written are named, not believed.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use strongroom_core::ports::StorageError;
use strongroom_core::secret::{MetadataKey, MetadataValue, Paging, SecretQuery};

use crate::fixture::{Sqlite, at, project, project_key, read, secret, soft, stored, write};

#[tokio::test]
async fn each_column_is_read_with_distrust() {
    let database = Sqlite::create();
    let (new, key) = (secret(&project("p"), 1), project_key(&project("p"), 1));
    let (id, key_id) = (new.id, key.id);
    write(&database, move |writer| {
        writer.insert_project_key(&key)?;
        writer.insert_secret(&new)?;
        writer.insert_payload(id, &stored(&key))?;
        writer.put_user_metadatum(id, &MetadataKey::new("k").unwrap(), &MetadataValue::new("v").unwrap())
    })
    .await
    .unwrap();

    let long = "x".repeat(256);
    for (table, column, value) in [
        ("secrets", "secret_type", "'Opaque'"),
        ("secrets", "name", &format!("'{long}'")),
        ("secrets", "algorithm", &format!("'{long}'")),
        ("secrets", "mode", &format!("'{long}'")),
        ("secrets", "bit_length", "0"),
        ("secrets", "expiration", "9223372036854775807"),
        ("secrets", "creator", "''"),
        ("secrets", "created", "-9223372036854775808"),
        ("secrets", "updated", "9223372036854775807"),
        ("secrets", "content_type", "'text/html'"),
        ("projects", "external_id", "''"),
        ("projects", "live", "-1"),
        ("payloads", "content_type", "''"),
        ("project_keys", "version", "-1"),
        ("project_keys", "master", "4294967296"),
        ("project_keys", "created", "9223372036854775807"),
        ("user_metadata", "name", "'K'"),
        ("user_metadata", "value", &format!("'{long}'")),
    ] {
        let mut raw = SqliteConnection::establish(database.path.to_str().unwrap()).unwrap();
        raw.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        raw.batch_execute(&format!(
            "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT {column} FROM {table};
             UPDATE {table} SET {column} = {value};"
        ))
        .unwrap();
        let all = read(&database, move |reader| {
            reader.secret(id)?;
            reader.payload(id)?;
            reader.project_key(key_id)?;
            reader.newest_project_key(&project("p"), &soft())?;
            reader.user_metadata(id)?;
            reader.secrets(&project("p"), &SecretQuery::default(), at(0)).map(drop)
        })
        .await;
        let Err(StorageError::Corrupt(what)) = all else { panic!("{table}.{column}: {all:?}") };
        assert!(what.starts_with(&format!("{table}.{column} ")), "{what}");
        assert!(!what.contains(&long), "the value is not repeated");
        raw.batch_execute(&format!("UPDATE {table} SET {column} = (SELECT * FROM kept); DROP TABLE kept"))
            .unwrap();
    }
}

#[tokio::test]
async fn buckets_that_do_not_add_up_are_named() {
    let database = Sqlite::create();
    write(&database, |writer| {
        (0..3).try_for_each(|seconds| writer.insert_secret(&secret(&project("p"), seconds)))
    })
    .await
    .unwrap();
    let mut raw = SqliteConnection::establish(database.path.to_str().unwrap()).unwrap();
    raw.batch_execute("UPDATE secret_buckets SET live = 1").unwrap();
    let query = SecretQuery { paging: Paging { limit: 1, offset: 1 }, ..SecretQuery::default() };
    let found = read(&database, move |reader| reader.secrets(&project("p"), &query, at(0)).map(drop)).await;
    assert!(
        matches!(&found, Err(StorageError::Corrupt(what)) if what.contains("secret_buckets")),
        "{found:?}"
    );
    let findings = strongroom_storage::ReadOnlyView::open(&database.path).unwrap().check().unwrap();
    assert_eq!(findings.len(), 2, "{findings:?}");
}
