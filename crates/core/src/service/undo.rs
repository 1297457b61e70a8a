//! Deleting so that it can be undone for a while, and destroying what was deleted long enough ago.

use std::sync::Arc;

use super::engine::{Backends, Engine, KeyManager};
use crate::audit::{Action, Target};
use crate::disposal::Owner;
use crate::error::{Conflict, Error, Missing};
use crate::id::{SecretId, UserId};
use crate::ports::Writer;
use crate::quota::{Counted, EffectiveQuotas};
use crate::secret::Paging;
use crate::time::Timestamp;
use crate::undo::{Deleted, UndoWindow};

/// How a secret is taken away, whoever takes it.
#[derive(Clone)]
pub(super) struct Remover {
    backends: Arc<Backends>,
    window: UndoWindow,
}

impl KeyManager {
    /// Destroys up to `limit` secrets that were deleted so long ago that they can't be restored, each on record as
    /// an act of the service's own. Tells how many there were.
    pub async fn destroy_deleted(&self, limit: u32) -> Result<u32, Error> {
        let over = self.0.undo.over_before(self.0.clock.now());
        let longest = self.0.read(move |reader| {
            // Mostly it is too early for any, and one tells.
            let first = reader.deleted_secrets(None, None, 1)?;
            let is_over = first.first().is_some_and(|deleted| deleted.at <= over);
            Ok(if is_over { reader.deleted_secrets(None, None, limit)? } else { Vec::new() })
        });
        let mut destroyed = 0;
        for deleted in longest.await?.iter().take_while(|deleted| deleted.at <= over) {
            self.0.destroy_deleted(deleted.secret.id, over).await?;
            destroyed += 1;
        }
        Ok(destroyed)
    }
}

impl Engine {
    /// Takes secrets away as it is set.
    pub(super) fn remover(&self) -> Remover {
        Remover { backends: Arc::clone(&self.backends), window: self.undo }
    }

    async fn destroy_deleted(&self, id: SecretId, over: Timestamp) -> Result<(), Error> {
        let (remover, now) = (self.remover(), self.clock.now());
        self.own_act(Action::SecretDestroy, Target::Secret(id), async |change| {
            self.write(change, move |writer| {
                // It may have been restored meanwhile.
                match writer.deleted_secret(id)? {
                    Some(deleted) if deleted.at <= over => remover.destroy_deleted(writer, id, now),
                    _ => Ok(()),
                }
            })
            .await
        })
        .await
    }
}

impl Remover {
    /// Takes a secret away: to where it can be restored from, or for good when nothing can.
    pub(super) fn delete(
        &self,
        writer: &mut dyn Writer,
        id: SecretId,
        by: Option<&UserId>,
        now: Timestamp,
    ) -> Result<(), Error> {
        if self.window.is_open() {
            writer.hide_secret(id, now, by)?;
            return Ok(());
        }
        self.destroy(writer, id, now)
    }

    /// Takes a secret away for good.
    pub(super) fn destroy(&self, writer: &mut dyn Writer, id: SecretId, now: Timestamp) -> Result<(), Error> {
        self.forget_payload(writer, id, now)?;
        writer.delete_secret(id)?;
        Ok(())
    }

    /// Takes a deleted secret away for good.
    pub(super) fn destroy_deleted(
        &self,
        writer: &mut dyn Writer,
        id: SecretId,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.forget_payload(writer, id, now)?;
        writer.destroy_deleted_secret(id)?;
        Ok(())
    }

    /// Brings a deleted secret back, when there is room for it and for its consumers.
    pub(super) fn restore(
        &self,
        writer: &mut dyn Writer,
        quotas: EffectiveQuotas,
        id: SecretId,
        now: Timestamp,
    ) -> Result<(), Error> {
        const ALL: Paging = Paging { limit: u32::MAX, offset: 0 };
        let Deleted { secret, at, .. } =
            writer.deleted_secret(id)?.ok_or(Error::NotFound(Missing::Deleted))?;
        if at <= self.window.over_before(now) {
            return Err(Error::NotFound(Missing::Deleted));
        }
        if secret.is_expired(now) {
            return Err(Error::Conflict(Conflict::Expired));
        }
        writer.restore_secret(id)?;
        quotas.check_added(writer, &secret.project, Counted::Secrets, now)?;
        let consumers = writer.consumers(id.into(), ALL)?.items;
        for consumer in consumers {
            quotas.check_added(writer, &consumer.project, Counted::SecretConsumers, now)?;
        }
        Ok(())
    }

    /// Has the backend destroy what it holds of the payload, which goes in this same change.
    pub(super) fn forget_payload(
        &self,
        writer: &mut dyn Writer,
        id: SecretId,
        now: Timestamp,
    ) -> Result<(), Error> {
        match writer.payload(id)? {
            Some(stored) => self.backends.forget_later(writer, Owner::Secret(id), &stored, now),
            None => Ok(()),
        }
    }

    /// The backends at hand.
    pub(super) fn backends(&self) -> &Backends {
        &self.backends
    }
}
