//! `/v1/secrets/{id}/consumers` and `/v1/containers/{id}/consumers` (spec section 8).

use http::StatusCode;
use serde_json::{Map, Value};
use strongroom_core::consumer::{Consumer, ContainerUse, SecretUse, Use};
use strongroom_core::{Error, ObjectView};

use crate::answer::{Reply, json, located};
use crate::call::{Call, Handled};
use crate::routes::Kind;
use crate::{containers, references, secrets};

/// `GET …/consumers`.
pub(crate) async fn list(call: &Call<'_>, kind: Kind) -> Handled {
    let target = call.names.object(kind)?;
    let verdict = call.manager.consumers().list(&call.context, target, call.paging()).await;
    Ok(call.answer(verdict, |page| {
        let items = page.items.iter().map(item).collect();
        let path = format!("{}/consumers", references::object_path(target));
        call.page(&path, "consumers", items, page.total)
    }))
}

/// `GET …/consumers/{id}`.
pub(crate) async fn get(call: &Call<'_>, kind: Kind) -> Handled {
    let (target, id) = (call.names.object(kind)?, call.names.part_id()?);
    let verdict = call.manager.consumers().get(&call.context, target, id).await;
    Ok(call.answer(verdict, |consumer| json(StatusCode::OK, &item(&consumer))))
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
pub(crate) fn summary(used_by: &Use) -> Value {
    Value::Object(properties(used_by))
}

fn properties(used_by: &Use) -> Map<String, Value> {
    let pairs = match used_by {
        Use::Secret(using) => vec![
            ("service", using.service()),
            ("resource_type", using.resource_type()),
            ("resource_id", using.resource_id()),
        ],
        Use::Container(using) => vec![("name", using.name()), ("URL", using.url())],
    };
    pairs.into_iter().map(|(key, text)| (key.to_owned(), text.into())).collect()
}

fn item(consumer: &Consumer) -> Value {
    let mut body = properties(&consumer.used_by);
    body.insert("created".to_owned(), consumer.created.to_string().into());
    body.insert("updated".to_owned(), consumer.updated.to_string().into());
    body.insert("status".to_owned(), "ACTIVE".into());
    Value::Object(body)
}

/// The used object, which shows its consumers here whatever the microversion (spec section 2.1).
fn whole(call: &Call<'_>, view: ObjectView) -> Reply {
    let document = match view {
        ObjectView::Secret(view) => secrets::document(&view, &call.base, secrets::Consumers::Shown),
        ObjectView::Container(view) => containers::document(&view, &call.base),
    };
    json(StatusCode::OK, &document)
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
