use strongroom_core::disposal::{Disposal, Owner};
use strongroom_core::errand::{Act, Errand, Successor};
use strongroom_core::order::Order;
use strongroom_core::ports::{BackendId, Sealed, StoredPayload};
use strongroom_core::{DisposalId, ErrandId, SecretId};

use crate::support::{Store, at, order, project_key, sealed, secret, user};

/// Whoever looks for what nothing names goes by this: a row that were left out would cost its object.
#[tokio::test]
async fn all_that_names_something_sealed_is_shown() {
    let store = Store::new();
    let key = project_key("p");
    let (backend, id) = (key.backend.clone(), key.id);
    let blob = |byte| StoredPayload { sealed: Sealed(vec![byte; 40]), ..sealed(id) };
    let (kept, deleted) = (secret("p"), secret("p"));
    let locked = Order { passphrase: Some(blob(3)), ..order("p", "{}") };
    let successor = Successor {
        id: SecretId::random(),
        created: at(3),
        expiration: None,
        payload: Some(blob(4)),
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
    let errands = [Act::Replace(successor), Act::Purge].map(errand);
    let disposal = Disposal {
        id: DisposalId::random(),
        owner: Owner::Secret(SecretId::random()),
        key: id,
        backend: backend.clone(),
        sealed: blob(5).sealed,
        due: at(99),
    };
    let (first, second) = (blob(1), blob(2));
    store
        .write(move |writer| {
            writer.insert_project_key(&key)?;
            for (secret, payload) in [(&kept, &first), (&deleted, &second)] {
                writer.insert_secret(secret)?;
                writer.insert_payload(secret.id, payload)?;
            }
            writer.hide_secret(deleted.id, at(5), None)?;
            writer.insert_order(&locked)?;
            errands.iter().try_for_each(|errand| writer.insert_errand(errand))?;
            writer.insert_disposal(&disposal)
        })
        .await;
    let shown = async |backend: BackendId| {
        let mut shown = store
            .read(move |reader| {
                let mut shown = Vec::new();
                reader.visit_sealed(&backend, &mut |sealed| shown.push(sealed.0.clone()))?;
                Ok(shown)
            })
            .await;
        shown.sort();
        shown
    };
    assert_eq!(shown(backend).await, [1, 2, 3, 4, 5].map(|byte| vec![byte; 40]));
    assert_eq!(shown(BackendId::new("another")).await, Vec::<Vec<u8>>::new());
    store.assert_sound();
}
