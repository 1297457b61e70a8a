use strongroom_core::consumer::Use;
use strongroom_core::{ConsumerId, Object};

use crate::support::{Store, consumer, container, part, project, secret, uses_container, uses_secret};

/// A secret and a container of project `p`.
async fn objects(store: &Store) -> [Object; 2] {
    let (secret, container) = (secret("p"), container("p", "c", vec![]));
    let objects = [secret.id.into(), container.id.into()];
    store
        .write(move |writer| {
            writer.insert_secret(&secret)?;
            writer.insert_container(&container)
        })
        .await;
    objects
}

#[tokio::test]
async fn those_of_a_secret_come_by_creation_and_those_of_a_container_by_name() {
    let store = Store::new();
    let [secret, container] = objects(&store).await;
    let of_secret = ["nova", "cinder", "magnum"].map(|service| consumer("q", uses_secret(service, "1")));
    let of_container = [("z", "u"), ("a", "v"), ("a", "u"), ("B", "u")]
        .map(|(name, url)| consumer("p", uses_container(name, url)));
    let (some, others) = (of_secret.clone(), of_container.clone());
    store
        .write(move |writer| {
            some.iter().try_for_each(|consumer| writer.insert_consumer(secret, consumer))?;
            others.iter().try_for_each(|consumer| writer.insert_consumer(container, consumer))
        })
        .await;

    let page = store.read(move |reader| reader.consumers(secret, part(0, 2))).await;
    assert_eq!((page.items, page.total), (of_secret[..2].to_vec(), 3));
    let page = store.read(move |reader| reader.consumers(secret, part(2, 2))).await;
    assert_eq!((page.items, page.total), (of_secret[2..].to_vec(), 3));
    let page = store.read(move |reader| reader.consumers(container, part(1, 2))).await;
    assert_eq!(page.items, [of_container[2].clone(), of_container[1].clone()]);
    assert_eq!(page.total, 4);

    let nobody = Object::Secret(strongroom_core::SecretId::random());
    let uses = store.read(move |reader| reader.uses(&[container, nobody, secret])).await;
    let listed = |consumers: &[strongroom_core::consumer::Consumer]| -> Vec<Use> {
        consumers.iter().map(|consumer| consumer.used_by.clone()).collect()
    };
    assert_eq!(uses[&secret], listed(&of_secret));
    assert_eq!(uses[&container], listed(&[3, 2, 1, 0].map(|at| of_container[at].clone())));
    assert!(!uses.contains_key(&nobody));
    store.assert_sound();
}

#[tokio::test]
async fn one_is_found_by_its_id_or_its_use_at_its_own_object_only() {
    let store = Store::new();
    let [secret, container] = objects(&store).await;
    let (first, second) = (consumer("q", uses_secret("nova", "1")), consumer("q", uses_container("n", "u")));
    let (id, added) = (first.id, [first.clone(), second.clone()]);
    store
        .write(move |writer| {
            writer.insert_consumer(secret, &added[0])?;
            writer.insert_consumer(container, &added[1])
        })
        .await;
    assert_eq!(store.read(move |reader| reader.consumer(secret, id)).await, Some(first.clone()));
    assert_eq!(store.read(move |reader| reader.consumer(container, id)).await, None);
    assert_eq!(store.read(move |reader| reader.consumer(secret, ConsumerId::random())).await, None);
    for (object, used_by, found) in [
        (secret, uses_secret("nova", "1"), Some(first)),
        (secret, uses_secret("nova", "2"), None),
        (container, uses_secret("nova", "1"), None),
        (container, uses_container("n", "u"), Some(second)),
        (container, uses_container("u", "n"), None),
    ] {
        assert_eq!(store.read(move |reader| reader.consumer_by_use(object, &used_by)).await, found);
    }
    store.write(move |writer| writer.delete_consumer(id)).await;
    store.write(move |writer| writer.delete_consumer(id)).await;
    assert_eq!(store.read(move |reader| reader.consumer(secret, id)).await, None);
    assert_eq!(store.read(move |reader| reader.consumers(container, part(0, 9))).await.total, 1);
}

#[tokio::test]
async fn a_use_registered_twice_undoes_the_whole_change() {
    let store = Store::new();
    let [object, _] = objects(&store).await;
    store
        .fail(move |writer| {
            writer.put_project_quotas(&project("p"), strongroom_core::quota::ProjectQuotas::default())?;
            writer.insert_consumer(object, &consumer("q", uses_secret("nova", "1")))?;
            writer.insert_consumer(object, &consumer("r", uses_secret("nova", "1")))
        })
        .await;
    assert_eq!(store.read(move |reader| reader.consumers(object, part(0, 9))).await.total, 0);
    assert_eq!(store.read(|reader| reader.project_quotas(&project("p"))).await, None);
}

#[tokio::test]
async fn more_objects_than_one_statement_can_name_are_asked_for_at_once() {
    let store = Store::new();
    let secrets: Vec<_> = (0..1_200).map(|_| secret("p")).collect();
    let objects: Vec<Object> = secrets.iter().map(|secret| secret.id.into()).collect();
    store
        .write(move |writer| {
            secrets.iter().try_for_each(|secret| {
                writer.insert_secret(secret)?;
                writer.insert_consumer(secret.id.into(), &consumer("p", uses_secret("nova", "1")))
            })
        })
        .await;
    let uses = store.read(move |reader| reader.uses(&objects)).await;
    assert_eq!(uses.len(), 1_200);
}
