use super::attempt::{Attempt, CallContext, Input, Permit, Verdict};
use super::engine::Engine;
use super::object::{ContainerView, container, live_secret, uses_of, with_uses};
use crate::access::PolicyTarget;
use crate::audit::{Action, Target};
use crate::container::{Container, ContainerQuery, ContainerType, Member, NewContainer};
use crate::error::{Conflict, Error, Missing, Violation};
use crate::id::{ContainerId, ProjectId, SecretId};
use crate::ports::Reader;
use crate::quota::Counted;
use crate::secret::Page;
use crate::time::Timestamp;

/// Secrets that belong together (spec section 9).
#[derive(Clone, Copy)]
pub struct Containers<'a> {
    engine: &'a Engine,
}

impl Input<Self> for NewContainer {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl Input<Self> for ContainerQuery {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl Input<Self> for Member {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl<'a> Containers<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// Makes a container of secrets of the caller's project (rule `containers:post`).
    pub async fn create(self, context: &CallContext, new: impl Input<NewContainer>) -> Verdict<Container> {
        const RULE: &str = "containers:post";
        let id = ContainerId::random();
        let attempt = Attempt::new(self.engine, context, Action::ContainerCreate, None);
        let now = self.engine.clock.now();
        let judged = attempt.authorise(RULE, &PolicyTarget::none()).and_then(|permit| {
            let project = context.caller.project.clone().ok_or(Error::Forbidden { rule: RULE })?;
            let NewContainer { name, container_type, members } = new.take()?;
            let creator = context.caller.user.clone();
            let made =
                Container { id, project, creator, name, container_type, members, created: now, updated: now };
            Ok((permit, made))
        });
        let (permit, made) = attempt.let_through(judged).await?;
        let change = attempt.on(Target::Container(id)).intend(permit).await?;
        let quotas = self.engine.quotas;
        change
            .carry_out(move |writer| {
                quotas.check(writer, &made.project, Counted::Containers, now)?;
                for member in &made.members {
                    own_secret(writer, member.secret, &made.project, now)?;
                }
                writer.insert_container(&made)?;
                Ok(made.clone())
            })
            .await
    }

    /// The caller's project's containers that match (rule `containers:get`). Private ones are listed too.
    pub async fn list(
        self,
        context: &CallContext,
        query: impl Input<ContainerQuery>,
    ) -> Verdict<Page<ContainerView>> {
        const RULE: &str = "containers:get";
        let attempt = Attempt::new(self.engine, context, Action::ContainerList, None);
        let result = async {
            let permit = attempt.authorise(RULE, &PolicyTarget::none())?;
            let project = context.caller.project.clone().ok_or(Error::Forbidden { rule: RULE })?;
            let query = query.take()?;
            let page = self.engine.read(move |reader| {
                let Page { items, total } = reader.containers(&project, &query)?;
                let ids: Vec<_> = items.iter().map(|container| container.id.into()).collect();
                let uses = reader.uses(&ids)?;
                let view = |container, uses| ContainerView { container, uses };
                Ok(Page { items: with_uses(uses, items, |container| container.id.into(), view), total })
            });
            Ok(permit.with(page.await?))
        }
        .await;
        attempt.conclude(result).await
    }

    /// A container with its members and consumers (rule `container:get`).
    pub async fn describe(self, context: &CallContext, id: ContainerId) -> Verdict<ContainerView> {
        let attempt = self.attempt(context, Action::ContainerRead, id);
        let result = async {
            let found =
                self.engine.read(move |reader| Ok((container(reader, id)?, uses_of(reader, id.into())?)));
            let ((container, acl), uses) = found.await?;
            let target = PolicyTarget::container(&container, acl.as_ref(), &context.caller);
            let permit = attempt.authorise("container:get", &target)?;
            Ok(permit.with(ContainerView { container, uses }))
        }
        .await;
        attempt.conclude(result).await
    }

    /// Deletes a container; the secrets in it stay (rule `container:delete`).
    pub async fn delete(self, context: &CallContext, id: ContainerId) -> Verdict<()> {
        let attempt = self.attempt(context, Action::ContainerDelete, id);
        let (permit, _) =
            attempt.let_through(self.permit(&attempt, context, id, "container:delete").await).await?;
        let change = attempt.intend(permit).await?;
        change
            .carry_out(move |writer| {
                container(writer, id)?;
                Ok(writer.delete_container(id)?)
            })
            .await
    }

    /// Puts a secret of the caller's project into a generic container (rule `container_secret:post`).
    pub async fn add_member(
        self,
        context: &CallContext,
        id: ContainerId,
        member: impl Input<Member>,
    ) -> Verdict<()> {
        const RULE: &str = "container_secret:post";
        let attempt = self.attempt(context, Action::MemberAdd, id);
        let judged = self.permit(&attempt, context, id, RULE).await.and_then(|(permit, container)| {
            if container.container_type != ContainerType::Generic {
                return Err(
                    Violation::new("type", "is not generic: only generic containers take members").into()
                );
            }
            let project = context.caller.project.clone().ok_or(Error::Forbidden { rule: RULE })?;
            Ok((permit, project, member.take()?))
        });
        let (permit, project, member) = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        let now = self.engine.clock.now();
        change
            .carry_out(move |writer| {
                let (container, _) = container(writer, id)?;
                own_secret(writer, member.secret, &project, now)?;
                let same = |there: &Member| {
                    there.secret == member.secret && there.name_or_empty() == member.name_or_empty()
                };
                if container.members.iter().any(same) {
                    return Err(Error::Conflict(Conflict::Member));
                }
                Ok(writer.insert_member(id, &member)?)
            })
            .await
    }

    /// Takes a secret out of a container of any type (rule `container_secret:delete`).
    pub async fn remove_member(
        self,
        context: &CallContext,
        id: ContainerId,
        member: impl Input<Member>,
    ) -> Verdict<()> {
        let attempt = self.attempt(context, Action::MemberRemove, id);
        let judged = self.permit(&attempt, context, id, "container_secret:delete").await;
        let (permit, member) =
            attempt.let_through(judged.and_then(|(permit, _)| Ok((permit, member.take()?)))).await?;
        let change = attempt.intend(permit).await?;
        let now = self.engine.clock.now();
        change
            .carry_out(move |writer| {
                container(writer, id)?;
                live_secret(writer, member.secret, now)?;
                let removed = writer.delete_member(id, &member)?;
                if removed { Ok(()) } else { Err(Error::NotFound(Missing::Member)) }
            })
            .await
    }

    async fn permit(
        self,
        attempt: &Attempt<'_>,
        context: &CallContext,
        id: ContainerId,
        rule: &'static str,
    ) -> Result<(Permit, Container), Error> {
        let (container, acl) = self.engine.read(move |reader| container(reader, id)).await?;
        let target = PolicyTarget::container(&container, acl.as_ref(), &context.caller);
        let permit = attempt.authorise(rule, &target)?;
        Ok(permit.with(container))
    }

    fn attempt<'b>(self, context: &'b CallContext, action: Action, id: ContainerId) -> Attempt<'b>
    where
        'a: 'b,
    {
        Attempt::new(self.engine, context, action, Some(Target::Container(id)))
    }
}

/// A secret that the project may put into a container: its own, unexpired. Of any other it learns nothing.
fn own_secret(
    reader: &mut dyn Reader,
    id: SecretId,
    project: &ProjectId,
    now: Timestamp,
) -> Result<(), Error> {
    let (secret, _) = live_secret(reader, id, now)?;
    if secret.project == *project { Ok(()) } else { Err(Error::NotFound(Missing::Secret)) }
}
