use super::attempt::{Attempt, CallContext, Input, Permit, Verdict};
use super::engine::Engine;
use super::expiry::note_ending;
use super::keys::{ToSeal, still_keyed};
use super::object::{SecretView, live_secret, uses_of, with_uses};
use crate::access::PolicyTarget;
use crate::acl::Acl;
use crate::audit::{Action, Target};
use crate::certificate::Certificate;
use crate::disposal::Owner;
use crate::error::{Conflict, Error, Missing, Violation};
use crate::id::{ProjectId, SecretId};
use crate::ports::{ProjectKey, StoredPayload, Writer};
use crate::quota::Counted;
use crate::secret::{ContentType, NewSecret, Page, Payload, PayloadFormat, Secret, SecretQuery, Upload};

/// Storing, reading, listing and deleting secrets.
#[derive(Clone, Copy)]
pub struct Secrets<'a> {
    engine: &'a Engine,
}

/// A payload on its way out, and what its bytes are called.
#[derive(Debug)]
pub struct OpenedPayload {
    /// The bytes.
    pub payload: Payload,
    /// What they are called.
    pub content_type: ContentType,
}

/// Whether a secret is deleted although somebody uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Only when nobody uses it.
    UnlessUsed,
    /// In any case.
    Anyway,
}

impl Input<Self> for Deletion {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl Input<Self> for NewSecret {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl Input<Self> for Upload {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl Input<Self> for PayloadFormat {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl Input<Self> for SecretQuery {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl<'a> Secrets<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// Stores a secret in the caller's project (rule `secrets:post`), with or without a payload.
    pub async fn create(self, context: &CallContext, new: impl Input<NewSecret>) -> Verdict<Secret> {
        let id = SecretId::random();
        let attempt = Attempt::new(self.engine, context, Action::SecretCreate, None);
        let (permit, secret, new) = attempt.let_through(self.judge_new(&attempt, context, id, new)).await?;
        let change = attempt.on(Target::Secret(id)).intend(permit).await?;
        let quotas = self.engine.quotas;
        let certificate = new.payload.as_ref().and_then(|new| Certificate::read(new.payload.expose()));
        let ending = self.engine.ending(&secret, certificate);
        let store = |stored: Option<StoredPayload>| {
            let (row, ending) = (secret.clone(), ending.clone());
            move |writer: &mut dyn Writer| {
                quotas.check(writer, &row.project, Counted::Secrets, row.created)?;
                writer.insert_secret(&row)?;
                if let Some(stored) = &stored {
                    still_keyed(writer, stored)?;
                    writer.insert_payload(id, stored)?;
                }
                if let Some(ending) = &ending {
                    writer.put_ending(ending)?;
                }
                Ok(())
            }
        };
        let what = new.payload.as_ref().map(|payload| ToSeal::of(&secret, payload));
        let result = self.engine.seal_and_store(context, &change, Owner::Secret(id), what, store).await;
        change.conclude(result.map(|()| secret)).await
    }

    fn judge_new(
        self,
        attempt: &Attempt<'_>,
        context: &CallContext,
        id: SecretId,
        new: impl Input<NewSecret>,
    ) -> Result<(Permit, Secret, NewSecret), Error> {
        const RULE: &str = "secrets:post";
        let permit = attempt.authorise(RULE, &PolicyTarget::none())?;
        let project = context.caller.project.clone().ok_or(Error::Forbidden { rule: RULE })?;
        let new = new.take()?;
        let now = self.engine.clock.now();
        if new.expiration.is_some_and(|at| at <= now) {
            return Err(Violation::new("expiration", "is not in the future").into());
        }
        let secret = Secret {
            id,
            project,
            creator: context.caller.user.clone(),
            name: new.name.clone(),
            secret_type: new.secret_type,
            algorithm: new.algorithm.clone(),
            mode: new.mode.clone(),
            bit_length: new.bit_length,
            expiration: new.expiration,
            created: now,
            updated: now,
            content_type: new.payload.as_ref().map(|payload| payload.content_type),
        };
        Ok((permit, secret, new))
    }

    /// Uploads the payload of a secret that has none (rule `secret:put`).
    pub async fn upload(
        self,
        context: &CallContext,
        id: SecretId,
        upload: impl Input<Upload>,
    ) -> Verdict<()> {
        let attempt = self.attempt(context, Action::PayloadStore, id);
        let judged = async {
            let (secret, acl) = self.live_secret(id).await?;
            let target = PolicyTarget::secret(&secret, acl.as_ref(), &context.caller);
            let permit = attempt.authorise("secret:put", &target)?;
            let upload = upload.take()?;
            if secret.content_type.is_some() {
                return Err(Error::Conflict(Conflict::Payload));
            }
            Ok((permit, secret, upload.decode()?))
        }
        .await;
        let (permit, secret, payload) = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        let found = Certificate::read(payload.payload.expose())
            .and_then(|certificate| self.engine.ending(&secret, Some(certificate)));
        let store = |stored: Option<StoredPayload>| {
            let (now, found) = (self.engine.clock.now(), found.clone());
            move |writer: &mut dyn Writer| {
                if live_secret(writer, id, now)?.0.content_type.is_some() {
                    return Err(Error::Conflict(Conflict::Payload));
                }
                if let Some(stored) = &stored {
                    still_keyed(writer, stored)?;
                    writer.insert_payload(id, stored)?;
                }
                if let Some(found) = &found {
                    note_ending(writer, found)?;
                }
                Ok(writer.touch_secret(id, now)?)
            }
        };
        let what = Some(ToSeal::of(&secret, &payload));
        let result = self.engine.seal_and_store(context, &change, Owner::Secret(id), what, store).await;
        change.conclude(result).await
    }

