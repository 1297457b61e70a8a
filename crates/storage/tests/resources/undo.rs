use strongroom_core::acl::Acl;
use strongroom_core::errand::{Act, End, Errand, Replaced, Successor};
use strongroom_core::quota::Counted;
use strongroom_core::secret::{MetadataKey, MetadataValue, SecretQuery, UserMetadata};
use strongroom_core::undo::Deleted;
use strongroom_core::{ErrandId, Object, Secret, SecretId};

use crate::support::{
    Store, at, consumer, container, member, part, project, project_key, sealed, secret, user, uses_secret,
};

fn metadata() -> UserMetadata {
    let pair = |key, value: &str| (MetadataKey::new(key).unwrap(), MetadataValue::new(value).unwrap());
    [pair("colour", "blue"), pair("size", "\"'\u{1F600}")].into_iter().collect()
}

#[tokio::test]
async fn what_is_hidden_is_found_by_its_own_questions_only_and_comes_back_as_it_was() {
    let store = Store::new();
    let (own, key) = (secret("p"), project_key("p"));
    let (id, key_id) = (own.id, key.id);
    let (kept, gone) =
        (container("p", "kept", vec![member("a", id)]), container("q", "gone", vec![member("b", id)]));
    let (kept_id, gone_id) = (kept.id, gone.id);
    let acl =
        Acl { users: vec![user("u"), user("v")], project_access: false, created: at(1), updated: at(2) };
    let uses = [consumer("q", uses_secret("nova", "1")), consumer("r", uses_secret("cinder", "2"))];
    let (list, registered) = (acl.clone(), uses.clone());
    store
        .write(move |writer| {
            writer.insert_project_key(&key)?;
            writer.insert_secret(&own)?;
            writer.insert_payload(id, &sealed(key.id))?;
            writer.replace_user_metadata(id, &metadata())?;
            writer.put_acl(id.into(), &list)?;
            writer.insert_container(&kept)?;
            writer.insert_container(&gone)?;
            registered.iter().try_for_each(|one| writer.insert_consumer(id.into(), one))
        })
        .await;
    let before = store.read(move |reader| reader.sealed_secret(id)).await.unwrap();

    store.abandon(move |writer| writer.hide_secret(id, at(5), None).map(drop)).await;
    assert!(store.read(move |reader| reader.secret(id)).await.is_some());
    assert!(store.write(move |writer| writer.hide_secret(id, at(5), Some(&user("ann")))).await);
    let expected = before.clone();
    store
        .read(move |reader| {
            let object = Object::from(id);
            assert_eq!(
                (reader.secret(id)?, reader.sealed_secret(id)?, reader.acl(object)?),
                (None, None, None)
            );
            assert!(reader.user_metadata(id)?.is_empty() && reader.uses(&[object])?.is_empty());
            for (name, kind) in [("p", Counted::Secrets), ("q", Counted::SecretConsumers)] {
                assert_eq!(reader.count(&project(name), kind, at(9))?, 0);
            }
            assert_eq!(reader.container(kept_id)?.unwrap().members, []);
            let shared = SecretQuery { shared_with: Some(user("u")), ..SecretQuery::default() };
            for query in [shared, SecretQuery::default()] {
                assert_eq!(reader.secrets(&project("p"), &query, at(9))?.total, 0);
            }
            // A rotation finds it, and its key stays.
            assert_eq!(reader.secrets_sealed_under(key_id, None, 9)?, [id]);
            assert_eq!(reader.sealed_deleted_secret(id)?, Some(expected.clone()));
            let deleted = Deleted { secret: expected.0.clone(), at: at(5), by: Some(user("ann")) };
            assert_eq!(reader.deleted_secret(id)?, Some(deleted));
            Ok(())
        })
        .await;
    assert!(!store.write(move |writer| writer.delete_project_key(key_id)).await);
    store.assert_sound();

    store.write(move |writer| writer.delete_container(gone_id)).await;
    assert!(store.write(move |writer| writer.restore_secret(id)).await);
    store
        .read(move |reader| {
            let object = Object::from(id);
            assert_eq!(reader.sealed_secret(id)?, Some(before.clone()));
            assert_eq!((reader.acl(object)?, reader.user_metadata(id)?), (Some(acl.clone()), metadata()));
            assert_eq!(reader.consumers(object, part(0, 9))?.items, uses);
            assert_eq!(reader.container(kept_id)?.unwrap().members, [member("a", id)]);
            assert_eq!((reader.container(gone_id)?, reader.deleted_secret(id)?), (None, None));
            Ok(())
        })
        .await;
    store.assert_sound();

    // Without a payload, and for good.
    store
        .write(move |writer| {
            assert!(writer.hide_secret(id, at(6), None)?);
            assert!(writer.destroy_deleted_secret(id)?);
            assert!(!writer.destroy_deleted_secret(id)? && !writer.restore_secret(id)?);
            assert!(!writer.hide_secret(SecretId::random(), at(6), None)?);
            assert!(writer.delete_project_key(key_id)?);
            let bare = secret("p");
            writer.insert_secret(&bare)?;
            writer.hide_secret(bare.id, at(7), None)?;
            assert_eq!(writer.sealed_deleted_secret(bare.id)?, Some((bare, None)));
            Ok(())
        })
        .await;
    store.assert_sound();
}

