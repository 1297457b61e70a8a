//! `/v1/secrets/{id}/acl` and `/v1/containers/{id}/acl` (spec section 11).

use http::StatusCode;
use serde_json::{Value, json as object};
use strongroom_core::acl::{Acl, AclRequest, Users};
use strongroom_core::{AclChange, Error, UserId, Violation};

use crate::answer::json;
use crate::call::{Call, Handled};
use crate::references;
use crate::routes::Kind;

/// `GET …/acl`.
pub(crate) async fn get(call: &Call<'_>, kind: Kind) -> Handled {
    let verdict = call.manager.acls().get(&call.context, call.names.object(kind)?).await;
    Ok(call.answer(verdict, |acl| json(StatusCode::OK, &document(acl.as_ref()))))
}

/// `PUT …/acl`.
pub(crate) async fn replace(call: &Call<'_>, kind: Kind) -> Handled {
    change(call, kind, AclChange::Replace).await
}

/// `PATCH …/acl`.
pub(crate) async fn merge(call: &Call<'_>, kind: Kind) -> Handled {
    change(call, kind, AclChange::Merge).await
}

/// `DELETE …/acl`, which has a body, and always the same.
pub(crate) async fn remove(call: &Call<'_>, kind: Kind) -> Handled {
    let verdict = call.manager.acls().remove(&call.context, call.names.object(kind)?).await;
    Ok(call.answer(verdict, |()| json(StatusCode::OK, &Value::Null)))
}

async fn change(call: &Call<'_>, kind: Kind, how: AclChange) -> Handled {
    let target = call.names.object(kind)?;
    let verdict = call.manager.acls().change(&call.context, target, how, || request(call)).await;
    Ok(call.answer(verdict, |()| {
        let reference = format!("{}/acl", references::object(&call.base, target));
        json(StatusCode::OK, &object!({"acl_ref": reference}))
    }))
}

fn document(acl: Option<&Acl>) -> Value {
    match acl {
        None => object!({"read": {"project-access": true}}),
        Some(acl) => object!({"read": {
            "project-access": acl.project_access,
            "users": acl.users,
            "created": acl.created.to_string(),
            "updated": acl.updated.to_string(),
        }}),
    }
}

fn request(call: &Call<'_>) -> Result<AclRequest, Error> {
    let mut fields = call.fields()?;
    let read = fields.object("read")?;
    if !fields.is_empty() {
        return Err(Violation::new("body", "has operations other than read").into());
    }
    let Some(mut read) = read else { return Ok(AclRequest::default()) };
    let project_access = read.boolean("project-access")?;
    let users = match read.array("users")? {
        Some(given) => Some(Users::new(given.iter().map(user).collect::<Result<Vec<_>, _>>()?)?),
        None => None,
    };
    if !read.is_empty() {
        return Err(Violation::new("read", "has properties other than users and project-access").into());
    }
    Ok(AclRequest { project_access, users })
}

/// Every entry is judged, not only the first.
fn user(value: &Value) -> Result<UserId, Violation> {
    let id = value.as_str().and_then(|text| UserId::new(text).ok());
    id.ok_or(Violation::new("users", "has an entry that is not a text of 1 to 255 characters"))
}
