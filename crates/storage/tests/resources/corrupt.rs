//! Rows that no program of ours has written are refused, never believed and never a panic.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use strongroom_core::acl::Acl;
use strongroom_core::container::ContainerQuery;
use strongroom_core::order::OrderQuery;
use strongroom_core::ports::{Reader, StorageError};
use strongroom_core::transport_key::{NewTransportKey, TransportKey};
use strongroom_core::{Object, TransportKeyId};
use strongroom_storage::ReadOnlyView;

use crate::support::{
    Store, at, consumer, container, member, order, part, project, project_key, sealed, secret, user,
    uses_container, uses_secret,
};

type Question = Box<dyn Fn(&mut dyn Reader) -> Result<(), StorageError>>;

#[tokio::test]
async fn a_column_that_was_never_written_so_is_corrupt() {
    let mut store = Store::new();
    let own = secret("p");
    let boxed = container("p", "c", vec![member("k", own.id)]);
    let key = project_key("p");
    let placed = strongroom_core::order::Order { passphrase: Some(sealed(key.id)), ..order("p", "{}") };
    let (of_secret, of_container) = (Object::from(own.id), Object::from(boxed.id));
    store
        .write(move |writer| {
            writer.insert_project_key(&key)?;
            writer.insert_secret(&own)?;
            writer.insert_container(&boxed)?;
            let acl = Acl { users: vec![user("u")], project_access: true, created: at(1), updated: at(1) };
            writer.put_acl(of_secret, &acl)?;
            writer.insert_consumer(of_secret, &consumer("p", uses_secret("nova", "1")))?;
            writer.insert_consumer(of_container, &consumer("p", uses_container("n", "u")))?;
            writer.insert_order(&placed)?;
            writer.put_project_quotas(&project("p"), strongroom_core::quota::ProjectQuotas::default())?;
            let key = NewTransportKey::new("kra", "key").unwrap();
            writer.insert_transport_key(&TransportKey { id: TransportKeyId::random(), key, created: at(1) })
        })
        .await;
    store.reopen();

    let acl = || -> Question { Box::new(move |reader| reader.acl(of_secret).map(drop)) };
    let consumers = |of| -> Question { Box::new(move |reader| reader.consumers(of, part(0, 9)).map(drop)) };
    let uses = |of| -> Question { Box::new(move |reader| reader.uses(&[of]).map(drop)) };
    let containers = || -> Question {
        Box::new(|reader| reader.containers(&project("p"), &ContainerQuery::default()).map(drop))
    };
    let orders =
        || -> Question { Box::new(|reader| reader.orders(&project("p"), &OrderQuery::default()).map(drop)) };
    let quotas = || -> Question { Box::new(|reader| reader.configured_quotas(part(0, 9)).map(drop)) };
    let keys = || -> Question { Box::new(|reader| reader.transport_keys(None, part(0, 9)).map(drop)) };
    let far = "9223372036854775807";
    for (change, question) in [
        (format!("acls SET created = {far}"), acl()),
        (format!("acls SET updated = {far}"), acl()),
        ("acl_users SET user = ''".to_owned(), acl()),
        ("consumers SET id = x'00' WHERE kind = 'secret'".to_owned(), consumers(of_secret)),
        ("consumers SET resource_type = '' WHERE kind = 'secret'".to_owned(), consumers(of_secret)),
        ("consumers SET kind = 'container' WHERE kind = 'secret'".to_owned(), uses(of_secret)),
        ("consumers SET resource_type = 'x' WHERE kind = 'container'".to_owned(), uses(of_container)),
        ("consumers SET name = '' WHERE kind = 'container'".to_owned(), uses(of_container)),
        (format!("consumers SET created = {far}"), consumers(of_container)),
        ("containers SET container_type = 'crate'".to_owned(), containers()),
        ("containers SET creator = char(10)".to_owned(), containers()),
        ("containers SET name = printf('%300s', 'x')".to_owned(), containers()),
        ("container_members SET name = printf('%300s', 'x')".to_owned(), containers()),
        (format!("containers SET updated = {far}"), containers()),
        ("orders SET order_type = 'certificate'".to_owned(), orders()),
        ("orders SET bit_length = 0".to_owned(), orders()),
        ("orders SET content_type = 'text/html'".to_owned(), orders()),
        ("orders SET state = 'active'".to_owned(), orders()),
        ("orders SET state = 'failed', failure_code = 70000, failure_reason = ''".to_owned(), orders()),
        ("orders SET made_secret = randomblob(16)".to_owned(), orders()),
        (format!("orders SET expiration = {far}"), orders()),
        ("order_passphrases SET content_type = ''".to_owned(), orders()),
        ("project_quotas SET project = ''".to_owned(), quotas()),
        ("transport_keys SET transport_key = ''".to_owned(), keys()),
        ("transport_keys SET id = x''".to_owned(), keys()),
    ] {
        // Changed in a copy, so that each stands for itself.
        let copy = store.path().with_file_name("copy.db");
        std::fs::remove_file(&copy).ok();
        let mut connection = SqliteConnection::establish(store.path().to_str().unwrap()).unwrap();
        connection.batch_execute(&format!("VACUUM INTO '{}'", copy.display())).unwrap();
        let ask = || ReadOnlyView::open(&copy).unwrap().read(|reader| question(reader));
        ask().unwrap();
        let mut connection = SqliteConnection::establish(copy.to_str().unwrap()).unwrap();
        connection.batch_execute(&format!("UPDATE {change}")).unwrap();
        let answer = ask();
        assert!(matches!(answer, Err(StorageError::Corrupt(_))), "{change}: {answer:?}");
    }
}

#[tokio::test]
async fn a_check_finds_what_outlives_its_object() {
    let store = Store::new();
    let own = secret("p");
    let object = Object::from(own.id);
    store
        .write(move |writer| {
            writer.insert_secret(&own)?;
            let acl = Acl { users: vec![], project_access: true, created: at(1), updated: at(1) };
            writer.put_acl(object, &acl)?;
            writer.insert_consumer(object, &consumer("p", uses_secret("nova", "1")))
        })
        .await;
    store.assert_sound();
    let mut connection = SqliteConnection::establish(store.path().to_str().unwrap()).unwrap();
    connection
        .batch_execute("DELETE FROM secrets; UPDATE projects SET live = 0; DELETE FROM secret_buckets;")
        .unwrap();
    let findings = ReadOnlyView::open(&store.path()).unwrap().check().unwrap();
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings[0].starts_with("the ACL of object"), "{findings:?}");
    assert!(findings[1].starts_with("consumer "), "{findings:?}");
}
