use strongroom_core::acl::Acl;
use strongroom_core::container::{Container, ContainerQuery, ContainerType};
use strongroom_core::{ContainerId, Object};

use crate::support::{Store, at, consumer, container, member, part, project, secret, user, uses_container};

#[tokio::test]
async fn a_container_reads_back_with_its_members_in_order() {
    let store = Store::new();
    let secrets = [secret("p"), secret("p"), secret("p")];
    let [a, b, c] = [secrets[0].id, secrets[1].id, secrets[2].id];
    let made = Container {
        container_type: ContainerType::Ec,
        creator: None,
        name: None,
        ..container("p", "", vec![member("z", a), member("", c), member("a", b)])
    };
    let expected = made.clone();
    let id = made.id;
    store
        .write(move |writer| {
            secrets.iter().try_for_each(|secret| writer.insert_secret(secret))?;
            writer.insert_container(&made)
        })
        .await;
    assert_eq!(store.read(move |reader| reader.container(id)).await, Some(expected));
    assert_eq!(store.read(|reader| reader.container(ContainerId::random())).await, None);

    // The same secret under another name, and the same name for another secret.
    store
        .write(move |writer| {
            writer.insert_member(id, &member("z", b))?;
            writer.insert_member(id, &member("y", a))?;
            writer.touch_container(id, at(7))
        })
        .await;
    store.fail(move |writer| writer.insert_member(id, &member("", c))).await;
    assert!(!store.write(move |writer| writer.delete_member(id, &member("z", c))).await);
    assert!(store.write(move |writer| writer.delete_member(id, &member("", c))).await);
    assert!(!store.write(move |writer| writer.delete_member(id, &member("", c))).await);
    store.write(move |writer| writer.insert_member(id, &member("", c))).await;
    let found = store.read(move |reader| reader.container(id)).await.unwrap();
    let expected = [member("z", a), member("a", b), member("z", b), member("y", a), member("", c)];
    assert_eq!((found.members.as_slice(), found.updated), (&expected[..], at(7)));
    store.assert_sound();
}

#[tokio::test]
async fn a_list_shows_one_project_in_the_order_of_creation() {
    let store = Store::new();
    let own = secret("p");
    let members = vec![member("key", own.id)];
    let made = [
        container("p", "zebra", members.clone()),
        container("q", "zebra", vec![]),
        Container { container_type: ContainerType::Rsa, ..container("p", "Ant", vec![]) },
        Container { name: None, ..container("p", "", vec![]) },
        container("p", "antler", members),
    ];
    let all = made.clone();
    store
        .write(move |writer| {
            writer.insert_secret(&own)?;
            made.iter().try_for_each(|container| writer.insert_container(container))
        })
        .await;
    let like = |pattern: &str| ContainerQuery { name: Some(pattern.to_owned()), ..ContainerQuery::default() };
    let typed =
        |name: &str| ContainerQuery { container_type: Some(name.to_owned()), ..ContainerQuery::default() };
    let paged = |offset, limit| ContainerQuery { paging: part(offset, limit), ..ContainerQuery::default() };
    for (query, indices, total) in [
        (ContainerQuery::default(), &[0, 2, 3, 4][..], 4),
        (paged(1, 2), &[2, 3], 4),
        (paged(3, 2), &[4], 4),
        (paged(u64::MAX, 2), &[], 4),
        (like("ant%"), &[2, 4], 2),
        (like("zebra"), &[0], 1),
        (typed("rsa"), &[2], 1),
        (typed("no such type"), &[], 0),
        (ContainerQuery { name: Some("a%".to_owned()), ..typed("generic") }, &[4], 1),
    ] {
        let page = store.read({
            let query = query.clone();
            move |reader| reader.containers(&project("p"), &query)
        });
        let page = page.await;
        let expected: Vec<_> = indices.iter().map(|index: &usize| all[*index].clone()).collect();
        assert_eq!((page.items, page.total), (expected, total), "{query:?}");
    }
    let none = store.read(|reader| reader.containers(&project("never seen"), &ContainerQuery::default()));
    assert_eq!(none.await.total, 0);
}

#[tokio::test]
async fn deleting_takes_along_what_belongs_to_it_and_leaves_the_secrets() {
    let store = Store::new();
    let own = secret("p");
    let id = own.id;
    let (gone, kept) =
        (container("p", "gone", vec![member("k", id)]), container("p", "kept", vec![member("k", id)]));
    let (object, other) = (Object::from(gone.id), Object::from(kept.id));
    let (gone_id, kept_id) = (gone.id, kept.id);
    store
        .write(move |writer| {
            writer.insert_secret(&own)?;
            for container in [&gone, &kept] {
                writer.insert_container(container)?;
                let acl =
                    Acl { users: vec![user("u")], project_access: false, created: at(1), updated: at(1) };
                writer.put_acl(container.id.into(), &acl)?;
                writer.insert_consumer(container.id.into(), &consumer("p", uses_container("n", "u")))?;
            }
            Ok(())
        })
        .await;
    store.abandon(move |writer| writer.delete_container(gone_id)).await;
    assert!(store.read(move |reader| reader.acl(object)).await.is_some());

    store.write(move |writer| writer.delete_container(gone_id)).await;
    store
        .read(move |reader| {
            assert_eq!(reader.container(gone_id)?, None);
            assert_eq!(reader.acl(object)?, None);
            assert_eq!(reader.consumers(object, part(0, 9))?.total, 0);
            assert_eq!(reader.container(kept_id)?.unwrap().members.len(), 1);
            assert!(reader.acl(other)?.is_some());
            assert_eq!(reader.consumers(other, part(0, 9))?.total, 1);
            assert!(reader.secret(id)?.is_some());
            Ok(())
        })
        .await;
    store.assert_sound();
}
