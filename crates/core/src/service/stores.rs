use super::attempt::{Attempt, CallContext, Verdict};
use super::engine::Engine;
use crate::access::PolicyTarget;
use crate::audit::{Action, Target};
use crate::error::{Error, Missing};
use crate::id::{ProjectId, SecretStoreId};
use crate::store::SecretStore;

/// Which secret stores there are, and which one a project prefers (spec section 14). With one store only,
/// the API's part about several is off: whoever may ask is told that there is nothing.
#[derive(Clone, Copy)]
pub struct Stores<'a> {
    engine: &'a Engine,
}

impl<'a> Stores<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// Whether clients can choose among several stores.
    pub fn are_several(self) -> bool {
        !self.engine.stores.is_empty()
    }

    /// All of them, the global default first (rule `secretstores:get`).
    pub async fn list(self, context: &CallContext) -> Verdict<Vec<SecretStore>> {
        let attempt = Attempt::new(self.engine, context, Action::StoreRead, None);
        let result = attempt.authorise("secretstores:get", &PolicyTarget::none()).and_then(|permit| {
            let stores = self.engine.stores.clone();
            if stores.is_empty() {
                Err(Error::NotFound(Missing::SecretStore))
            } else {
                Ok(permit.with(stores))
            }
        });
        attempt.conclude(result).await
    }

    /// The one for projects that prefer no other (rule `secretstores:get_global_default`).
    pub async fn global_default(self, context: &CallContext) -> Verdict<SecretStore> {
        let attempt = Attempt::new(self.engine, context, Action::StoreRead, None);
        let rule = "secretstores:get_global_default";
        let result = attempt.authorise(rule, &PolicyTarget::none()).and_then(|permit| {
            let default = self.engine.stores.iter().find(|store| store.global_default);
            default.cloned().map(|store| permit.with(store)).ok_or(Error::NotFound(Missing::SecretStore))
        });
        attempt.conclude(result).await
    }

    /// The one that the caller's project prefers (rule `secretstores:get_preferred`).
    pub async fn preferred(self, context: &CallContext) -> Verdict<SecretStore> {
        const RULE: &str = "secretstores:get_preferred";
        let attempt = Attempt::new(self.engine, context, Action::StoreRead, None);
        let result = async {
            let permit = attempt.authorise(RULE, &PolicyTarget::none())?;
            let project = project_of(context, RULE)?;
            if !self.are_several() {
                return Err(Error::NotFound(Missing::SecretStore));
            }
            let preferred = self.engine.read(move |reader| Ok(reader.preferred_store(&project)?)).await?;
            let id = preferred.ok_or(Error::NotFound(Missing::Preference))?;
            Ok(permit.with(self.engine.store(id)?.clone()))
        }
        .await;
        attempt.conclude(result).await
    }

    /// One of them (rule `secretstore:get`).
    pub async fn get(self, context: &CallContext, id: SecretStoreId) -> Verdict<SecretStore> {
        let attempt = self.attempt(context, Action::StoreRead, id);
        let result = attempt
            .authorise("secretstore:get", &PolicyTarget::none())
            .and_then(|permit| Ok(permit.with(self.engine.store(id)?.clone())));
        attempt.conclude(result).await
    }

    /// Has the caller's project's new secrets kept in that store (rule `secretstore_preferred:post`). Those
    /// that are there stay where they are.
    pub async fn prefer(self, context: &CallContext, id: SecretStoreId) -> Verdict<()> {
        const RULE: &str = "secretstore_preferred:post";
        let attempt = self.attempt(context, Action::StoreUpdate, id);
        let judged = attempt.authorise(RULE, &PolicyTarget::none()).and_then(|permit| {
            let project = project_of(context, RULE)?;
            self.engine.store(id)?;
            Ok((permit, project))
        });
        let (permit, project) = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        change.carry_out(move |writer| Ok(writer.prefer_store(&project, id)?)).await
    }

    /// Goes back to the global default, whichever store was preferred (rule `secretstore_preferred:delete`).
    pub async fn forget_preference(self, context: &CallContext, id: SecretStoreId) -> Verdict<()> {
        const RULE: &str = "secretstore_preferred:delete";
        let attempt = self.attempt(context, Action::StoreUpdate, id);
        let judged = attempt.authorise(RULE, &PolicyTarget::none()).and_then(|permit| {
            let project = project_of(context, RULE)?;
            self.engine.store(id)?;
            Ok((permit, project))
        });
        let (permit, project) = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        change
            .carry_out(move |writer| {
                let removed = writer.forget_preference(&project)?;
                if removed { Ok(()) } else { Err(Error::NotFound(Missing::Preference)) }
            })
            .await
    }

    fn attempt<'b>(self, context: &'b CallContext, action: Action, id: SecretStoreId) -> Attempt<'b>
    where
        'a: 'b,
    {
        Attempt::new(self.engine, context, action, Some(Target::SecretStore(id)))
    }
}

impl Engine {
    pub(super) fn store(&self, id: SecretStoreId) -> Result<&SecretStore, Error> {
        self.stores.iter().find(|store| store.id == id).ok_or(Error::NotFound(Missing::SecretStore))
    }
}

fn project_of(context: &CallContext, rule: &'static str) -> Result<ProjectId, Error> {
    context.caller.project.clone().ok_or(Error::Forbidden { rule })
}
