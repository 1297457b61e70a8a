//! The port's promises. Each function takes an open repository, so that every database runs the same.

use strongroom_core::ports::{Canary, Contended, MasterKeyRecord, MasterKeyVersion, StorageError, Writer};
use strongroom_core::rotation::MasterKeyState;
use strongroom_core::secret::{BitLength, Label, MetadataKey, MetadataValue, SecretQuery, UserMetadata};
use strongroom_core::{ChangeId, ContentType, Secret, SecretId, SecretType, UserId};

use crate::fixture::{Sqlite, Subject, at, list, project, project_key, read, secret, soft, stored, write};

macro_rules! on_every_database {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&super::Sqlite::create()).await;
            })*
        }
    };
}

on_every_database!(
    every_field_comes_back,
    what_is_not_there_is_not_found,
    a_payload_sets_the_content_type_and_is_stored_once,
    a_payload_needs_its_secret_and_key,
    deleting_takes_everything_along,
    user_metadata_is_set_replaced_and_removed,
    the_newest_project_key_is_found,
    master_keys_come_lowest_first,
    an_abandoned_job_leaves_nothing,
    a_job_sees_what_it_did_and_runs_again_on_request,
    applied_changes_are_known_until_settled,
    swept_secrets_are_found_but_not_listed,
    a_job_counts_its_own_secrets,
);

async fn every_field_comes_back(repository: &impl Subject) {
    let label = |text: &str| Some(Label::new("name", text).unwrap());
    let full = Secret {
        creator: Some(UserId::new("ü'ser").unwrap()),
        name: label("na%me"),
        secret_type: SecretType::Certificate,
        algorithm: label(""),
        mode: label("cbc"),
        bit_length: Some(BitLength::new(32767).unwrap()),
        expiration: Some(at(99)),
        updated: at(-7),
        content_type: Some(ContentType::Pkcs8),
        ..secret(&project("p"), 1)
    };
    let plain = secret(&project("q"), 2);
    for one in [full, plain] {
        let id = one.id;
        let expected = one.clone();
        write(repository, move |writer| writer.insert_secret(&one)).await.unwrap();
        assert_eq!(read(repository, move |reader| reader.secret(id)).await.unwrap(), Some(expected));
    }
}

async fn what_is_not_there_is_not_found(repository: &impl Subject) {
    let id = SecretId::random();
    read(repository, move |reader| {
        assert_eq!(reader.secret(id)?, None);
        assert_eq!(reader.payload(id)?, None);
        assert_eq!(reader.user_metadata(id)?, UserMetadata::new());
        assert_eq!(reader.project_key(project_key(&project("p"), 1).id)?, None);
        assert_eq!(reader.newest_project_key(&project("p"), &soft())?, None);
        assert_eq!(reader.master_keys(&soft())?, []);
        assert!(!reader.has_project_keys(&soft())?);
        Ok(())
    })
    .await
    .unwrap();
    assert!(!write(repository, move |writer| writer.delete_secret(id)).await.unwrap());
    assert_eq!(list(repository, &project("p"), SecretQuery::default(), at(0)).await.total, 0);
}

async fn a_payload_sets_the_content_type_and_is_stored_once(repository: &impl Subject) {
    let (new, key) = (secret(&project("p"), 1), project_key(&project("p"), 1));
    let (id, payload) = (new.id, stored(&key));
    let expected = payload.clone();
    write(repository, move |writer| {
        writer.insert_project_key(&key)?;
        writer.insert_secret(&new)
    })
    .await
    .unwrap();
    let again = payload.clone();
    write(repository, move |writer| writer.insert_payload(id, &payload)).await.unwrap();
    assert_eq!(read(repository, move |reader| reader.payload(id)).await.unwrap(), Some(expected));
    let secret = read(repository, move |reader| reader.secret(id)).await.unwrap().unwrap();
    assert_eq!(secret.content_type, Some(ContentType::Text));

    assert!(write(repository, move |writer| writer.insert_payload(id, &again)).await.is_err());
    write(repository, move |writer| writer.touch_secret(id, at(77))).await.unwrap();
    let touched = read(repository, move |reader| reader.secret(id)).await.unwrap().unwrap();
    assert_eq!(touched, Secret { updated: at(77), ..secret });
}

