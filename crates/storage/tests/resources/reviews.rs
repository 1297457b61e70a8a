use strongroom_core::ports::StoredPayload;
use strongroom_core::review::{Candidate, Condemned, Day, Review, ReviewStage};
use strongroom_core::{Fingerprint, ReviewId, SecretId};

use crate::support::{
    Store, at, consumer, container, member, project_key, sealed, secret, user, uses_secret,
};

#[tokio::test]
async fn candidates_come_by_id_with_what_speaks_for_them() {
    let store = Store::new();
    let mut secrets: Vec<_> = (0..7).map(|number| secret(if number < 4 { "p" } else { "q" })).collect();
    secrets.sort_by_key(|secret| secret.id);
    let rows = secrets.clone();
    store
        .write(move |writer| {
            rows.iter().try_for_each(|secret| writer.insert_secret(secret))?;
            writer.insert_consumer(rows[1].id.into(), &consumer("q", uses_secret("nova", "1")))?;
            writer.insert_consumer(rows[1].id.into(), &consumer("q", uses_secret("nova", "2")))?;
            writer.insert_container(&container("p", "c", vec![member("a", rows[2].id)]))?;
            for (day, expected) in [(7, 7), (9, 9), (8, 9)] {
                writer.note_read(rows[3].id, Day(day))?;
                assert_eq!(writer.candidate(rows[3].id)?.unwrap().last_read, Some(Day(expected)));
            }
            writer.note_read(SecretId::random(), Day(1))
        })
        .await;
    let expected: Vec<_> = (0..)
        .zip(&secrets)
        .map(|(number, secret)| Candidate {
            secret: secret.clone(),
            last_read: (number == 3).then_some(Day(9)),
            is_used: number == 1,
            is_member: number == 2,
        })
        .collect();
    let mut found: Vec<Candidate> = Vec::new();
    loop {
        let after = found.last().map(|last| last.secret.id);
        let page = store.read(move |reader| reader.candidates(after, 3)).await;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, expected);

    // What was read is not forgotten by a deletion that is undone, and is by one that is not.
    let read = secrets[3].id;
    store
        .write(move |writer| {
            writer.hide_secret(read, at(9), None)?;
            assert_eq!(writer.candidate(read)?, None);
            writer.note_read(read, Day(99))?;
            writer.restore_secret(read)?;
            assert_eq!(writer.candidate(read)?.unwrap().last_read, Some(Day(9)));
            writer.delete_secret(read)?;
            assert_eq!(writer.candidate(read)?, None);
            Ok(())
        })
        .await;
    store.assert_sound();
}

#[tokio::test]
async fn reviews_and_their_decisions_are_kept() {
    let mut store = Store::new();
    let review = |started| Review {
        id: ReviewId::random(),
        operator: user("olga"),
        started: at(started),
        unread_days: 365,
        looked: 9,
        listed: 3,
        stage: ReviewStage::Open,
        file: None,
        condemned: 0,
        deleted: 0,
        spared: 0,
        ended: None,
        owners_unknown: Some(4),
        materials_unknown: None,
    };
    let (first, second) = (review(1), review(2));
    let (id, rows) = (first.id, [first.clone(), second.clone()]);
    let mut condemned = [SecretId::random(), SecretId::random()];
    condemned.sort();
    let [one, other] =
        condemned.map(|secret| Condemned { secret, updated: at(5), orphaned: false, twin: None });
    let one = Condemned { orphaned: true, twin: Some(other.secret), ..one };
    store
        .write(move |writer| {
            rows.iter().try_for_each(|review| writer.put_review(review))?;
            for condemned in [other, one, Condemned { updated: at(4), ..one }, one] {
                writer.condemn(id, condemned)?;
            }
            assert_eq!(writer.review_to_apply()?, None);
            let (stage, file) = (ReviewStage::Applying, Some("ab".to_owned()));
            assert_eq!(writer.review(id)?, Some(rows[0].clone()));
            writer.put_review(&Review { stage, file, condemned: 2, ended: Some(at(9)), ..rows[0].clone() })
        })
        .await;
    store.reopen();
    store
        .write(move |writer| {
            let applying = writer.review_to_apply()?.unwrap();
            assert_eq!((applying.id, applying.condemned, applying.ended), (id, 2, Some(at(9))));
            assert_eq!(writer.reviews(9)?, [second.clone(), applying]);
            assert_eq!(writer.reviews(1)?.len(), 1);
            assert_eq!(writer.next_condemned(id)?, Some(one));
            assert_eq!(writer.next_condemned(second.id)?, None);
            writer.spare(id, Some(one.secret))?;
            assert_eq!(writer.next_condemned(id)?, Some(other));
            writer.spare(id, None)?;
            assert_eq!(writer.next_condemned(id)?, None);
            // Taking back what was said leaves nothing behind.
            writer.put_review(&first)?;
            assert_eq!(writer.review(id)?, Some(first.clone()));
            Ok(())
        })
        .await;
    store.assert_sound();
}

#[tokio::test]
async fn fingerprints_are_listed_by_key_of_what_can_be_read_and_go_along_with_the_payload() {
    let mut store = Store::new();
    let (key, other) = (project_key("p"), project_key("q"));
    let print = |number: u8| Some(Fingerprint([number; 16]));
    let mut secrets: Vec<_> = (0..6).map(|_| secret("p")).collect();
    secrets.sort_by_key(|secret| secret.id);
    secrets[1].expiration = Some(at(10));
    let (rows, id, elsewhere) = (secrets.clone(), key.id, other.id);
    let (deleted, moved) = (rows[3].id, rows[4].id);
    store
        .write(move |writer| {
            writer.insert_project_key(&key)?;
            writer.insert_project_key(&other)?;
            for (number, secret) in (0..).zip(&rows) {
                writer.insert_secret(secret)?;
                let fingerprint = if number == 2 { None } else { print(number) };
                writer.insert_payload(secret.id, &StoredPayload { fingerprint, ..sealed(key.id) })?;
            }
            writer.hide_secret(deleted, at(5), None).map(drop)
        })
        .await;
    store.reopen();
    let listed = async |store: &Store, key, now, after| {
        store.read(move |reader| reader.fingerprints_under(key, at(now), after, 2)).await
    };
    let of = |number: usize| (secrets[number].id, print(u8::try_from(number).unwrap()).unwrap());
    assert_eq!(listed(&store, id, 9, None).await, [of(0), of(1)]);
    assert_eq!(listed(&store, id, 10, None).await, [of(0), of(4)]);
    assert_eq!(listed(&store, id, 10, Some(moved)).await, [of(5)]);
    assert_eq!(listed(&store, elsewhere, 10, None).await, []);
    store
        .write(move |writer| {
            let old = writer.payload(moved)?.unwrap();
            let new = StoredPayload { fingerprint: print(7), ..sealed(elsewhere) };
            assert!(writer.replace_payload(moved, &old, &new)?);
            writer.restore_secret(deleted).map(drop)
        })
        .await;
    assert_eq!(listed(&store, elsewhere, 10, None).await, [(moved, print(7).unwrap())]);
    assert_eq!(listed(&store, id, 10, Some(of(0).0)).await, [of(3), of(5)]);
    store.assert_sound();
}
