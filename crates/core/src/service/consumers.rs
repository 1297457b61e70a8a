use super::attempt::{Attempt, CallContext, Input, Permit, Verdict};
use super::engine::Engine;
use super::object::{ObjectView, find, touch, uses_of};
use crate::audit::Action;
use crate::consumer::{Consumer, Use};
use crate::error::{Error, Missing};
use crate::id::{ConsumerId, ProjectId};
use crate::object::Object;
use crate::quota::Counted;
use crate::secret::{Page, Paging};

/// Who uses a secret or a container (spec section 8).
#[derive(Clone, Copy)]
pub struct Consumers<'a> {
    engine: &'a Engine,
}

impl Input<Self> for Use {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl<'a> Consumers<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// A part of an object's consumers (rule `secret_consumers:get` or `container_consumers:get`).
    pub async fn list(
        self,
        context: &CallContext,
        object: Object,
        paging: Paging,
    ) -> Verdict<Page<Consumer>> {
        let attempt = Attempt::new(self.engine, context, Action::ConsumerRead, Some(object.into()));
        let result = async {
            let now = self.engine.clock.now();
            let found = self
                .engine
                .read(move |reader| Ok((find(reader, object, now)?, reader.consumers(object, paging)?)));
            let (found, page) = found.await?;
            let permit = attempt.authorise(rules(object).get, &found.target(&context.caller))?;
            Ok(permit.with(page))
        }
        .await;
        attempt.conclude(result).await
    }

    /// One of an object's consumers (rule `consumer:get`).
    pub async fn get(self, context: &CallContext, object: Object, id: ConsumerId) -> Verdict<Consumer> {
        let attempt = Attempt::new(self.engine, context, Action::ConsumerRead, Some(object.into()));
        let result = async {
            let now = self.engine.clock.now();
            let found = self
                .engine
                .read(move |reader| Ok((find(reader, object, now)?, reader.consumer(object, id)?)));
            let (found, consumer) = found.await?;
            let permit = attempt.authorise("consumer:get", &found.target(&context.caller))?;
            Ok(permit.with(consumer.ok_or(Error::NotFound(Missing::Consumer))?))
        }
        .await;
        attempt.conclude(result).await
    }

    /// Registers a use (rule `…_consumers:post`) and gives the object with all its uses. A use that is
    /// registered already stays as it is.
    pub async fn register(
        self,
        context: &CallContext,
        object: Object,
        used_by: impl Input<Use>,
    ) -> Verdict<ObjectView> {
        let rule = rules(object).post;
        let attempt = Attempt::new(self.engine, context, Action::ConsumerCreate, Some(object.into()));
        let judged = self.judge(&attempt, context, object, rule, used_by).await;
        let (permit, project, used_by) = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        let now = self.engine.clock.now();
        let quotas = self.engine.quotas;
        change
            .carry_out(move |writer| {
                find(writer, object, now)?;
                // Before looking whether it is there already, as the reference does (spec section 8.1).
                quotas.check(writer, &project, rules(object).counted, now)?;
                if writer.consumer_by_use(object, &used_by)?.is_none() {
                    let (id, used_by, project) = (ConsumerId::random(), used_by.clone(), project.clone());
                    let consumer = Consumer { id, project, used_by, created: now, updated: now };
                    writer.insert_consumer(object, &consumer)?;
                    touch(writer, object, now)?;
                }
                let uses = uses_of(writer, object)?;
                Ok(find(writer, object, now)?.viewed(uses))
            })
            .await
    }

    /// Removes a use (rule `…_consumers:delete`) and gives the object with those that are left. Only the
    /// project that registered it and the object's own may.
    pub async fn remove(
        self,
        context: &CallContext,
        object: Object,
        used_by: impl Input<Use>,
    ) -> Verdict<ObjectView> {
        let rule = rules(object).delete;
        let attempt = Attempt::new(self.engine, context, Action::ConsumerDelete, Some(object.into()));
        let judged = self.judge(&attempt, context, object, rule, used_by).await;
        let (permit, project, used_by) = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        let now = self.engine.clock.now();
        change
            .carry_out(move |writer| {
                let found = find(writer, object, now)?;
                let consumer = writer.consumer_by_use(object, &used_by)?;
                let consumer = consumer.ok_or(Error::NotFound(Missing::Consumer))?;
                if project != consumer.project && project != *found.project() {
                    return Err(Error::ForeignConsumer);
                }
                writer.delete_consumer(consumer.id)?;
                let uses = uses_of(writer, object)?;
                Ok(found.viewed(uses))
            })
            .await
    }

    async fn judge(
        self,
        attempt: &Attempt<'_>,
        context: &CallContext,
        object: Object,
        rule: &'static str,
        used_by: impl Input<Use>,
    ) -> Result<(Permit, ProjectId, Use), Error> {
        let found = self.engine.find(object).await?;
        let permit = attempt.authorise(rule, &found.target(&context.caller))?;
        let project = context.caller.project.clone().ok_or(Error::Forbidden { rule })?;
        let used_by = used_by.take()?;
        let fits = matches!(
            (object, &used_by),
            (Object::Secret(_), Use::Secret(_)) | (Object::Container(_), Use::Container(_))
        );
        if fits { Ok((permit, project, used_by)) } else { Err(Error::Internal("a use of another kind")) }
    }
}

struct Rules {
    get: &'static str,
    post: &'static str,
    delete: &'static str,
    counted: Counted,
}

fn rules(object: Object) -> Rules {
    match object {
        Object::Secret(_) => Rules {
            get: "secret_consumers:get",
            post: "secret_consumers:post",
            delete: "secret_consumers:delete",
            counted: Counted::SecretConsumers,
        },
        Object::Container(_) => Rules {
            get: "container_consumers:get",
            post: "container_consumers:post",
            delete: "container_consumers:delete",
            counted: Counted::ContainerConsumers,
        },
    }
}
