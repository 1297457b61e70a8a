use strongroom_core::TransportKeyId;
use strongroom_core::transport_key::{NewTransportKey, TransportKey};

use crate::support::{Store, at, part};

#[tokio::test]
async fn keys_are_listed_as_they_were_added() {
    let store = Store::new();
    let made = ["kra", "other", "kra"].map(|plugin| TransportKey {
        id: TransportKeyId::random(),
        key: NewTransportKey::new(plugin, "-----BEGIN").unwrap(),
        created: at(1),
    });
    let [first, second, third] = made.clone();
    store.write(move |writer| made.iter().try_for_each(|key| writer.insert_transport_key(key))).await;

    let page = store.read(|reader| reader.transport_keys(None, part(1, 1))).await;
    assert_eq!((page.items, page.total), (vec![second], 3));
    let page = store.read(|reader| reader.transport_keys(Some("kra"), part(0, 9))).await;
    assert_eq!((page.items, page.total), (vec![first.clone(), third], 2));
    assert_eq!(store.read(|reader| reader.transport_keys(Some("k%"), part(0, 9))).await.total, 0);

    let id = first.id;
    assert_eq!(store.read(move |reader| reader.transport_key(id)).await, Some(first));
    assert!(store.write(move |writer| writer.delete_transport_key(id)).await);
    assert!(!store.write(move |writer| writer.delete_transport_key(id)).await);
    assert_eq!(store.read(move |reader| reader.transport_key(id)).await, None);
}