#[tokio::test]
async fn hidden_secrets_are_paged_in_the_order_of_their_deletion() {
    let store = Store::new();
    let secrets: Vec<Secret> = (0..9).map(|number| secret(if number % 3 == 0 { "q" } else { "p" })).collect();
    let rows = secrets.clone();
    store
        .write(move |writer| {
            for (second, secret) in (0..).zip(&rows) {
                writer.insert_secret(secret)?;
                // Several in the same instant.
                writer.hide_secret(secret.id, at(second / 4), None)?;
            }
            Ok(())
        })
        .await;
    for wanted in [None, Some("p"), Some("q"), Some("nobody's")] {
        let mut found = Vec::new();
        loop {
            let after = found.last().map(|last: &Deleted| (last.at, last.secret.id));
            let project = wanted.map(project);
            let page = store.read(move |reader| reader.deleted_secrets(project.as_ref(), after, 2)).await;
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        let mut expected: Vec<_> = (0..)
            .zip(&secrets)
            .filter(|(_, secret)| wanted.is_none_or(|wanted| secret.project == project(wanted)))
            .map(|(second, secret)| (at(second / 4), secret.id))
            .collect();
        expected.sort();
        let found: Vec<_> = found.iter().map(|deleted| (deleted.at, deleted.secret.id)).collect();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn errands_are_kept_until_they_are_done_and_keep_their_keys() {
    let mut store = Store::new();
    let key = project_key("p");
    let key_id = key.id;
    let successor = Successor {
        id: SecretId::random(),
        created: at(3),
        expiration: Some(at(99)),
        payload: Some(sealed(key.id)),
        overlap: 60,
    };
    let errand = |act| Errand {
        id: ErrandId::random(),
        secret: SecretId::random(),
        act,
        operator: user("olga"),
        asked: at(4),
        end: None,
    };
    let all = [Act::Replace(successor.clone()), Act::Restore, Act::Purge].map(errand);
    let asked = all.clone();
    store
        .write(move |writer| {
            writer.insert_project_key(&key)?;
            asked.iter().try_for_each(|errand| writer.insert_errand(errand))
        })
        .await;
    let twice = Errand { id: ErrandId::random(), ..all[0].clone() };
    store.fail(move |writer| writer.insert_errand(&twice)).await;
    store.reopen();
    let first = all[0].clone();
    assert_eq!(store.read(|reader| reader.next_errand()).await, Some(first.clone()));
    let (id, secret) = (first.id, first.secret);
    assert_eq!(store.read(move |reader| reader.last_errand_of(secret)).await, Some(first.clone()));
    assert!(!store.write(move |writer| writer.delete_project_key(key_id)).await);
    assert!(store.write(move |writer| writer.end_errand(id, &End::Refused("no".to_owned()), at(6))).await);
    assert!(!store.write(move |writer| writer.end_errand(id, &End::Done, at(7))).await);
    let ended = Errand {
        act: Act::Replace(Successor { payload: None, ..successor }),
        end: Some(End::Refused("no".to_owned())),
        ..first
    };
    assert_eq!(store.read(move |reader| reader.errand(id)).await, Some(ended));
    assert!(store.write(move |writer| writer.delete_project_key(key_id)).await);
    for other in &all[1..] {
        assert_eq!(store.read(|reader| reader.next_errand()).await.as_ref(), Some(other));
        let id = other.id;
        assert!(store.write(move |writer| writer.end_errand(id, &End::Done, at(8))).await);
        assert_eq!(store.read(move |reader| reader.errand(id)).await.unwrap().end, Some(End::Done));
    }
    assert_eq!(store.read(|reader| reader.next_errand()).await, None);
    store.write(|writer| writer.forget_errands(at(8))).await;
    assert_eq!(store.read(move |reader| reader.errand(id)).await, None);
    let last = all[2].id;
    assert!(store.read(move |reader| reader.errand(last)).await.is_some());
    // What has ended is in nobody's way.
    let again = all[2].clone();
    store
        .write(move |writer| writer.insert_errand(&Errand { id: ErrandId::random(), ..again.clone() }))
        .await;
    store.assert_sound();
}

#[tokio::test]
async fn a_successor_takes_the_places_and_the_old_one_is_due_in_its_time() {
    let store = Store::new();
    let (old, new, other) = (secret("p"), secret("p"), secret("p"));
    let (old_id, new_id) = (old.id, new.id);
    let boxed = container("p", "c", vec![member("a", old.id), member("b", other.id), member("c", old.id)]);
    let (boxed_id, members) =
        (boxed.id, vec![member("a", new.id), member("b", other.id), member("c", new.id)]);
    store
        .write(move |writer| {
            for secret in [&old, &new, &other] {
                writer.insert_secret(secret)?;
                writer.insert_consumer(secret.id.into(), &consumer("q", uses_secret("nova", "0")))?;
            }
            let own = writer.consumers(new_id.into(), part(0, 9))?.items;
            own.iter().try_for_each(|consumer| writer.delete_consumer(consumer.id))?;
            writer.insert_container(&boxed)?;
            writer.repoint(old_id, new_id)
        })
        .await;
    store
        .read(move |reader| {
            assert_eq!(reader.container(boxed_id)?.unwrap().members, members);
            assert_eq!(reader.consumers(new_id.into(), part(0, 9))?.total, 1);
            assert_eq!(reader.consumers(old_id.into(), part(0, 9))?.total, 0);
            Ok(())
        })
        .await;
    let replaced = Replaced { old: old_id, new: new_id, operator: user("olga"), until: at(50) };
    let row = replaced.clone();
    store.write(move |writer| writer.put_replaced(&row)).await;
    assert_eq!(store.read(|reader| reader.replaced_until(at(49), 9)).await, []);
    assert_eq!(store.read(|reader| reader.replaced_until(at(50), 9)).await, std::slice::from_ref(&replaced));
    let later = Replaced { until: at(60), ..replaced };
    let row = later.clone();
    store.write(move |writer| writer.put_replaced(&row)).await;
    assert_eq!(store.read(|reader| reader.replaced_until(at(50), 9)).await, []);
    assert_eq!(store.read(move |reader| reader.replaced(old_id)).await, Some(later));
    store.write(move |writer| writer.delete_replaced(old_id)).await;
    assert_eq!(store.read(move |reader| reader.replaced(old_id)).await, None);
    store.assert_sound();
}
