use std::sync::{Arc, Mutex};

use strongroom_core::ports::{Contended, StorageError, Writer};
use strongroom_core::quota::{ConfiguredQuotas, Counted, ProjectQuotas};
use strongroom_core::{ChangeId, Object, Secret};

use crate::support::{
    Store, at, consumer, container, order, part, project, secret, uses_container, uses_secret,
};

fn limits(secrets: i64) -> ProjectQuotas {
    ProjectQuotas { secrets: Some(secrets), cas: Some(-1), ..ProjectQuotas::default() }
}

#[tokio::test]
async fn limits_are_listed_in_the_order_in_which_they_were_first_set() {
    let store = Store::new();
    store
        .write(|writer| {
            for (secrets, name) in [(1, "z"), (2, "a"), (3, "m")] {
                writer.put_project_quotas(&project(name), limits(secrets))?;
            }
            writer.put_project_quotas(&project("z"), ProjectQuotas { orders: Some(0), ..limits(9) })
        })
        .await;
    let page = store.read(|reader| reader.configured_quotas(part(0, 2))).await;
    let configured = |name, quotas| ConfiguredQuotas { project: project(name), quotas };
    let first = configured("z", ProjectQuotas { orders: Some(0), ..limits(9) });
    assert_eq!((page.items, page.total), (vec![first, configured("a", limits(2))], 3));

    // Setting replaces the whole of it.
    store.write(|writer| writer.put_project_quotas(&project("z"), ProjectQuotas::default())).await;
    let set = store.read(|reader| reader.project_quotas(&project("z"))).await;
    assert_eq!(set, Some(ProjectQuotas::default()));
    assert!(store.write(|writer| writer.delete_project_quotas(&project("z"))).await);
    assert!(!store.write(|writer| writer.delete_project_quotas(&project("z"))).await);
    assert_eq!(store.read(|reader| reader.project_quotas(&project("z"))).await, None);
    let page = store.read(|reader| reader.configured_quotas(part(1, 2))).await;
    assert_eq!((page.items, page.total), (vec![configured("m", limits(3))], 2));
}

#[tokio::test]
async fn each_kind_is_counted_by_project() {
    let store = Store::new();
    let own = [secret("p"), Secret { expiration: Some(at(50)), ..secret("p") }];
    let boxed = container("p", "c", vec![]);
    let (in_secret, in_container) = (Object::from(own[0].id), Object::from(boxed.id));
    store
        .write(move |writer| {
            own.iter().try_for_each(|secret| writer.insert_secret(secret))?;
            writer.insert_container(&boxed)?;
            writer.insert_order(&order("p", "{}"))?;
            writer.insert_order(&order("q", "{}"))?;
            writer.insert_consumer(in_secret, &consumer("q", uses_secret("nova", "1")))?;
            writer.insert_consumer(in_secret, &consumer("q", uses_secret("nova", "2")))?;
            writer.insert_consumer(in_container, &consumer("q", uses_container("n", "u")))
        })
        .await;
    for (name, now, expected) in [
        ("p", 10, [2, 1, 1, 0, 0]),
        ("p", 50, [1, 1, 1, 0, 0]),
        ("q", 10, [0, 1, 0, 2, 1]),
        ("never seen", 10, [0; 5]),
    ] {
        assert_eq!(counts(&store, name, now).await, expected, "{name} at {now}");
    }
}

const KINDS: [Counted; 5] = [
    Counted::Secrets,
    Counted::Orders,
    Counted::Containers,
    Counted::SecretConsumers,
    Counted::ContainerConsumers,
];

async fn counts(store: &Store, name: &'static str, now: i64) -> [u64; 5] {
    store
        .read(move |reader| {
            let mut counts = [0; 5];
            for (count, kind) in counts.iter_mut().zip(KINDS) {
                *count = reader.count(&project(name), kind, at(now))?;
            }
            Ok(counts)
        })
        .await
}

const PLACES: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_race_passes_a_limit() {
    let store = Store::new();
    let (own, expired) = (secret("other"), Secret { expiration: Some(at(5)), ..secret("p") });
    let boxed = container("other", "c", vec![]);
    let (in_secret, in_container) = (Object::from(own.id), Object::from(boxed.id));
    store
        .write(move |writer| {
            writer.insert_secret(&own)?;
            writer.insert_secret(&expired)?;
            writer.insert_container(&boxed)
        })
        .await;
    for kind in KINDS {
        let accepted = Arc::new(Mutex::new(0));
        let mut callers = Vec::new();
        for caller in 0..64 {
            let (repository, accepted) = (store.repository(), Arc::clone(&accepted));
            callers.push(tokio::spawn(async move {
                let admitted = Arc::new(Mutex::new(false));
                let told = Arc::clone(&admitted);
                let job = move |writer: &mut dyn Writer| {
                    let added = add(writer, kind, [in_secret, in_container], caller);
                    *told.lock().unwrap() = added.unwrap();
                    if *told.lock().unwrap() { Ok(()) } else { Err(Contended::Abandon) }
                };
                repository.write(ChangeId::random(), Box::new(job)).await.unwrap();
                *accepted.lock().unwrap() += u64::from(*admitted.lock().unwrap());
            }));
        }
        for caller in callers {
            caller.await.unwrap();
        }
        assert_eq!(*accepted.lock().unwrap(), PLACES, "{kind:?}");
        let now = store.read(move |reader| reader.count(&project("p"), kind, at(10))).await;
        assert_eq!(now, PLACES, "{kind:?}");
    }
    store.assert_sound();
}

/// Adds one more, when there is a place left.
fn add(
    writer: &mut dyn Writer,
    kind: Counted,
    [in_secret, in_container]: [Object; 2],
    caller: u32,
) -> Result<bool, StorageError> {
    if writer.count(&project("p"), kind, at(10))? >= PLACES {
        return Ok(false);
    }
    let resource = caller.to_string();
    match kind {
        Counted::Secrets => writer.insert_secret(&secret("p"))?,
        Counted::Orders => writer.insert_order(&order("p", "{}"))?,
        Counted::Containers => writer.insert_container(&container("p", "c", vec![]))?,
        Counted::SecretConsumers => {
            writer.insert_consumer(in_secret, &consumer("p", uses_secret("nova", &resource)))?;
        }
        Counted::ContainerConsumers => {
            writer.insert_consumer(in_container, &consumer("p", uses_container(&resource, "u")))?;
        }
    }
    Ok(true)
}
