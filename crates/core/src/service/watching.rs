//! What the service's watch over its own records needs: to put on record what it finds, and to know a secret's age.

use super::engine::KeyManager;
use crate::audit::{Action, Event, Origin, Outcome, Phase, Reason, Target};
use crate::error::Error;
use crate::id::SecretId;
use crate::time::Timestamp;

impl KeyManager {
    /// Puts on record what the service has found or done on its own account, where nothing of the repository's
    /// changes. Returns when the record is durable.
    pub async fn note_own(&self, action: Action, target: Target, reason: Reason) -> Result<(), Error> {
        let event = Event {
            at: self.now(),
            phase: Phase::Outcome,
            change: None,
            action,
            target: Some(target),
            caller: None,
            origin: Origin::default(),
            outcome: Some(Outcome::Success),
            reason: Some(reason),
            access: None,
        };
        self.0.audit.record(event).await.map_err(Error::Audit)
    }

    /// When a secret was created, for the service's own use; `None` when it is not there.
    pub async fn secret_created(&self, id: SecretId) -> Result<Option<Timestamp>, Error> {
        self.0.read(move |reader| Ok(reader.secret(id)?.map(|secret| secret.created))).await
    }
}
