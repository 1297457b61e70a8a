use super::attempt::{Attempt, CallContext, Input, Verdict};
use super::engine::Engine;
use super::object::{find, touch};
use crate::acl::{AccessChange, Acl, AclRequest};
use crate::audit::Action;
use crate::error::Error;
use crate::object::Object;

/// Who besides the project may read a secret or a container (spec section 11).
#[derive(Clone, Copy)]
pub struct Acls<'a> {
    engine: &'a Engine,
}

/// What to do with the list that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclChange {
    /// Put the request in its place; an empty request goes back to the default.
    Replace,
    /// Change what the request names; an empty request changes nothing.
    Merge,
}

impl Input<Self> for AclRequest {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl<'a> Acls<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// The list, or `None` for the default one (rule `secret_acls:get` or `container_acls:get`).
    pub async fn get(self, context: &CallContext, object: Object) -> Verdict<Option<Acl>> {
        let attempt = Attempt::new(self.engine, context, Action::AclRead, Some(object.into()));
        let result = async {
            let found = self.engine.find(object).await?;
            let permit = attempt.authorise(rules(object).get, &found.target(&context.caller))?;
            Ok(permit.with(found.acl().cloned()))
        }
        .await;
        attempt.conclude(result).await
    }

    /// Changes the list (rule `…_acls:put_patch`).
    pub async fn change(
        self,
        context: &CallContext,
        object: Object,
        how: AclChange,
        request: impl Input<AclRequest>,
    ) -> Verdict<()> {
        let attempt = Attempt::new(self.engine, context, Action::AclUpdate, Some(object.into()));
        let judged = async {
            let found = self.engine.find(object).await?;
            let permit = attempt.authorise(rules(object).put_patch, &found.target(&context.caller))?;
            Ok((permit, request.take()?))
        }
        .await;
        let (permit, request) = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        let now = self.engine.clock.now();
        let result = change
            .apply(move |writer| {
                let found = find(writer, object, now)?;
                let old = found.acl();
                let new = match how {
                    AclChange::Replace if request.is_empty() => None,
                    AclChange::Merge if request.is_empty() => old.cloned(),
                    AclChange::Replace => {
                        let fresh = request.clone().applied_to(None, now);
                        Some(Acl { created: old.map_or(now, |acl| acl.created), ..fresh })
                    }
                    AclChange::Merge => Some(request.clone().applied_to(old, now)),
                };
                match &new {
                    Some(acl) if old != new.as_ref() => writer.put_acl(object, acl)?,
                    Some(_) => {}
                    None => writer.delete_acl(object)?,
                }
                touch(writer, object, now)?;
                Ok(AccessChange::between(old, new.as_ref()))
            })
            .await;
        let verdict = change.conclude_with(result, |access| Some(access.clone())).await;
        verdict.map(|done| done.map(drop))
    }

    /// Goes back to the default list (rule `…_acls:delete`); there need not be another.
    pub async fn remove(self, context: &CallContext, object: Object) -> Verdict<()> {
        let attempt = Attempt::new(self.engine, context, Action::AclDelete, Some(object.into()));
        let judged = async {
            let found = self.engine.find(object).await?;
            attempt.authorise(rules(object).delete, &found.target(&context.caller))
        }
        .await;
        let permit = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        let now = self.engine.clock.now();
        let result = change
            .apply(move |writer| {
                let found = find(writer, object, now)?;
                writer.delete_acl(object)?;
                Ok(AccessChange::between(found.acl(), None))
            })
            .await;
        let verdict = change.conclude_with(result, |access| Some(access.clone())).await;
        verdict.map(|done| done.map(drop))
    }
}

struct Rules {
    get: &'static str,
    put_patch: &'static str,
    delete: &'static str,
}

fn rules(object: Object) -> Rules {
    match object {
        Object::Secret(_) => {
            Rules { get: "secret_acls:get", put_patch: "secret_acls:put_patch", delete: "secret_acls:delete" }
        }
        Object::Container(_) => Rules {
            get: "container_acls:get",
            put_patch: "container_acls:put_patch",
            delete: "container_acls:delete",
        },
    }
}
