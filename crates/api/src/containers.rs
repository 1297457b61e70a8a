//! `/v1/containers` and the secrets in them (spec section 9).

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json as object};
use strongroom_core::container::{ContainerQuery, ContainerType, Member, NewContainer};
use strongroom_core::secret::Label;
use strongroom_core::{ContainerId, ContainerView, Error, Object, Timestamp, UserId, Violation};

use crate::answer::{Reply, empty, json, located};
use crate::call::{Call, Handled};
use crate::consumers::Summary;
use crate::http::json::{Fields, Null};
use crate::references::{self, Reference};
use crate::settings::BaseUrl;

/// `POST /containers`.
pub(crate) async fn create(call: &Call<'_>) -> Handled {
    let verdict = call.manager.containers().create(&call.context, || new_container(call)).await;
    Ok(call.answer(verdict, |container| made(call, container.id)))
}

/// `GET /containers`.
pub(crate) async fn list(call: &Call<'_>) -> Handled {
    let query = ContainerQuery {
        name: call.query.filled("name").map(str::to_owned),
        container_type: call.query.filled("type").map(str::to_owned),
        paging: call.paging(),
    };
    let verdict = call.manager.containers().list(&call.context, query).await;
    Ok(call.answer(verdict, |page| {
        let items = page.items.iter().map(|view| Document::of(view, &call.base));
        call.page("containers", "containers", items, page.total)
    }))
}

/// `GET /containers/{id}`.
pub(crate) async fn describe(call: &Call<'_>) -> Handled {
    let verdict = call.manager.containers().describe(&call.context, call.names.id()?).await;
    Ok(call.answer(verdict, |view| json(StatusCode::OK, &Document::of(&view, &call.base))))
}

/// `DELETE /containers/{id}`.
pub(crate) async fn delete(call: &Call<'_>) -> Handled {
    let verdict = call.manager.containers().delete(&call.context, call.names.id()?).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

/// `POST /containers/{id}/secrets`.
pub(crate) async fn add_member(call: &Call<'_>) -> Handled {
    let id = call.names.id()?;
    let named = || member(&mut call.fields()?);
    let verdict = call.manager.containers().add_member(&call.context, id, named).await;
    Ok(call.answer(verdict, |()| made(call, id)))
}

/// `DELETE /containers/{id}/secrets`: which one, the body says, of whatever media type.
pub(crate) async fn remove_member(call: &Call<'_>) -> Handled {
    let named = || member(&mut call.fields_of_any_type()?);
    let verdict = call.manager.containers().remove_member(&call.context, call.names.id()?, named).await;
    Ok(call.answer(verdict, |()| empty(StatusCode::NO_CONTENT)))
}

/// What is told about a container (spec section 9.1).
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    created: Timestamp,
    updated: Timestamp,
    status: &'static str,
    name: Option<&'a Label>,
    #[serde(rename = "type")]
    container_type: &'static str,
    creator_id: Option<&'a UserId>,
    secret_refs: Vec<MemberReference<'a>>,
    consumers: Vec<Summary<'a>>,
    container_ref: Reference<'a>,
}

#[derive(Serialize)]
struct MemberReference<'a> {
    name: Option<&'a Label>,
    secret_ref: Reference<'a>,
}

impl<'a> Document<'a> {
    pub(crate) fn of(view: &'a ContainerView, base: &'a BaseUrl) -> Self {
        let ContainerView { container, uses } = view;
        let member = |member: &'a Member| MemberReference {
            name: member.name.as_ref(),
            secret_ref: references::secret(base, member.secret),
        };
        Self {
            created: container.created,
            updated: container.updated,
            status: "ACTIVE",
            name: container.name.as_ref(),
            container_type: container.container_type.as_str(),
            creator_id: container.creator.as_ref(),
            secret_refs: container.members.iter().map(member).collect(),
            consumers: uses.iter().map(Summary::of).collect(),
            container_ref: references::object(base, Object::Container(container.id)),
        }
    }
}

fn made(call: &Call<'_>, id: ContainerId) -> Reply {
    let reference = references::object(&call.base, Object::Container(id)).to_string();
    located(json(StatusCode::CREATED, &object!({"container_ref": &reference})), &reference)
}

fn new_container(call: &Call<'_>) -> Result<NewContainer, Error> {
    let mut fields = call.fields()?;
    let container_type = ContainerType::parse(&fields.required_text("type")?)?;
    let name = fields.label("name", Null::Allowed)?;
    let members = fields.array("secret_refs")?.unwrap_or_default();
    let members: Result<Vec<_>, _> = members.into_iter().map(|member| first_member(call, member)).collect();
    Ok(NewContainer::new(container_type, name, members?)?)
}

/// A member that a container is made with: of this service, by the look of its reference.
fn first_member(call: &Call<'_>, value: Value) -> Result<Member, Violation> {
    let mut fields = Fields::of(value, "secret_refs")?;
    let reference = fields.required_text("secret_ref")?;
    if !call.base.covers(&reference) {
        return Err(Violation::new("secret_refs", "has a reference to something of another service"));
    }
    let name = fields.label("name", Null::Allowed)?;
    Ok(Member { name, secret: references::named_secret(&reference) })
}

/// A member that is put in or taken out later: where its reference leads is not looked at.
fn member(fields: &mut Fields) -> Result<Member, Error> {
    let reference = fields.required_text("secret_ref")?;
    if !reference.contains('/') {
        return Err(Violation::new("secret_ref", "is not a reference").into());
    }
    let name = fields.label("name", Null::Refused)?;
    Ok(Member { name, secret: references::named_secret(&reference) })
}
