//! What clients can choose among, made to agree with the backends at hand.

use super::builder::StartError;
use super::engine::Engine;
use crate::audit::{Action, Target};
use crate::error::Error;
use crate::id::SecretStoreId;
use crate::ports::{BackendId, StoreRecord};
use crate::store::SecretStore;

impl Engine {
    /// Gives each backend an id as a secret store and retires the ids of those that are gone, unless a
    /// project prefers one of these. With a single backend there is nothing to choose and no store.
    pub(super) async fn reconcile_stores(&mut self, order: &[BackendId]) -> Result<(), StartError> {
        let known = self.read(|reader| Ok(reader.secret_stores()?)).await.map_err(StartError::Part)?;
        if order.len() < 2 && known.is_empty() {
            return Ok(());
        }
        for gone in known.iter().filter(|record| !order.contains(&record.backend)) {
            self.retire_store(gone).await?;
        }
        let mut stores = Vec::new();
        for backend in order {
            let record = match known.iter().find(|record| record.backend == *backend) {
                Some(record) => record.clone(),
                None => self.offer_store(backend).await.map_err(StartError::Part)?,
            };
            stores.push(SecretStore {
                id: record.id,
                names: self
                    .backends
                    .of(backend)
                    .map_err(|error| StartError::Part(error.into()))?
                    .store_names(),
                global_default: *backend == *self.backends.default.id(),
                backend: record.backend,
                created: record.created,
            });
        }
        if stores.len() > 1 {
            self.stores = stores;
        }
        Ok(())
    }

    async fn offer_store(&self, backend: &BackendId) -> Result<StoreRecord, Error> {
        let record =
            StoreRecord { id: SecretStoreId::random(), backend: backend.clone(), created: self.clock.now() };
        let new = record.clone();
        self.own_act(Action::StoreReconcile, Target::SecretStore(record.id), async |change| {
            self.write(change, move |writer| Ok(writer.insert_secret_store(&new)?)).await
        })
        .await?;
        Ok(record)
    }

    async fn retire_store(&self, gone: &StoreRecord) -> Result<(), StartError> {
        let id = gone.id;
        let preferred = self.read(move |reader| Ok(reader.is_preferred(id)?)).await;
        if preferred.map_err(StartError::Part)? {
            return Err(StartError::StorePreferred(gone.backend.clone()));
        }
        self.own_act(Action::StoreReconcile, Target::SecretStore(id), async |change| {
            self.write(change, move |writer| Ok(writer.delete_secret_store(id)?)).await
        })
        .await
        .map_err(StartError::Part)
    }
}
