use strongroom_core::expiry::{Acknowledgement, Ending, Window};
use strongroom_core::ports::{EndingQuery, Writer};
use strongroom_core::{Certificate, Secret, SecretId, SecretType, Timestamp};

use crate::support::{Store, at, project, secret, user};

fn ending(secret: &Secret, ends: i64, due: Option<i64>) -> Ending {
    Ending {
        secret: secret.id,
        ends: at(ends),
        certificate: None,
        told: None,
        due: due.map(at),
        acknowledgement: None,
    }
}

async fn put(store: &Store, secret: &Secret, ending: &Ending) {
    let (secret, ending) = (secret.clone(), ending.clone());
    store
        .write(move |writer| {
            if writer.secret(secret.id)?.is_none() {
                writer.insert_secret(&secret)?;
            }
            writer.put_ending(&ending)
        })
        .await;
}

async fn found(store: &Store, id: SecretId) -> Option<Ending> {
    store.read(move |reader| reader.ending(id)).await
}

async fn claim(store: &Store, worker: &'static str, now: i64) -> Option<SecretId> {
    let claim = move |writer: &mut dyn Writer| {
        let is_there = writer.has_ending_for(worker, at(now))?;
        let claimed = writer.claim_ending(worker, at(now), at(now + 60))?;
        assert_eq!(is_there, claimed.is_some());
        Ok(claimed)
    };
    let claimed = store.write(claim).await;
    claimed.map(|ending| ending.secret)
}

#[tokio::test]
async fn an_ending_reads_back_and_goes_with_its_secret() {
    let store = Store::new();
    let owner = secret("p");
    let bare = ending(&owner, 100, None);
    let full = Ending {
        certificate: Some(Certificate {
            ends: at(200),
            subject: "CN=a".to_owned(),
            issuer: String::new(),
            serial: "01".to_owned(),
            fingerprint: [7; 32],
        }),
        told: Window::new(30),
        due: Some(at(50)),
        acknowledgement: Some(Acknowledgement {
            at: at(3),
            by: user("root"),
            note: String::new(),
            on_record: false,
        }),
        ..bare.clone()
    };
    for put_now in [&bare, &full, &bare] {
        put(&store, &owner, put_now).await;
        assert_eq!(found(&store, owner.id).await.as_ref(), Some(put_now));
    }
    let id = owner.id;
    assert!(store.write(move |writer| writer.delete_secret(id)).await);
    assert_eq!(found(&store, id).await, None);
    store.assert_sound();
}

#[tokio::test]
async fn lists_go_by_end_and_counts_by_range() {
    let store = Store::new();
    let mut all = Vec::new();
    for (number, (of, ends)) in
        [("p", 30), ("q", 10), ("p", 20), ("p", 20), ("p", 40)].into_iter().enumerate()
    {
        let owner = secret(of);
        put(&store, &owner, &ending(&owner, ends, None)).await;
        all.push((ends, owner.id, number));
    }
    all.sort_unstable();
    let expected: Vec<_> = all.iter().map(|(ends, id, _)| (at(*ends), *id)).collect();
    let page = |until: i64, after: Option<(Timestamp, SecretId)>, limit| {
        let query = EndingQuery { until: at(until), project: None, after, limit };
        store.read(move |reader| reader.endings(&query))
    };
    let places = |found: &[(Secret, Ending)]| -> Vec<_> {
        found.iter().map(|(secret, ending)| (ending.ends, secret.id)).collect()
    };
    assert_eq!(places(&page(40, None, 9).await), expected);
    assert_eq!(places(&page(39, None, 9).await), expected[..4]);
    let mut read = Vec::new();
    loop {
        let next = places(&page(99, read.last().copied(), 2).await);
        if next.is_empty() {
            break;
        }
        read.extend(next);
    }
    assert_eq!(read, expected, "page by page");
    let query = EndingQuery { until: at(99), project: Some(project("q")), after: None, limit: 9 };
    assert_eq!(places(&store.read(move |reader| reader.endings(&query)).await), expected[..1]);
    for (from, until, count) in [(0, 99, 5), (10, 20, 2), (20, 40, 2), (40, 99, 0)] {
        assert_eq!(store.read(move |reader| reader.count_endings(at(from), at(until))).await, count);
    }
}

#[tokio::test]
async fn two_servers_never_work_on_the_same_ending_and_a_dead_one_loses_its_own() {
    let mut store = Store::new();
    let (first, second, later) = (secret("p"), secret("p"), secret("p"));
    put(&store, &second, &ending(&second, 900, Some(20))).await;
    put(&store, &first, &ending(&first, 900, Some(10))).await;
    put(&store, &later, &ending(&later, 900, Some(500))).await;
    assert_eq!(claim(&store, "a", 9).await, None);
    assert_eq!(claim(&store, "a", 100).await, Some(first.id));
    assert_eq!(claim(&store, "b", 100).await, Some(second.id));
    for worker in ["a", "b", "c"] {
        assert_eq!(claim(&store, worker, 101).await, None, "{worker}");
    }
    // What is put is free again, and due when it says.
    put(&store, &second, &ending(&second, 900, None)).await;
    assert_eq!(claim(&store, "c", 102).await, None);
    // The lease ends.
    assert_eq!(claim(&store, "b", 161).await, Some(first.id));
    // A server that comes back has at once what it had before; nobody else has.
    store.reopen();
    assert_eq!(claim(&store, "a", 162).await, None);
    assert_eq!(claim(&store, "b", 162).await, Some(first.id));
    assert_eq!(claim(&store, "b", 162).await, None);
    store.assert_sound();
}

#[tokio::test]
async fn types_are_counted_without_what_has_expired() {
    let store = Store::new();
    for (secret_type, expiration) in
        [(SecretType::Certificate, None), (SecretType::Certificate, Some(at(10))), (SecretType::Opaque, None)]
    {
        let one = Secret { secret_type, expiration, ..secret("p") };
        store.write(move |writer| writer.insert_secret(&one)).await;
    }
    let dated = Secret { secret_type: SecretType::Certificate, ..secret("p") };
    put(&store, &dated, &ending(&dated, 50, None)).await;

    let counts = store.read(|reader| reader.count_types(at(10))).await;
    let counts: Vec<_> =
        counts.into_iter().map(|count| (count.secret_type, count.all, count.ending)).collect();
    assert_eq!(counts, [(SecretType::Certificate, 2, 1), (SecretType::Opaque, 1, 0)]);
}
