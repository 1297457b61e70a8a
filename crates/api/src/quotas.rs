//! `/v1/quotas` and `/v1/project-quotas` (spec section 13).

use http::StatusCode;
use serde_json::json as object;
use strongroom_core::quota::{ConfiguredQuotas, ProjectQuotas, Quotas};
use strongroom_core::{Error, Missing, ProjectId, Violation};

use crate::answer::{empty, json};
use crate::call::{Call, Handled};

/// `GET /quotas`.
pub(crate) async fn effective(call: &Call<'_>) -> Handled {
    let verdict = call.manager.quotas().effective(&call.context).await;
    Ok(call.answer(verdict, |quotas| json(StatusCode::OK, &object!({"quotas": quotas}))))
}

/// `GET /project-quotas`.
pub(crate) async fn list(call: &Call<'_>) -> Handled {
    let verdict = call.manager.quotas().list(&call.context, call.paging()).await;
    Ok(call.answer(verdict, |page| {
        let item =
            |set: &ConfiguredQuotas| object!({"project_id": set.project, "project_quotas": set.quotas});
        call.page("project-quotas", "project_quotas", page.items.iter().map(item), page.total)
    }))
}

/// `GET /project-quotas/{project}`.
pub(crate) async fn get(call: &Call<'_>) -> Handled {
    let verdict = call.manager.quotas().get(&call.context, project(call)?).await;
    Ok(call.answer(verdict, |quotas| json(StatusCode::OK, &object!({"project_quotas": quotas}))))
}

/// `PUT /project-quotas/{project}`.
pub(crate) async fn set(call: &Call<'_>) -> Handled {
    let verdict = call.manager.quotas().set(&call.context, project(call)?, || request(call)).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

/// `DELETE /project-quotas/{project}`.
pub(crate) async fn remove(call: &Call<'_>) -> Handled {
    let verdict = call.manager.quotas().remove(&call.context, project(call)?).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

/// The project of the path. It need not exist, but has to have a name that one can have.
fn project(call: &Call<'_>) -> Result<ProjectId, Error> {
    ProjectId::new(call.names.name()).map_err(|_| Error::NotFound(Missing::InvalidId))
}

fn request(call: &Call<'_>) -> Result<ProjectQuotas, Error> {
    let mut fields = call.fields()?;
    let mut limits = fields.required_object("project_quotas")?;
    if !fields.is_empty() {
        return Err(Violation::new("body", "has properties other than project_quotas").into());
    }
    let quotas = Quotas {
        secrets: limits.integer("secrets")?,
        orders: limits.integer("orders")?,
        containers: limits.integer("containers")?,
        consumers: limits.integer("consumers")?,
        cas: limits.integer("cas")?,
    };
    if !limits.is_empty() {
        return Err(Violation::new("project_quotas", "has a limit for something that is not counted").into());
    }
    Ok(quotas)
}
