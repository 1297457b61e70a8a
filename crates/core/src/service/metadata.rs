use super::attempt::{Attempt, CallContext, Change, Input, Permit, Verdict};
use super::engine::Engine;
use super::object::live_secret;
use crate::access::PolicyTarget;
use crate::audit::{Action, Target};
use crate::error::{Conflict, Error, Missing};
use crate::id::SecretId;
use crate::ports::Writer;
use crate::secret::{MetadataKey, MetadataValue, UserMetadata};

/// The user metadata of secrets: key and value pairs that their owner attaches (spec section 7).
#[derive(Clone, Copy)]
pub struct Metadata<'a> {
    engine: &'a Engine,
}

type Pair = (MetadataKey, MetadataValue);

impl<'a> Metadata<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// All pairs (rule `secret_meta:get`).
    pub async fn all(self, context: &CallContext, id: SecretId) -> Verdict<UserMetadata> {
        let attempt = self.attempt(context, Action::MetadataRead, id);
        let result = self.read(&attempt, context, id).await;
        attempt.conclude(result).await
    }

    /// One pair (rule `secret_meta:get`). The key is matched as it is, without lower-casing.
    pub async fn get(self, context: &CallContext, id: SecretId, key: &str) -> Verdict<Pair> {
        let attempt = self.attempt(context, Action::MetadataRead, id);
        let result = self.read(&attempt, context, id).await.and_then(|(permit, all)| {
            let pair = all.into_iter().find(|(stored, _)| stored.as_str() == key);
            Ok(permit.with(pair.ok_or(Error::NotFound(Missing::MetadataKey))?))
        });
        attempt.conclude(result).await
    }

    /// Replaces all pairs (rule `secret_meta:put`).
    pub async fn replace(
        self,
        context: &CallContext,
        id: SecretId,
        all: impl Input<UserMetadata>,
    ) -> Verdict<()> {
        self.change(context, id, "secret_meta:put", all, move |writer, all| {
            Ok(writer.replace_user_metadata(id, all)?)
        })
        .await
    }

    /// Adds a pair under a key not used yet (rule `secret_meta:post`).
    pub async fn add(self, context: &CallContext, id: SecretId, pair: impl Input<Pair>) -> Verdict<Pair> {
        self.change(context, id, "secret_meta:post", pair, move |writer, pair| {
            if writer.user_metadata(id)?.contains_key(&pair.0) {
                return Err(Error::Conflict(Conflict::MetadataKey));
            }
            writer.put_user_metadatum(id, &pair.0, &pair.1)?;
            Ok(pair.clone())
        })
        .await
    }

    /// Sets the value under a key that is there (rule `secret_meta:put`); the pair must be of that key.
    pub async fn set(
        self,
        context: &CallContext,
        id: SecretId,
        key: &str,
        pair: impl Input<Pair>,
    ) -> Verdict<Pair> {
        let key = key.to_owned();
        self.change(context, id, "secret_meta:put", pair, move |writer, pair| {
            if !writer.user_metadata(id)?.keys().any(|stored| stored.as_str() == key) {
                return Err(Error::NotFound(Missing::MetadataKey));
            }
            if pair.0.as_str() != key {
                return Err(Error::Conflict(Conflict::MetadataKeyMismatch));
            }
            writer.put_user_metadatum(id, &pair.0, &pair.1)?;
            Ok(pair.clone())
        })
        .await
    }

    /// Removes a pair (rule `secret_meta:delete`); it need not be there.
    pub async fn remove(self, context: &CallContext, id: SecretId, key: &str) -> Verdict<()> {
        let key = key.to_owned();
        self.change(
            context,
            id,
            "secret_meta:delete",
            || Ok(()),
            move |writer, ()| {
                writer.delete_user_metadatum(id, &key)?;
                Ok(())
            },
        )
        .await
    }

    async fn read(
        self,
        attempt: &Attempt<'_>,
        context: &CallContext,
        id: SecretId,
    ) -> Result<(Permit, UserMetadata), Error> {
        let now = self.engine.clock.now();
        let found =
            self.engine.read(move |reader| Ok((live_secret(reader, id, now)?, reader.user_metadata(id)?)));
        let ((secret, acl), all) = found.await?;
        let target = PolicyTarget::secret(&secret, acl.as_ref(), &context.caller);
        let permit = attempt.authorise("secret_meta:get", &target)?;
        Ok(permit.with(all))
    }

    /// A change of one secret's metadata: find, authorise, judge the input, put the intent on record,
    /// apply if the secret is still there, put the outcome on record.
    async fn change<I, T>(
        self,
        context: &CallContext,
        id: SecretId,
        rule: &'static str,
        input: impl Input<I>,
        effect: impl Fn(&mut dyn Writer, &I) -> Result<T, Error> + Send + 'static,
    ) -> Verdict<T>
    where
        I: Send + 'static,
        T: Send + 'static,
    {
        let attempt = self.attempt(context, Action::MetadataUpdate, id);
        let judged = async {
            let found = self.engine.find(id.into()).await?;
            let permit = attempt.authorise(rule, &found.target(&context.caller))?;
            Ok(permit.with(input.take()?))
        }
        .await;
        let (permit, input) = attempt.let_through(judged).await?;
        let change: Change<'_> = attempt.intend(permit).await?;
        let now = self.engine.clock.now();
        let result = change
            .apply(move |writer| {
                live_secret(writer, id, now)?;
                effect(writer, &input)
            })
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

impl Input<Self> for UserMetadata {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl Input<Self> for Pair {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}
