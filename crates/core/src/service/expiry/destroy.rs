//! What becomes of secrets that have expired. Nobody can read them to the second; some time later they are
//! destroyed.

use crate::audit::{Action, Target};
use crate::error::Error;
use crate::id::SecretId;
use crate::service::engine::{Engine, KeyManager};
use crate::time::Timestamp;

impl KeyManager {
    /// Destroys up to `limit` secrets that expired at `before` or earlier, with everything that belongs to
    /// them, each on record as an act of the service's own. Tells how many there were.
    pub async fn destroy_expired(&self, before: Timestamp, limit: u32) -> Result<u32, Error> {
        let expired = self.0.read(move |reader| Ok(reader.expired_secrets(before, limit)?)).await?;
        let mut destroyed = 0;
        for id in expired {
            self.0.destroy_expired(id, before).await?;
            destroyed += 1;
        }
        Ok(destroyed)
    }
}

impl Engine {
    async fn destroy_expired(&self, id: SecretId, before: Timestamp) -> Result<(), Error> {
        self.own_act(Action::SecretDestroy, Target::Secret(id), async |change| {
            let (remover, now) = (self.remover(), self.clock.now());
            self.write(change, move |writer| {
                // Its owner may have deleted it meanwhile.
                match writer.secret(id)? {
                    Some(secret) if secret.is_expired(before) => remover.destroy(writer, id, now),
                    _ => Ok(()),
                }
            })
            .await
        })
        .await
    }
}
