//! `/v1/secrets/{id}/consumers` and `/v1/containers/{id}/consumers` (spec section 8).

use http::StatusCode;
use serde::Serialize;
use strongroom_core::consumer::{Consumer, ContainerUse, SecretUse, Use};
use strongroom_core::{Error, ObjectView, Timestamp};

use crate::answer::{Reply, json, located};
use crate::call::{Call, Handled};
use crate::references::ObjectPath;
use crate::routes::Kind;
use crate::{containers, references, secrets};

/// `GET …/consumers`.
pub(crate) async fn list(call: &Call<'_>, kind: Kind) -> Handled {
    let target = call.names.object(kind)?;
    let verdict = call.manager.consumers().list(&call.context, target, call.paging()).await;
    Ok(call.answer(verdict, |page| {
        let items = page.items.iter().map(Item::of);
        let path = format!("{}/consumers", ObjectPath(target));
        call.page(&path, "consumers", items, page.total)
    }))
}

/// `GET …/consumers/{id}`.
pub(crate) async fn get(call: &Call<'_>, kind: Kind) -> Handled {
    let (target, id) = (call.names.object(kind)?, call.names.part_id()?);
    let verdict = call.manager.consumers().get(&call.context, target, id).await;
    Ok(call.answer(verdict, |consumer| json(StatusCode::OK, &Item::of(&consumer))))
}

/// `POST …/consumers`.
pub(crate) async fn add(call: &Call<'_>, kind: Kind) -> Handled {
    let target = call.names.object(kind)?;
    let verdict = call.manager.consumers().register(&call.context, target, || named(call, kind)).await;
    Ok(call.answer(verdict, |view| {
        let reference = format!("{}/consumers", references::object(&call.base, target));
        located(whole(call, view), &reference)
    }))
}

/// `DELETE …/consumers`: which one, the body says.
pub(crate) async fn remove(call: &Call<'_>, kind: Kind) -> Handled {
    let target = call.names.object(kind)?;
    let verdict = call.manager.consumers().remove(&call.context, target, || named(call, kind)).await;
    Ok(call.answer(verdict, |view| whole(call, view)))
}

/// Who uses something, as its own document tells it.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Summary<'a> {
    Secret {
        service: &'a str,
        resource_type: &'a str,
        resource_id: &'a str,
    },
    Container {
        name: &'a str,
        #[serde(rename = "URL")]
        url: &'a str,
    },
}

impl<'a> Summary<'a> {
    pub(crate) fn of(used_by: &'a Use) -> Self {
        match used_by {
            Use::Secret(using) => Self::Secret {
                service: using.service(),
                resource_type: using.resource_type(),
                resource_id: using.resource_id(),
            },
            Use::Container(using) => Self::Container { name: using.name(), url: using.url() },
        }
    }
}

/// A consumer by itself.
#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    used_by: Summary<'a>,
    created: Timestamp,
    updated: Timestamp,
    status: &'static str,
}

impl<'a> Item<'a> {
    fn of(consumer: &'a Consumer) -> Self {
        let Consumer { created, updated, .. } = *consumer;
        Self { used_by: Summary::of(&consumer.used_by), created, updated, status: "ACTIVE" }
    }
}

/// The used object, which shows its consumers here whatever the microversion (spec section 2.1).
fn whole(call: &Call<'_>, view: ObjectView) -> Reply {
    match view {
        ObjectView::Secret(view) => {
            json(StatusCode::OK, &secrets::Document::of(&view, &call.base, secrets::Consumers::Shown))
        }
        ObjectView::Container(view) => json(StatusCode::OK, &containers::Document::of(&view, &call.base)),
    }
}

fn named(call: &Call<'_>, kind: Kind) -> Result<Use, Error> {
    let mut fields = call.fields()?;
    Ok(match kind {
        Kind::Secret => Use::Secret(SecretUse::new(
            &fields.required_text("service")?,
            &fields.required_text("resource_type")?,
            &fields.required_text("resource_id")?,
        )?),
        Kind::Container => {
            Use::Container(ContainerUse::new(&fields.required_text("name")?, &fields.required_text("URL")?)?)
        }
    })
}
