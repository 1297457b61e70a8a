use super::attempt::{Attempt, CallContext, Input, Permit, Verdict};
use super::engine::Engine;
use crate::access::PolicyTarget;
use crate::audit::{Action, Target};
use crate::error::{Conflict, Error, Missing, Violation};
use crate::id::{ProjectId, SecretId};
use crate::ports::Reader;
use crate::secret::{ContentType, NewSecret, Page, Payload, PayloadFormat, Secret, SecretQuery, Upload};
use crate::time::Timestamp;

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
        let (permit, secret, new) = match self.judge_new(&attempt, context, id, new) {
            Ok(judged) => judged,
            Err(error) => return attempt.refuse(error).await,
        };
        let change = attempt.on(Target::Secret(id)).intend(permit).await?;
        let result = async {
            let stored = match &new.payload {
                Some(payload) => Some(self.engine.seal(context, change.permit(), &secret, payload).await?),
                None => None,
            };
            let row = secret.clone();
            change
                .apply(move |writer| {
                    writer.insert_secret(&row)?;
                    if let Some(stored) = &stored {
                        writer.insert_payload(id, stored)?;
                    }
                    Ok(())
                })
                .await?;
            Ok(secret)
        }
        .await;
        change.conclude(result).await
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
            let secret = self.engine.live_secret(id).await?;
            let permit = attempt.authorise("secret:put", &PolicyTarget::secret(&secret, &context.caller))?;
            let upload = upload.take()?;
            if secret.content_type.is_some() {
                return Err(Error::Conflict(Conflict::Payload));
            }
            Ok((permit, secret, upload.decode()?))
        }
        .await;
        let (permit, secret, payload) = match judged {
            Ok(judged) => judged,
            Err(error) => return attempt.refuse(error).await,
        };
        let change = attempt.intend(permit).await?;
        let result = async {
            let stored = self.engine.seal(context, change.permit(), &secret, &payload).await?;
            let now = self.engine.clock.now();
            change
                .apply(move |writer| {
                    if live(writer.secret(id)?, now)?.content_type.is_some() {
                        return Err(Error::Conflict(Conflict::Payload));
                    }
                    writer.insert_payload(id, &stored)?;
                    Ok(writer.touch_secret(id, now)?)
                })
                .await
        }
        .await;
        change.conclude(result).await
    }

    /// Everything known about a secret but its payload (rule `secret:get`).
    pub async fn describe(self, context: &CallContext, id: SecretId) -> Verdict<Secret> {
        let attempt = self.attempt(context, Action::SecretRead, id);
        let result = async {
            let secret = self.engine.live_secret(id).await?;
            let permit = attempt.authorise("secret:get", &PolicyTarget::secret(&secret, &context.caller))?;
            Ok(permit.with(secret))
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
            let now = self.engine.clock.now();
            let found = self.engine.read(move |reader| {
                let secret = live(reader.secret(id)?, now)?;
                let Some(stored) = reader.payload(id)? else { return Ok((secret, None)) };
                let key = reader.project_key(stored.key)?.ok_or(Error::Integrity)?;
                Ok((secret, Some((stored, key))))
            });
            let (secret, sealed) = found.await?;
            let target = PolicyTarget::secret(&secret, &context.caller);
            let permit = attempt.authorise("secret:decrypt", &target)?;
            let (stored, key) = sealed.ok_or(Error::NotFound(Missing::Payload))?;
            let format = format.take()?;
            let payload = self.engine.open(&secret, &stored, &key).await?;
            let content_type = format.resolve(stored.content_type, payload.expose())?;
            Ok(permit.with(OpenedPayload { payload, content_type }))
        }
        .await;
        attempt.conclude(result).await
    }

    /// The caller's project's secrets that match (rule `secrets:get`). Private secrets of other users are
    /// listed too: a list shows no payload (spec section 6.5).
    pub async fn list(self, context: &CallContext, query: impl Input<SecretQuery>) -> Verdict<Page<Secret>> {
        let attempt = Attempt::new(self.engine, context, Action::SecretList, None);
        let result = async {
            const RULE: &str = "secrets:get";
            let permit = attempt.authorise(RULE, &PolicyTarget::none())?;
            let project: ProjectId = context.caller.project.clone().ok_or(Error::Forbidden { rule: RULE })?;
            let query = query.take()?;
            let now = self.engine.clock.now();
            let page = self.engine.read(move |reader| Ok(reader.secrets(&project, &query, now)?)).await?;
            Ok(permit.with(page))
        }
        .await;
        attempt.conclude(result).await
    }

    /// Deletes a secret with everything that belongs to it (rule `secret:delete`). `condition` is judged
    /// once the caller is known to be allowed.
    pub async fn delete(self, context: &CallContext, id: SecretId, condition: impl Input<()>) -> Verdict<()> {
        let attempt = self.attempt(context, Action::SecretDelete, id);
        let judged = async {
            let secret = self.engine.live_secret(id).await?;
            let target = PolicyTarget::secret(&secret, &context.caller);
            let permit = attempt.authorise("secret:delete", &target)?;
            condition.take()?;
            Ok(permit)
        }
        .await;
        let permit = match judged {
            Ok(permit) => permit,
            Err(error) => return attempt.refuse(error).await,
        };
        let change = attempt.intend(permit).await?;
        let result = async {
            let now = self.engine.clock.now();
            let removed = change.apply(move |writer| {
                live(writer.secret(id)?, now)?;
                let stored = writer.payload(id)?;
                let key = match &stored {
                    Some(stored) => writer.project_key(stored.key)?,
                    None => None,
                };
                writer.delete_secret(id)?;
                Ok(stored.zip(key))
            });
            if let Some((stored, key)) = removed.await? {
                self.engine.forget(&stored.backend, &key, &stored.sealed).await?;
            }
            Ok(())
        }
        .await;
        change.conclude(result).await
    }

    fn attempt<'b>(self, context: &'b CallContext, action: Action, id: SecretId) -> Attempt<'b>
    where
        'a: 'b,
    {
        Attempt::new(self.engine, context, action, Some(Target::Secret(id)))
    }
}

impl Engine {
    /// The secret, unless it is missing or has expired.
    pub(super) async fn live_secret(&self, id: SecretId) -> Result<Secret, Error> {
        let now = self.clock.now();
        self.read(move |reader: &mut dyn Reader| live(reader.secret(id)?, now)).await
    }
}

/// An expired secret does not exist for anybody (spec section 18).
pub(super) fn live(found: Option<Secret>, now: Timestamp) -> Result<Secret, Error> {
    found.filter(|secret| !secret.is_expired(now)).ok_or(Error::NotFound(Missing::Secret))
}
