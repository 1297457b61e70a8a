use strongroom_core::Object;
use strongroom_core::acl::Acl;
use strongroom_core::secret::SecretQuery;

use crate::support::{
    Store, at, consumer, container, member, part, project, project_key, sealed, secret, user, uses_secret,
};

#[tokio::test]
async fn deleting_a_secret_takes_along_its_list_its_consumers_and_its_places_in_containers() {
    let store = Store::new();
    let secrets = [secret("p"), secret("p")];
    let [gone, kept] = [secrets[0].id, secrets[1].id];
    let first = container("p", "first", vec![member("a", gone), member("b", kept)]);
    let second = container("q", "second", vec![member("c", gone)]);
    let (first_id, second_id) = (first.id, second.id);
    let key = project_key("p");
    store
        .write(move |writer| {
            writer.insert_project_key(&key)?;
            for secret in &secrets {
                writer.insert_secret(secret)?;
                writer.insert_payload(secret.id, &sealed(key.id))?;
                let acl =
                    Acl { users: vec![user("u")], project_access: false, created: at(1), updated: at(1) };
                writer.put_acl(secret.id.into(), &acl)?;
                writer.insert_consumer(secret.id.into(), &consumer("q", uses_secret("nova", "1")))?;
            }
            writer.insert_container(&first)?;
            writer.insert_container(&second)
        })
        .await;
    store.abandon(move |writer| writer.delete_secret(gone).map(drop)).await;
    assert_eq!(store.read(move |reader| reader.container(first_id)).await.unwrap().members.len(), 2);

    assert!(store.write(move |writer| writer.delete_secret(gone)).await);
    store
        .read(move |reader| {
            let (gone, kept) = (Object::from(gone), Object::from(kept));
            assert_eq!(reader.acl(gone)?, None);
            assert!(reader.uses(&[gone])?.is_empty());
            assert!(reader.acl(kept)?.is_some());
            assert_eq!(reader.consumers(kept, part(0, 9))?.total, 1);
            assert_eq!(reader.container(second_id)?.unwrap().members, []);
            Ok(())
        })
        .await;
    let left = store.read(move |reader| reader.container(first_id)).await.unwrap();
    assert_eq!(left.members, [member("b", kept)]);
    assert_eq!(left.updated, at(1), "losing a member is no change of the container");
    let secrets = store.read(|reader| reader.secrets(&project("p"), &SecretQuery::default(), at(9))).await;
    assert_eq!(secrets.total, 1);
    store.assert_sound();
}
