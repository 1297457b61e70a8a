use std::fmt;

use super::engine::Engine;
use crate::access::{Caller, PolicyTarget};
use crate::acl::AccessChange;
use crate::audit::{Action, Event, Origin, Outcome, Phase, Reason, Target};
use crate::error::Error;
use crate::id::ChangeId;
use crate::ports::{StorageError, Writer};

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// Who.
    pub caller: Caller,
    /// From where.
    pub origin: Origin,
}

impl From<Caller> for CallContext {
    /// A call from within the same process.
    fn from(caller: Caller) -> Self {
        Self { caller, origin: Origin::default() }
    }
}

/// What a use case gives once its record is durable. Nothing else makes one, so an answer that carries a
/// `Done` can't have skipped the journal.
#[derive(Debug)]
#[must_use]
pub struct Done<T>(T);

impl<T> Done<T> {
    /// Turns what was done into its presentation; the record stays the same.
    pub fn map<U>(self, present: impl FnOnce(T) -> U) -> Done<U> {
        Done(present(self.0))
    }

    /// What the use case gives.
    pub fn release(self) -> T {
        self.0
    }
}

/// The end of an attempt that did not do what was asked, once that is on record. When the journal itself
/// is down, the error says so in place of whatever else there was to say.
#[derive(Debug)]
pub struct Refused(Error);

impl Refused {
    /// Why.
    pub fn error(&self) -> &Error {
        &self.0
    }

    /// Why, by value.
    pub fn into_error(self) -> Error {
        self.0
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// How every use case ends: on record, either way.
pub type Verdict<T> = Result<Done<T>, Refused>;

/// What a use case is given to work on, judged only after the caller is known to be allowed. A ready
/// value is one; so is a function that reads and checks a request's body.
pub trait Input<T> {
    /// The value, or what is wrong with it.
    fn take(self) -> Result<T, Error>;
}

impl<T, F: FnOnce() -> Result<T, Error>> Input<T> for F {
    fn take(self) -> Result<T, Error> {
        self()
    }
}

/// Proof that an access rule said yes. Only [`Attempt::authorise`] makes one, and neither a change nor a
/// release is possible without.
#[derive(Clone, Copy)]
pub(super) struct Permit(());

impl Permit {
    /// For carrying out an order: the rule said yes when it was placed.
    pub(super) fn granted_earlier() -> Self {
        Self(())
    }

    /// For what an operator asks for, who is above the rules.
    pub(super) fn for_operator() -> Self {
        Self(())
    }

    /// Puts what may be released beside the proof.
    pub(super) fn with<T>(self, value: T) -> (Self, T) {
        (self, value)
    }
}

/// A call that has begun and must end in exactly one outcome record.
#[must_use]
pub(super) struct Attempt<'a> {
    engine: &'a Engine,
    context: &'a CallContext,
    action: Action,
    target: Option<Target>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        context: &'a CallContext,
        action: Action,
        target: Option<Target>,
    ) -> Self {
        Self { engine, context, action, target }
    }

    /// Names the target once it is known.
    pub(super) fn on(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    /// Asks the access rule.
    pub(super) fn authorise(&self, rule: &'static str, target: &PolicyTarget<'_>) -> Result<Permit, Error> {
        if self.engine.policy.allows(rule, &self.context.caller, target) {
            Ok(Permit(()))
        } else {
            Err(Error::Forbidden { rule })
        }
    }

    /// Ends an attempt that changes nothing.
    pub(super) async fn conclude<T>(self, result: Result<(Permit, T), Error>) -> Verdict<T> {
        match result {
            Ok((Permit(()), value)) => self
                .record(Phase::Outcome, None, Some(Outcome::Success), None, None)
                .await
                .map(|()| Done(value)),
            Err(error) => self.refuse(error).await,
        }
    }

    /// What was judged, when it was judged to be allowed; else the end of the attempt.
    pub(super) async fn let_through<T>(&self, judged: Result<T, Error>) -> Result<T, Refused> {
        match judged {
            Ok(allowed) => Ok(allowed),
            Err(error) => self.refuse(error).await,
        }
    }

    /// Ends an attempt that was not let through.
    pub(super) async fn refuse<T>(&self, error: Error) -> Result<T, Refused> {
        let outcome = if error.is_fault() { Outcome::Failed } else { Outcome::Refused };
        self.record(Phase::Outcome, None, Some(outcome), Some(Reason::from(&error)), None).await?;
        Err(Refused(error))
    }

    /// Ends an attempt whose outcome and reason somebody else decided, such as a front end that found no
    /// use case to call.
    pub(super) async fn note(self, outcome: Outcome, reason: Option<Reason>) -> Verdict<()> {
        self.record(Phase::Outcome, None, Some(outcome), reason, None).await.map(|()| Done(()))
    }

    /// Puts the intent of a change on record; only then may it be applied.
    pub(super) async fn intend(self, permit: Permit) -> Result<Change<'a>, Refused> {
        let id = ChangeId::random();
        self.record(Phase::Intent, Some(id), None, None, None).await?;
        Ok(Change { attempt: self, permit, id })
    }

