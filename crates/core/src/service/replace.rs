//! Putting one secret in another's place, and deleting the other one some time later.

use super::attempt::{Attempt, Permit, Refused};
use super::engine::{Engine, KeyManager};
use super::errands::by_operator;
use super::keys::still_keyed;
use super::object::{live_secret, uses_of};
use super::undo::Remover;
use crate::audit::{Action, Target};
use crate::errand::{Replaced, Successor};
use crate::error::{Conflict, Error, Violation};
use crate::expiry::{Ending, Windows};
use crate::id::{SecretId, UserId};
use crate::ports::{Reader, Writer};
use crate::quota::{Counted, EffectiveQuotas};
use crate::secret::SecretType;
use crate::time::Timestamp;

/// When, in seconds, to look again at a secret that was to be deleted and is in use again.
const USED_AGAIN: i64 = 3600;

/// What to do with a secret whose successor is to have its place alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Delete,
    /// Somebody has said since that he uses it.
    Wait,
    /// It is gone already, or its successor is: then it is all there is.
    Forget,
}

/// Stores the successor beside the secret, and has containers and consumers know it instead. With no overlap the
/// secret is deleted at once.
pub(super) fn replace(
    writer: &mut dyn Writer,
    remover: &Remover,
    (quotas, windows): (EffectiveQuotas, &Windows),
    old: SecretId,
    successor: &Successor,
    operator: &UserId,
    now: Timestamp,
) -> Result<(), Error> {
    let (old, acl) = live_secret(writer, old, now)?;
    if writer.replaced(old.id)?.is_some() {
        return Err(Error::Conflict(Conflict::Replaced));
    }
    if successor.expiration.is_some_and(|at| at <= now) {
        return Err(Violation::new("expiration", "is not in the future").into());
    }
    let payload = successor.payload.as_ref().ok_or(Error::Internal("a successor has no payload"))?;
    still_keyed(writer, payload)?;
    let new = successor.of(&old, payload.content_type);
    writer.insert_secret(&new)?;
    writer.insert_payload(new.id, payload)?;
    let metadata = writer.user_metadata(old.id)?;
    writer.replace_user_metadata(new.id, &metadata)?;
    if let Some(acl) = acl {
        writer.put_acl(new.id.into(), &acl)?;
    }
    if let Some(ending) = Ending::of(&new, None, windows, now) {
        writer.put_ending(&ending)?;
    }
    // Who seals for it does not tell what is in it.
    let had_certificate = writer.ending(old.id)?.is_some_and(|ending| ending.certificate.is_some());
    if had_certificate || new.secret_type == SecretType::Certificate {
        writer.add_unread_certificate(new.id)?;
    }
    writer.repoint(old.id, new.id)?;
    if successor.overlap == 0 {
        remover.delete(writer, old.id, Some(operator), now)?;
    } else {
        let until = now.plus_seconds(i64::from(successor.overlap));
        writer.put_replaced(&Replaced { old: old.id, new: new.id, operator: operator.clone(), until })?;
    }
    quotas.check_added(writer, &new.project, Counted::Secrets, now)
}

impl KeyManager {
    /// Deletes up to `limit` secrets whose successors are to have their places alone by now, each on record as done
    /// for the operator who wanted it. One that is in use again is kept for as long; one whose successor is gone is
    /// kept for good. Tells how many there were to look at.
    pub async fn delete_replaced(&self, limit: u32) -> Result<u32, Error> {
        let now = self.0.clock.now();
        let due = self.0.read(move |reader| {
            let due = reader.replaced_until(now, limit)?;
            let judged = due.into_iter().map(|replaced| Ok((next(reader, &replaced, now)?, replaced)));
            judged.collect::<Result<Vec<_>, Error>>()
        });
        let mut seen = 0;
        for (next, replaced) in due.await? {
            match next {
                Next::Delete => self.0.delete_replaced(replaced).await?,
                Next::Wait => {
                    let later = Replaced { until: now.plus_seconds(USED_AGAIN), ..replaced };
                    tracing::warn!(secret = %later.old, "a replaced secret is in use again; it is not deleted yet");
                    self.0.upkeep(move |writer| Ok(writer.put_replaced(&later)?)).await?;
                }
                Next::Forget => {
                    self.0.upkeep(move |writer| Ok(writer.delete_replaced(replaced.old)?)).await?;
                }
            }
            seen += 1;
        }
        Ok(seen)
    }
}

impl Engine {
    async fn delete_replaced(&self, replaced: Replaced) -> Result<(), Error> {
        let context = by_operator(&replaced.operator);
        let target = Some(Target::Secret(replaced.old));
        let attempt = Attempt::new(self, &context, Action::SecretDelete, target);
        let change = attempt.intend(Permit::for_operator()).await.map_err(Refused::into_error)?;
        let (remover, now) = (self.remover(), self.clock.now());
        let deleted = change.carry_out(move |writer| {
            // Somebody may have come to use it, or another server may have been faster.
            let known = writer.replaced(replaced.old)?.as_ref() == Some(&replaced);
            if !known || next(writer, &replaced, now)? != Next::Delete {
                return Err(Error::Conflict(Conflict::Errand));
            }
            remover.delete(writer, replaced.old, Some(&replaced.operator), now)?;
            Ok(writer.delete_replaced(replaced.old)?)
        });
        match deleted.await.map_err(Refused::into_error) {
            Ok(_) | Err(Error::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn next(reader: &mut dyn Reader, replaced: &Replaced, now: Timestamp) -> Result<Next, Error> {
    let there = |secret: Option<crate::Secret>| secret.is_some_and(|secret| !secret.is_expired(now));
    if !there(reader.secret(replaced.old)?) || !there(reader.secret(replaced.new)?) {
        return Ok(Next::Forget);
    }
    let used = !uses_of(reader, replaced.old.into())?.is_empty();
    Ok(if used { Next::Wait } else { Next::Delete })
}
