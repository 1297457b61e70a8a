//! Doing what operators ask for. Each errand is one change: what it does and that it was done are durable together,
//! so one that was cut off is done as a whole by whoever comes next, and never twice.

use std::sync::Arc;

use super::attempt::{Attempt, CallContext, Change, Permit, Refused};
use super::engine::Engine;
use super::keys::still_keyed;
use super::replace::replace;
use crate::access::Caller;
use crate::audit::{Origin, Target};
use crate::disposal::Owner;
use crate::errand::{Act, End, Errand, Successor};
use crate::error::{Conflict, Error, Missing};
use crate::id::{ErrandId, SecretId, UserId};
use crate::ports::Writer;
use crate::time::Timestamp;

/// How long, in seconds, it can be looked up how an errand ended.
const REMEMBERED: i64 = 86_400;

/// Doing what operators ask for. For the server's own tasks and the operator's tool: no access rule is asked, and
/// the records name the operator.
#[derive(Clone, Copy)]
pub struct Errands<'a> {
    pub(super) engine: &'a Engine,
}

impl<'a> Errands<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// Asks for an errand, as [`ask_for`] does.
    pub async fn ask(self, secret: SecretId, act: Act, operator: UserId) -> Result<Errand, Error> {
        let now = self.engine.clock.now();
        self.engine.upkeep(move |writer| ask_for(writer, secret, &act, &operator, now)).await
    }

    /// The errand of that id.
    pub async fn find(self, id: ErrandId) -> Result<Option<Errand>, Error> {
        self.engine.read(move |reader| Ok(reader.errand(id)?)).await
    }

    /// Does what is to be done next; `false` when nothing is. What can't be done now is tried again.
    pub async fn work(self) -> Result<bool, Error> {
        let Some(errand) = self.engine.read(|reader| Ok(reader.next_errand()?)).await? else {
            return Ok(false);
        };
        let context = by_operator(&errand.operator);
        let target = Some(Target::Secret(errand.secret));
        let attempt = Attempt::new(self.engine, &context, errand.act.action(), target);
        let change = attempt.intend(Permit::for_operator()).await.map_err(Refused::into_error)?;
        match self.carry_out(change, errand.clone()).await {
            Ok(()) => Ok(true),
            Err(error @ (Error::Storage(_) | Error::Backend(_) | Error::Audit(_))) => Err(error),
            Err(error) => self.refuse(errand, &error).await.map(|()| true),
        }
    }

    async fn carry_out(self, change: Change<'_>, errand: Errand) -> Result<(), Error> {
        let (remover, quotas) = (self.engine.remover(), self.engine.quotas);
        let (windows, now) = (Arc::clone(&self.engine.windows), self.engine.clock.now());
        let done = change.carry_out(move |writer| {
            let Errand { id, secret, act, operator, .. } = &errand;
            // Another server may have done it meanwhile.
            if !writer.end_errand(*id, &End::Done, now)? {
                return Err(Error::Conflict(Conflict::Errand));
            }
            match act {
                Act::Restore => remover.restore(writer, quotas, *secret, now),
                Act::Purge if writer.deleted_secret(*secret)?.is_none() => {
                    Err(Error::NotFound(Missing::Deleted))
                }
                Act::Purge => remover.destroy_deleted(writer, *secret, now),
                Act::Replace(successor) => {
                    replace(writer, &remover, (quotas, &windows), *secret, successor, operator, now)
                }
            }
        });
        done.await.map(|_| ()).map_err(Refused::into_error)
    }

    /// Ends an errand that can't be done, now or later. What was sealed for it is forgotten.
    async fn refuse(self, errand: Errand, error: &Error) -> Result<(), Error> {
        let end = End::Refused(error.to_string());
        let (remover, now) = (self.engine.remover(), self.engine.clock.now());
        self.engine
            .upkeep(move |writer| {
                // Unless another server has done it after all.
                let refused = writer.end_errand(errand.id, &end, now)?;
                match &errand.act {
                    Act::Replace(Successor { id, payload: Some(payload), .. }) if refused => {
                        remover.backends().forget_later(writer, Owner::Secret(*id), payload, now)
                    }
                    _ => Ok(()),
                }
            })
            .await
    }
}

/// Leaves an errand for the servers, as part of a change. When the same is to be done with the secret already, gives
/// that; when something else is, which another successor is too, [`Conflict::Errand`].
pub fn ask_for(
    writer: &mut dyn Writer,
    secret: SecretId,
    act: &Act,
    operator: &UserId,
    now: Timestamp,
) -> Result<Errand, Error> {
    if let Some(open) = writer.last_errand_of(secret)?.filter(|errand| errand.end.is_none()) {
        return match (&open.act, act) {
            (Act::Restore, Act::Restore) | (Act::Purge, Act::Purge) => Ok(open),
            (Act::Replace(asked), Act::Replace(wanted)) if asked.id == wanted.id => Ok(open),
            _ => Err(Error::Conflict(Conflict::Errand)),
        };
    }
    if let Act::Replace(successor) = act
        && let Some(payload) = &successor.payload
    {
        still_keyed(writer, payload)?;
    }
    writer.forget_errands(now.plus_seconds(-REMEMBERED))?;
    let (id, act, operator) = (ErrandId::random(), act.clone(), operator.clone());
    let errand = Errand { id, secret, act, operator, asked: now, end: None };
    writer.insert_errand(&errand)?;
    Ok(errand)
}

/// On whose account an errand is done.
pub(super) fn by_operator(operator: &UserId) -> CallContext {
    CallContext { caller: Caller::operator(operator.clone()), origin: Origin::default() }
}