    async fn record(
        &self,
        phase: Phase,
        change: Option<ChangeId>,
        outcome: Option<Outcome>,
        reason: Option<Reason>,
        access: Option<AccessChange>,
    ) -> Result<(), Refused> {
        let event = Event {
            at: self.engine.clock.now(),
            phase,
            change,
            action: self.action,
            target: self.target.clone(),
            caller: Some(self.context.caller.clone()),
            origin: self.context.origin.clone(),
            outcome,
            reason,
            access,
        };
        self.engine.audit.record(event).await.map_err(|error| Refused(Error::Audit(error)))
    }
}

/// A change whose intent is durable.
#[must_use]
pub(super) struct Change<'a> {
    attempt: Attempt<'a>,
    permit: Permit,
    id: ChangeId,
}

impl Change<'_> {
    /// What allows this change.
    pub(super) fn permit(&self) -> Permit {
        self.permit
    }

    /// Runs the job; when it succeeds, its changes and the note that this change was applied are durable
    /// together.
    pub(super) async fn apply<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Writer) -> Result<T, Error> + Send + 'static,
    {
        self.attempt.engine.write(self.id, job).await
    }

    /// Applies the job and puts the outcome on record.
    pub(super) async fn carry_out<T, F>(self, job: F) -> Verdict<T>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Writer) -> Result<T, Error> + Send + 'static,
    {
        let result = self.apply(job).await;
        self.conclude(result).await
    }

    /// Puts the outcome on record.
    pub(super) async fn conclude<T>(self, result: Result<T, Error>) -> Verdict<T> {
        self.conclude_with(result, |_| None).await
    }

    /// Puts the outcome on record, and who gained and who lost access by it.
    pub(super) async fn conclude_with<T>(
        self,
        result: Result<T, Error>,
        access: impl FnOnce(&T) -> Option<AccessChange>,
    ) -> Verdict<T> {
        let (engine, id) = (self.attempt.engine, self.id);
        let (change, outcome, reason) = match &result {
            Ok(_) => (Some(id), Outcome::Success, None),
            Err(error @ Error::Storage(StorageError::Unconfirmed(_))) => {
                let (change, outcome) = match engine.repository.applied(vec![id]).await {
                    Ok(applied) if applied.contains(&id) => (Some(id), Outcome::SettledDone),
                    Ok(_) => (Some(id), Outcome::SettledUndone),
                    // Without the change's id the journal keeps the intent open, to be settled at the
                    // next start.
                    Err(_) => (None, Outcome::Unknown),
                };
                (change, outcome, Some(Reason::from(error)))
            }
            Err(error) if error.is_fault() => (Some(id), Outcome::Failed, Some(Reason::from(error))),
            Err(error) => (Some(id), Outcome::Refused, Some(Reason::from(error))),
        };
        let access = result.as_ref().ok().and_then(access);
        self.attempt.record(Phase::Outcome, change, Some(outcome), reason, access).await?;
        if change.is_some() {
            engine.repository.settled(id);
        }
        result.map(Done).map_err(Refused)
    }
}