async fn a_payload_needs_its_secret_and_key(repository: &impl Subject) {
    let (new, key) = (secret(&project("p"), 1), project_key(&project("p"), 1));
    let id = new.id;
    write(repository, move |writer| writer.insert_secret(&new)).await.unwrap();
    let payload = stored(&key);
    assert!(write(repository, move |writer| writer.insert_payload(id, &payload)).await.is_err());
    let payload = stored(&key);
    let orphan = move |writer: &mut dyn Writer| {
        writer.insert_project_key(&key)?;
        writer.insert_payload(SecretId::random(), &payload)
    };
    assert!(write(repository, orphan).await.is_err());
    assert!(!read(repository, |reader| reader.has_project_keys(&soft())).await.unwrap());
}

async fn deleting_takes_everything_along(repository: &impl Subject) {
    let (new, key) = (secret(&project("p"), 1), project_key(&project("p"), 1));
    let id = new.id;
    write(repository, move |writer| {
        writer.insert_project_key(&key)?;
        writer.insert_secret(&new)?;
        writer.insert_payload(new.id, &stored(&key))?;
        writer.put_user_metadatum(new.id, &MetadataKey::new("k").unwrap(), &MetadataValue::new("v").unwrap())
    })
    .await
    .unwrap();
    assert!(write(repository, move |writer| writer.delete_secret(id)).await.unwrap());
    read(repository, move |reader| {
        assert_eq!((reader.secret(id)?, reader.payload(id)?), (None, None));
        assert_eq!(reader.user_metadata(id)?, UserMetadata::new());
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(list(repository, &project("p"), SecretQuery::default(), at(0)).await.total, 0);
    assert_eq!(repository.findings(), Vec::<String>::new());
}

async fn user_metadata_is_set_replaced_and_removed(repository: &impl Subject) {
    let pair = |key: &str, value: &str| (MetadataKey::new(key).unwrap(), MetadataValue::new(value).unwrap());
    let new = secret(&project("p"), 1);
    let id = new.id;
    let all: UserMetadata = [pair("a", "1"), pair("", "")].into();
    let expected = all.clone();
    write(repository, move |writer| {
        writer.insert_secret(&new)?;
        writer.put_user_metadatum(id, &pair("old", "x").0, &pair("old", "x").1)?;
        writer.replace_user_metadata(id, &all)
    })
    .await
    .unwrap();
    assert_eq!(read(repository, move |reader| reader.user_metadata(id)).await.unwrap(), expected);
    let (upper, lower) = write(repository, move |writer| {
        writer.put_user_metadatum(id, &pair("a", "2").0, &pair("a", "2").1)?;
        Ok((writer.delete_user_metadatum(id, "A")?, writer.delete_user_metadatum(id, "")?))
    })
    .await
    .unwrap();
    assert_eq!((upper, lower), (false, true));
    let left = read(repository, move |reader| reader.user_metadata(id)).await.unwrap();
    assert_eq!(left, [pair("a", "2")].into());
}

async fn the_newest_project_key_is_found(repository: &impl Subject) {
    let keys = [2, 10, 1].map(|version| project_key(&project("p"), version));
    let newest = keys[1].clone();
    write(repository, move |writer| keys.iter().try_for_each(|key| writer.insert_project_key(key)))
        .await
        .unwrap();
    let expected = newest.clone();
    read(repository, move |reader| {
        assert_eq!(reader.newest_project_key(&project("p"), &soft())?.as_ref(), Some(&expected));
        assert_eq!(reader.newest_project_key(&project("q"), &soft())?, None);
        assert_eq!(reader.project_key(expected.id)?.as_ref(), Some(&expected));
        assert!(reader.has_project_keys(&soft())?);
        Ok(())
    })
    .await
    .unwrap();
    let twin = project_key(&project("p"), 10);
    assert!(write(repository, move |writer| writer.insert_project_key(&twin)).await.is_err());
}

async fn master_keys_come_lowest_first(repository: &impl Subject) {
    let record = |version| MasterKeyRecord {
        backend: soft(),
        version: MasterKeyVersion(version),
        canary: Canary(vec![9; 40]),
        created: at(i64::from(version)),
        state: MasterKeyState::Staged,
        since: at(i64::from(version)),
    };
    write(repository, move |writer| {
        [7, 1, 3].into_iter().try_for_each(|version| writer.insert_master_key(&record(version)))
    })
    .await
    .unwrap();
    let found = read(repository, |reader| reader.master_keys(&soft())).await.unwrap();
    assert_eq!(found, [1, 3, 7].map(record));
}

async fn an_abandoned_job_leaves_nothing(repository: &impl Subject) {
    let new = secret(&project("p"), 1);
    let (id, change) = (new.id, ChangeId::random());
    let job = move |writer: &mut dyn Writer| {
        writer.insert_secret(&new).unwrap();
        Err(Contended::Abandon)
    };
    repository.write(change, Box::new(job)).await.unwrap();
    assert_eq!(read(repository, move |reader| reader.secret(id)).await.unwrap(), None);
    assert_eq!(repository.applied(vec![change]).await.unwrap(), []);
    assert_eq!(list(repository, &project("p"), SecretQuery::default(), at(0)).await.total, 0);
    assert_eq!(repository.findings(), Vec::<String>::new());
}

async fn a_job_sees_what_it_did_and_runs_again_on_request(repository: &impl Subject) {
    let new = secret(&project("p"), 1);
    let id = new.id;
    let mut runs = 0;
    let job = move |writer: &mut dyn Writer| {
        runs += 1;
        assert!(writer.secret(id).unwrap().is_none(), "the first run's insert was undone");
        writer.insert_secret(&new).unwrap();
        assert!(writer.secret(id).unwrap().is_some());
        if runs < 3 { Err(Contended::Again) } else { Ok(()) }
    };
    repository.write(ChangeId::random(), Box::new(job)).await.unwrap();
    assert!(read(repository, move |reader| reader.secret(id)).await.unwrap().is_some());

    let forever = repository.write(ChangeId::random(), Box::new(|_| Err(Contended::Again))).await;
    assert!(matches!(forever, Err(StorageError::Unavailable(_))));
}

async fn applied_changes_are_known_until_settled(repository: &impl Subject) {
    let (first, second, never) = (ChangeId::random(), ChangeId::random(), ChangeId::random());
    for change in [first, second] {
        repository.write(change, Box::new(|_| Ok(()))).await.unwrap();
    }
    let mut applied = repository.applied(vec![first, never, second]).await.unwrap();
    applied.sort_unstable();
    let mut expected = vec![first, second];
    expected.sort_unstable();
    assert_eq!(applied, expected);

    repository.settled(first);
    repository.write(ChangeId::random(), Box::new(|_| Ok(()))).await.unwrap();
    assert_eq!(repository.applied(vec![first, second]).await.unwrap(), [second]);
}

async fn swept_secrets_are_found_but_not_listed(repository: &impl Subject) {
    let mut ids = Vec::new();
    for expiration in [Some(10), Some(20), None] {
        let new = Secret { expiration: expiration.map(at), ..secret(&project("p"), 1) };
        ids.push(new.id);
        write(repository, move |writer| writer.insert_secret(&new)).await.unwrap();
    }
    for (now, listed) in [(9, 3), (10, 2), (20, 1)] {
        for swept in [false, true] {
            if swept {
                assert_eq!(repository.sweep(at(now)).await, u64::from(now != 9));
            }
            let page = list(repository, &project("p"), SecretQuery::default(), at(now)).await;
            assert_eq!((page.total, page.items.len()), (listed, usize::try_from(listed).unwrap()));
        }
    }
    let id = ids[0];
    assert!(read(repository, move |reader| reader.secret(id)).await.unwrap().is_some());
    assert!(write(repository, move |writer| writer.delete_secret(id)).await.unwrap());
    assert_eq!(repository.findings(), Vec::<String>::new());
}

async fn a_job_counts_its_own_secrets(repository: &impl Subject) {
    let total = write(repository, |writer| {
        let mut totals = Vec::new();
        for seconds in 0..3 {
            writer.insert_secret(&secret(&project("p"), seconds))?;
            totals.push(writer.secrets(&project("p"), &SecretQuery::default(), at(0))?.total);
        }
        let first = writer.secrets(&project("p"), &SecretQuery::default(), at(0))?.items[0].id;
        writer.delete_secret(first)?;
        totals.push(writer.secrets(&project("p"), &SecretQuery::default(), at(0))?.total);
        Ok(totals)
    })
    .await
    .unwrap();
    assert_eq!(total, [1, 2, 3, 2]);
    assert_eq!(list(repository, &project("p"), SecretQuery::default(), at(0)).await.total, 2);
    assert_eq!(repository.findings(), Vec::<String>::new());
}
