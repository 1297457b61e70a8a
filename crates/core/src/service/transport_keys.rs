use super::attempt::{Attempt, CallContext, Input, Verdict};
use super::engine::Engine;
use crate::access::PolicyTarget;
use crate::audit::{Action, Target};
use crate::error::{Error, Missing};
use crate::id::TransportKeyId;
use crate::secret::{Page, Paging};
use crate::transport_key::{NewTransportKey, TransportKey};

/// Public keys that clients may wrap payloads with (spec section 15).
#[derive(Clone, Copy)]
pub struct TransportKeys<'a> {
    engine: &'a Engine,
}

impl Input<Self> for NewTransportKey {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl<'a> TransportKeys<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// A part of all keys, or of those for one backend (rule `transport_keys:get`).
    pub async fn list(
        self,
        context: &CallContext,
        plugin_name: Option<String>,
        paging: Paging,
    ) -> Verdict<Page<TransportKey>> {
        let attempt = Attempt::new(self.engine, context, Action::TransportKeyRead, None);
        let result = async {
            let permit = attempt.authorise("transport_keys:get", &PolicyTarget::none())?;
            let page =
                self.engine.read(move |reader| Ok(reader.transport_keys(plugin_name.as_deref(), paging)?));
            Ok(permit.with(page.await?))
        }
        .await;
        attempt.conclude(result).await
    }

    /// One key (rule `transport_key:get`).
    pub async fn get(self, context: &CallContext, id: TransportKeyId) -> Verdict<TransportKey> {
        let target = Some(Target::TransportKey(id));
        let attempt = Attempt::new(self.engine, context, Action::TransportKeyRead, target);
        let result = async {
            let found = self.engine.read(move |reader| Ok(reader.transport_key(id)?)).await?;
            let found = found.ok_or(Error::NotFound(Missing::TransportKey))?;
            Ok(attempt.authorise("transport_key:get", &PolicyTarget::none())?.with(found))
        }
        .await;
        attempt.conclude(result).await
    }

    /// Adds a key (rule `transport_keys:post`).
    pub async fn create(
        self,
        context: &CallContext,
        new: impl Input<NewTransportKey>,
    ) -> Verdict<TransportKey> {
        let attempt = Attempt::new(self.engine, context, Action::TransportKeyCreate, None);
        let judged = attempt
            .authorise("transport_keys:post", &PolicyTarget::none())
            .and_then(|permit| Ok((permit, new.take()?)));
        let (permit, key) = attempt.let_through(judged).await?;
        let id = TransportKeyId::random();
        let made = TransportKey { id, key, created: self.engine.clock.now() };
        let change = attempt.on(Target::TransportKey(id)).intend(permit).await?;
        change
            .carry_out(move |writer| {
                writer.insert_transport_key(&made)?;
                Ok(made.clone())
            })
            .await
    }

    /// Removes a key (rule `transport_key:delete`).
    pub async fn delete(self, context: &CallContext, id: TransportKeyId) -> Verdict<()> {
        let target = Some(Target::TransportKey(id));
        let attempt = Attempt::new(self.engine, context, Action::TransportKeyDelete, target);
        let judged = async {
            let found = self.engine.read(move |reader| Ok(reader.transport_key(id)?)).await?;
            found.ok_or(Error::NotFound(Missing::TransportKey))?;
            attempt.authorise("transport_key:delete", &PolicyTarget::none())
        }
        .await;
        let permit = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        change
            .carry_out(move |writer| {
                let removed = writer.delete_transport_key(id)?;
                if removed { Ok(()) } else { Err(Error::NotFound(Missing::TransportKey)) }
            })
            .await
    }
}
