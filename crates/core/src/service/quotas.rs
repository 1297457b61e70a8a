use super::attempt::{Attempt, CallContext, Input, Verdict};
use super::engine::Engine;
use crate::access::PolicyTarget;
use crate::audit::{Action, Target};
use crate::error::{Error, Missing};
use crate::id::ProjectId;
use crate::ports::Writer;
use crate::quota::{ConfiguredQuotas, Counted, EffectiveQuotas, ProjectQuotas};
use crate::secret::{Page, Paging};
use crate::time::Timestamp;

/// How many objects a project may have (spec section 13).
#[derive(Clone, Copy)]
pub struct QuotaService<'a> {
    engine: &'a Engine,
}

impl Input<Self> for ProjectQuotas {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl EffectiveQuotas {
    /// Refuses when the project may not have one more object of that kind; `self` is what applies where
    /// nothing is set. Exact: it runs in the transaction that adds the object.
    pub(super) fn check(
        self,
        writer: &mut dyn Writer,
        project: &ProjectId,
        kind: Counted,
        now: Timestamp,
    ) -> Result<(), Error> {
        let set = writer.project_quotas(project)?.unwrap_or_default();
        let effective = set.over(self);
        // Counting is only worth its while where there is a limit at all.
        if effective.allows(kind, u64::MAX) || effective.allows(kind, writer.count(project, kind, now)?) {
            Ok(())
        } else {
            Err(Error::QuotaReached)
        }
    }

    /// Refuses when the project has more objects of that kind than it may, now that some were added.
    pub(super) fn check_added(
        self,
        writer: &mut dyn Writer,
        project: &ProjectId,
        kind: Counted,
        now: Timestamp,
    ) -> Result<(), Error> {
        let effective = writer.project_quotas(project)?.unwrap_or_default().over(self);
        if effective.allows(kind, u64::MAX) {
            return Ok(());
        }
        match writer.count(project, kind, now)?.checked_sub(1) {
            Some(others) if !effective.allows(kind, others) => Err(Error::QuotaReached),
            _ => Ok(()),
        }
    }
}

impl<'a> QuotaService<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// What applies to the caller's project (rule `quotas:get`).
    pub async fn effective(self, context: &CallContext) -> Verdict<EffectiveQuotas> {
        const RULE: &str = "quotas:get";
        let attempt = Attempt::new(self.engine, context, Action::QuotaRead, None);
        let result = async {
            let permit = attempt.authorise(RULE, &PolicyTarget::none())?;
            let project = context.caller.project.clone().ok_or(Error::Forbidden { rule: RULE })?;
            let set = self.engine.read(move |reader| Ok(reader.project_quotas(&project)?)).await?;
            Ok(permit.with(set.unwrap_or_default().over(self.engine.quotas)))
        }
        .await;
        attempt.conclude(result).await
    }

    /// A part of all that is set (rule `project_quotas:get`).
    pub async fn list(self, context: &CallContext, paging: Paging) -> Verdict<Page<ConfiguredQuotas>> {
        let attempt = Attempt::new(self.engine, context, Action::QuotaRead, None);
        let result = async {
            let permit = attempt.authorise("project_quotas:get", &PolicyTarget::none())?;
            Ok(permit.with(self.engine.read(move |reader| Ok(reader.configured_quotas(paging)?)).await?))
        }
        .await;
        attempt.conclude(result).await
    }

    /// What is set for a project (rule `project_quotas:get`).
    pub async fn get(self, context: &CallContext, project: ProjectId) -> Verdict<ProjectQuotas> {
        let attempt = self.attempt(context, Action::QuotaRead, &project);
        let result = async {
            let permit = attempt.authorise("project_quotas:get", &PolicyTarget::none())?;
            let set = self.engine.read(move |reader| Ok(reader.project_quotas(&project)?)).await?;
            Ok(permit.with(set.ok_or(Error::NotFound(Missing::ProjectQuotas))?))
        }
        .await;
        attempt.conclude(result).await
    }

    /// Sets the limits that the request names; the others keep their values (rule `project_quotas:put`).
    pub async fn set(
        self,
        context: &CallContext,
        project: ProjectId,
        request: impl Input<ProjectQuotas>,
    ) -> Verdict<()> {
        let attempt = self.attempt(context, Action::QuotaUpdate, &project);
        let judged = attempt
            .authorise("project_quotas:put", &PolicyTarget::none())
            .and_then(|permit| Ok((permit, request.take()?)));
        let (permit, request) = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        change
            .carry_out(move |writer| {
                let set = writer.project_quotas(&project)?.unwrap_or_default();
                Ok(writer.put_project_quotas(&project, set.merged(request))?)
            })
            .await
    }

    /// Goes back to the defaults (rule `project_quotas:delete`).
    pub async fn remove(self, context: &CallContext, project: ProjectId) -> Verdict<()> {
        let attempt = self.attempt(context, Action::QuotaDelete, &project);
        let permit =
            attempt.let_through(attempt.authorise("project_quotas:delete", &PolicyTarget::none())).await?;
        let change = attempt.intend(permit).await?;
        change
            .carry_out(move |writer| {
                let removed = writer.delete_project_quotas(&project)?;
                if removed { Ok(()) } else { Err(Error::NotFound(Missing::ProjectQuotas)) }
            })
            .await
    }

    fn attempt<'b>(self, context: &'b CallContext, action: Action, project: &ProjectId) -> Attempt<'b>
    where
        'a: 'b,
    {
        Attempt::new(self.engine, context, action, Some(Target::Quotas(project.to_string())))
    }
}
