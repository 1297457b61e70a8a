//! What each server proves about its master keys, so that none is used before all have it.

use std::sync::Arc;

use super::{Rotations, active};
use crate::error::{Conflict, Error};
use crate::ports::{BackendError, MasterKeyRecord, MasterKeyVersion, SecretBackend};
use crate::rotation::{MasterKeyState, Node};

impl Rotations<'_> {
    /// Opens the canaries of all registered master key versions, looking for new ones where need be, and lets
    /// the others know. To be called every few seconds by whoever serves.
    pub async fn attend(self) -> Result<(), Error> {
        for backend in self.engine.backends.all.values() {
            let records = self.records(backend).await?;
            let mut proved = MasterKeyVersion(0);
            for record in records.iter().filter(|record| record.state != MasterKeyState::Retired) {
                match opens(backend, record).await {
                    Ok(()) => proved = record.version,
                    // It is for the rotation to say that this server does not have it.
                    Err(_) if record.state == MasterKeyState::Staged => break,
                    Err(error) => return Err(error.into()),
                }
            }
            let node = Node {
                name: self.engine.audit.node().to_owned(),
                backend: backend.id().clone(),
                proved,
                seen: self.engine.clock.now(),
            };
            // A crash of the machine ends this server, too.
            let put = self.engine.upkeep_relaxed(move |writer| {
                let records = writer.master_keys(&node.backend)?;
                // Activated since the canaries were opened: then this server is one that did not count.
                if active(&records).is_some_and(|active| active.version > node.proved) {
                    return Err(Error::Conflict(Conflict::MasterKey));
                }
                Ok(writer.put_node(&node)?)
            });
            put.await?;
        }
        Ok(())
    }

    /// Tells the others that this server stops.
    pub async fn leave(self) -> Result<(), Error> {
        let name = self.engine.audit.node().to_owned();
        self.engine.upkeep(move |writer| Ok(writer.delete_node(&name)?)).await
    }

    pub(super) async fn records(
        self,
        backend: &Arc<dyn SecretBackend>,
    ) -> Result<Vec<MasterKeyRecord>, Error> {
        let id = backend.id().clone();
        self.engine.read(move |reader| Ok(reader.master_keys(&id)?)).await
    }
}

/// Opens a canary, looking for the key once more when it is not at hand.
pub(super) async fn opens(
    backend: &Arc<dyn SecretBackend>,
    record: &MasterKeyRecord,
) -> Result<(), BackendError> {
    match backend.open_canary(record.version, &record.canary).await {
        Err(BackendError::KeyMissing(_)) => {
            backend.reload().await?;
            backend.open_canary(record.version, &record.canary).await
        }
        opened => opened,
    }
}