    /// Everything known about a secret but its payload (rule `secret:get`).
    pub async fn describe(self, context: &CallContext, id: SecretId) -> Verdict<SecretView> {
        let attempt = self.attempt(context, Action::SecretRead, id);
        let result = async {
            let now = self.engine.clock.now();
            let found = self
                .engine
                .read(move |reader| Ok((live_secret(reader, id, now)?, uses_of(reader, id.into())?)));
            let ((secret, acl), uses) = found.await?;
            let target = PolicyTarget::secret(&secret, acl.as_ref(), &context.caller);
            let permit = attempt.authorise("secret:get", &target)?;
            Ok(permit.with(SecretView { secret, uses }))
        }
        .await;
        attempt.conclude(result).await
    }

    /// A secret's payload (rule `secret:decrypt`), in the form asked for.
    pub async fn payload(
        self,
        context: &CallContext,
        id: SecretId,
        format: impl Input<PayloadFormat>,
    ) -> Verdict<OpenedPayload> {
        let attempt = self.attempt(context, Action::PayloadRead, id);
        let result = async {
            let (permit, (secret, stored, key)) = self.sealed(&attempt, context, id).await?;
            let format = format.take()?;
            let (permit, payload) = match self.engine.open(&secret, &stored, &key).await {
                Ok(payload) => permit.with(payload),
                Err(error) => {
                    // It may have been moved to another store, sealed again or deleted meanwhile, and what was
                    // looked up be gone with that.
                    let (permit, (secret, again, key)) = self.sealed(&attempt, context, id).await?;
                    if again == stored {
                        return Err(error);
                    }
                    permit.with(self.engine.open(&secret, &again, &key).await?)
                }
            };
            let content_type = format.resolve(stored.content_type, payload.expose())?;
            self.engine.note_read(id);
            Ok(permit.with(OpenedPayload { payload, content_type }))
        }
        .await;
        attempt.conclude(result).await
    }

    /// A secret that the caller may read the payload of, and what it takes to open that.
    async fn sealed(
        self,
        attempt: &Attempt<'_>,
        context: &CallContext,
        id: SecretId,
    ) -> Result<(Permit, (Secret, StoredPayload, ProjectKey)), Error> {
        let now = self.engine.clock.now();
        let found = self.engine.read(move |reader| {
            let found = reader.sealed_secret(id)?.filter(|(secret, _)| !secret.is_expired(now));
            let (secret, sealed) = found.ok_or(Error::NotFound(Missing::Secret))?;
            Ok(((secret, reader.acl(id.into())?), sealed))
        });
        let ((secret, acl), sealed) = found.await?;
        let target = PolicyTarget::secret(&secret, acl.as_ref(), &context.caller);
        let permit = attempt.authorise("secret:decrypt", &target)?;
        let (stored, key) = sealed.ok_or(Error::NotFound(Missing::Payload))?;
        Ok(permit.with((secret, stored, key)))
    }

    /// The caller's project's secrets that match (rule `secrets:get`). Private secrets of other users are
    /// listed too: a list shows no payload (spec section 6.5).
    pub async fn list(
        self,
        context: &CallContext,
        query: impl Input<SecretQuery>,
    ) -> Verdict<Page<SecretView>> {
        let attempt = Attempt::new(self.engine, context, Action::SecretList, None);
        let result = async {
            const RULE: &str = "secrets:get";
            let permit = attempt.authorise(RULE, &PolicyTarget::none())?;
            let project: ProjectId = context.caller.project.clone().ok_or(Error::Forbidden { rule: RULE })?;
            let query = query.take()?;
            let now = self.engine.clock.now();
            let page = self.engine.read(move |reader| {
                let Page { items, total } = reader.secrets(&project, &query, now)?;
                let ids: Vec<_> = items.iter().map(|secret| secret.id.into()).collect();
                let uses = reader.uses(&ids)?;
                let view = |secret, uses| SecretView { secret, uses };
                Ok(Page { items: with_uses(uses, items, |secret| secret.id.into(), view), total })
            });
            Ok(permit.with(page.await?))
        }
        .await;
        attempt.conclude(result).await
    }

    /// Deletes a secret with everything that belongs to it (rule `secret:delete`). Nobody sees it from then on; it
    /// is destroyed, at once or when its [`UndoWindow`](crate::undo::UndoWindow) is over.
    pub async fn delete(self, context: &CallContext, id: SecretId, how: impl Input<Deletion>) -> Verdict<()> {
        let attempt = self.attempt(context, Action::SecretDelete, id);
        let judged = async {
            let (secret, acl) = self.live_secret(id).await?;
            let target = PolicyTarget::secret(&secret, acl.as_ref(), &context.caller);
            let permit = attempt.authorise("secret:delete", &target)?;
            Ok(permit.with(how.take()?))
        }
        .await;
        let (permit, how) = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        let now = self.engine.clock.now();
        let (remover, by) = (self.engine.remover(), context.caller.user.clone());
        change
            .carry_out(move |writer| {
                live_secret(writer, id, now)?;
                if how == Deletion::UnlessUsed && !uses_of(writer, id.into())?.is_empty() {
                    return Err(Error::HasConsumers);
                }
                remover.delete(writer, id, by.as_ref(), now)
            })
            .await
    }

    async fn live_secret(self, id: SecretId) -> Result<(Secret, Option<Acl>), Error> {
        let now = self.engine.clock.now();
        self.engine.read(move |reader| live_secret(reader, id, now)).await
    }

    fn attempt<'b>(self, context: &'b CallContext, action: Action, id: SecretId) -> Attempt<'b>
    where
        'a: 'b,
    {
        Attempt::new(self.engine, context, action, Some(Target::Secret(id)))
    }
}
