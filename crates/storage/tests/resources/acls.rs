use strongroom_core::acl::Acl;
use strongroom_core::secret::{Page, SecretQuery, Sort};
use strongroom_core::{Object, Secret, SecretId};

use crate::support::{Store, at, container, part, project, secret, user};

fn acl(users: &[&str], second: i64) -> Acl {
    Acl {
        users: users.iter().copied().map(user).collect(),
        project_access: users.len().is_multiple_of(2),
        created: at(1),
        updated: at(second),
    }
}

#[tokio::test]
async fn a_list_replaces_the_one_before_and_keeps_its_users_in_order() {
    let store = Store::new();
    let (secret, container) = (secret("p"), container("p", "c", vec![]));
    let objects = [Object::from(secret.id), Object::from(container.id)];
    store
        .write(move |writer| {
            writer.insert_secret(&secret)?;
            writer.insert_container(&container)?;
            writer.put_acl(objects[0], &acl(&["zoe", "ann", "bob"], 1))?;
            writer.put_acl(objects[1], &acl(&["eve"], 1))
        })
        .await;
    let lists = move |reader: &mut dyn strongroom_core::ports::Reader| {
        Ok((reader.acl(objects[0])?, reader.acl(objects[1])?))
    };
    let both = (Some(acl(&["zoe", "ann", "bob"], 1)), Some(acl(&["eve"], 1)));
    assert_eq!(store.read(lists).await, both);

    store.abandon(move |writer| writer.put_acl(objects[0], &acl(&["mallory"], 2))).await;
    assert_eq!(store.read(lists).await, both);

    store.write(move |writer| writer.put_acl(objects[0], &acl(&["bob", "zoe"], 3))).await;
    assert_eq!(store.read(lists).await.0, Some(acl(&["bob", "zoe"], 3)));

    store.write(move |writer| writer.delete_acl(objects[0])).await;
    store.write(move |writer| writer.delete_acl(objects[0])).await;
    assert_eq!(store.read(lists).await, (None, Some(acl(&["eve"], 1))));
    store.assert_sound();
}

#[tokio::test]
async fn secrets_shared_with_a_user_are_found_in_every_project_and_only_while_they_live() {
    let store = Store::new();
    let named = |name: &str, of: &str, created: i64| Secret {
        name: Some(crate::support::label(name)),
        created: at(created),
        ..secret(of)
    };
    let mine = named("b", "p", 3);
    let theirs = named("a", "q", 1);
    let expiring = Secret { expiration: Some(at(50)), ..named("c", "q", 2) };
    let other = named("d", "p", 4);
    let boxed = container("p", "c", vec![]);
    let ids = [mine.id, theirs.id, expiring.id];
    store
        .write(move |writer| {
            for secret in [&mine, &theirs, &expiring, &other] {
                writer.insert_secret(secret)?;
            }
            writer.insert_container(&boxed)?;
            for id in ids {
                writer.put_acl(id.into(), &acl(&["ann", "bob"], 1))?;
            }
            writer.put_acl(other.id.into(), &acl(&["bob"], 1))?;
            writer.put_acl(boxed.id.into(), &acl(&["ann"], 1))
        })
        .await;
    let [mine, theirs, expiring] = ids;

    let found = shared(&store, SecretQuery::default(), 10).await;
    assert_eq!(found, (vec![theirs, expiring, mine], 3), "by creation");
    assert_eq!(shared(&store, SecretQuery::default(), 50).await, (vec![theirs, mine], 2), "expired");
    let sorted = SecretQuery { sort: Sort::parse("name:desc").unwrap(), ..SecretQuery::default() };
    assert_eq!(shared(&store, sorted, 10).await, (vec![expiring, mine, theirs], 3));
    let second = SecretQuery { paging: part(1, 1), ..SecretQuery::default() };
    assert_eq!(shared(&store, second, 10).await, (vec![expiring], 3));
    let filtered = SecretQuery { name: Some("A%".to_owned()), ..SecretQuery::default() };
    assert_eq!(shared(&store, filtered, 10).await, (vec![theirs], 1));

    store.write(move |writer| writer.put_acl(theirs.into(), &acl(&["bob"], 2))).await;
    store.write(move |writer| writer.delete_acl(expiring.into())).await;
    assert_eq!(shared(&store, SecretQuery::default(), 10).await, (vec![mine], 1));
}

async fn shared(store: &Store, query: SecretQuery, now: i64) -> (Vec<SecretId>, u64) {
    let query = SecretQuery { shared_with: Some(user("ann")), ..query };
    let Page { items, total } =
        store.read(move |reader| reader.secrets(&project("elsewhere"), &query, at(now))).await;
    for secret in &items {
        let id = secret.id;
        assert_eq!(store.read(move |reader| reader.secret(id)).await.as_ref(), Some(secret));
    }
    (items.iter().map(|secret| secret.id).collect(), total)
}
