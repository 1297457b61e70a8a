use std::collections::HashMap;

use diesel::prelude::*;
use strongroom_core::consumer::{Consumer, ContainerUse, SecretUse, Use};
use strongroom_core::secret::{Page, Paging};
use strongroom_core::{ConsumerId, Object, ProjectId};

use super::{AT_ONCE, projects};
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::consumers;
use crate::schema::projects as project_rows;

/// The name in the database of what uses a secret.
pub(crate) const OF_SECRET: &str = "secret";
/// The name in the database of what uses a container.
pub(crate) const OF_CONTAINER: &str = "container";

/// Who uses what.
#[derive(Queryable, Selectable)]
#[diesel(table_name = consumers)]
struct UseRow {
    kind: String,
    object: Vec<u8>,
    name: String,
    resource_type: String,
    resource: String,
}

impl UseRow {
    fn of(self) -> Result<(Object, Use), Fault> {
        let corrupt = |_| Fault::corrupt("consumers.resource");
        let Self { kind, object, name, resource_type, resource } = self;
        match (kind.as_str(), resource_type.as_str()) {
            (OF_SECRET, resource_type) => {
                let used_by = SecretUse::new(&name, resource_type, &resource).map_err(corrupt)?;
                Ok((Object::Secret(column::id(&object, "consumers.object")?), Use::Secret(used_by)))
            }
            (OF_CONTAINER, "") => {
                let used_by = ContainerUse::new(&name, &resource).map_err(corrupt)?;
                Ok((Object::Container(column::id(&object, "consumers.object")?), Use::Container(used_by)))
            }
            _ => Err(Fault::corrupt("consumers.kind")),
        }
    }
}

/// A row without its use and its project.
#[derive(Queryable, Selectable)]
#[diesel(table_name = consumers)]
struct Row {
    id: Vec<u8>,
    created: i64,
    updated: i64,
}

/// A use, what is known about it, and who registered it.
type Registered = (UseRow, Row, String);

fn registered((used_by, row, project): Registered) -> Result<Consumer, Fault> {
    Ok(Consumer {
        id: column::id(&row.id, "consumers.id")?,
        project: column::opaque(project, "projects.external_id")?,
        used_by: used_by.of()?.1,
        created: column::time(row.created, "consumers.created")?,
        updated: column::time(row.updated, "consumers.updated")?,
    })
}

/// A part of an object's consumers: of a secret's in the order of registration, of a container's by name.
pub(crate) fn page(
    connection: &mut Connection,
    object: Object,
    paging: Paging,
) -> Result<Page<Consumer>, Fault> {
    let of_object = consumers::object.eq(object.as_bytes().as_slice());
    let total = consumers::table.filter(of_object).count().get_result(connection)?;
    let some = consumers::table
        .inner_join(project_rows::table)
        .filter(of_object)
        .limit(i64::from(paging.limit))
        .offset(column::offset(paging))
        .select((UseRow::as_select(), Row::as_select(), project_rows::external_id));
    let rows: Vec<Registered> = match object {
        Object::Secret(_) => some.order(consumers::position).load(connection)?,
        Object::Container(_) => {
            some.order((consumers::name, consumers::resource_type, consumers::resource)).load(connection)?
        }
    };
    let items = rows.into_iter().map(registered).collect::<Result<_, _>>()?;
    Ok(Page { items, total: column::count(total, "consumers")? })
}

/// Everybody who uses these objects, in the order of [`page`].
pub(crate) fn uses(
    connection: &mut Connection,
    objects: &[Object],
) -> Result<HashMap<Object, Vec<Use>>, Fault> {
    let mut uses: HashMap<Object, Vec<Use>> = HashMap::new();
    for some in objects.chunks(AT_ONCE) {
        let rows: Vec<UseRow> = consumers::table
            .filter(consumers::object.eq_any(some.iter().map(|object| object.as_bytes().as_slice())))
            .order((consumers::object, consumers::position))
            .select(UseRow::as_select())
            .load(connection)?;
        for row in rows {
            let (object, used_by) = row.of()?;
            uses.entry(object).or_default().push(used_by);
        }
    }
    for (object, all) in &mut uses {
        if let Object::Container(_) = object {
            all.sort_unstable();
        }
    }
    Ok(uses)
}

/// One of an object's consumers, by id.
pub(crate) fn find(
    connection: &mut Connection,
    object: Object,
    id: ConsumerId,
) -> Result<Option<Consumer>, Fault> {
    let row: Option<Registered> = consumers::table
        .inner_join(project_rows::table)
        .filter(consumers::id.eq(id.as_bytes().as_slice()))
        .filter(consumers::object.eq(object.as_bytes().as_slice()))
        .select((UseRow::as_select(), Row::as_select(), project_rows::external_id))
        .get_result(connection)
        .optional()?;
    row.map(registered).transpose()
}

/// The consumer of an object that registered exactly this use.
pub(crate) fn find_by_use(
    connection: &mut Connection,
    object: Object,
    used_by: &Use,
) -> Result<Option<Consumer>, Fault> {
    let UseColumns { name, resource_type, resource } = used_by.into();
    let row: Option<Registered> = consumers::table
        .inner_join(project_rows::table)
        .filter(consumers::object.eq(object.as_bytes().as_slice()))
        .filter(consumers::name.eq(name))
        .filter(consumers::resource_type.eq(resource_type))
        .filter(consumers::resource.eq(resource))
        .select((UseRow::as_select(), Row::as_select(), project_rows::external_id))
        .get_result(connection)
        .optional()?;
    row.map(registered).transpose()
}

/// How many consumers of that kind the project has registered.
pub(crate) fn count(connection: &mut Connection, project: &ProjectId, kind: &str) -> Result<u64, Fault> {
    let number = consumers::table
        .inner_join(project_rows::table)
        .filter(project_rows::external_id.eq(project.as_str()))
        .filter(consumers::kind.eq(kind))
        .count()
        .get_result(connection)?;
    column::count(number, "consumers")
}

/// Adds a consumer.
pub(crate) fn insert(connection: &mut Connection, object: Object, consumer: &Consumer) -> Result<(), Fault> {
    let project = projects::find_or_insert(connection, &consumer.project)?.id;
    let UseColumns { name, resource_type, resource } = (&consumer.used_by).into();
    let kind = match object {
        Object::Secret(_) => OF_SECRET,
        Object::Container(_) => OF_CONTAINER,
    };
    diesel::insert_into(consumers::table)
        .values((
            consumers::id.eq(consumer.id.as_bytes().as_slice()),
            consumers::kind.eq(kind),
            consumers::object.eq(object.as_bytes().as_slice()),
            consumers::project.eq(project),
            consumers::name.eq(name),
            consumers::resource_type.eq(resource_type),
            consumers::resource.eq(resource),
            consumers::created.eq(consumer.created.as_micros()),
            consumers::updated.eq(consumer.updated.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Removes a consumer, when it is there.
pub(crate) fn delete(connection: &mut Connection, id: ConsumerId) -> Result<(), Fault> {
    let row = consumers::table.filter(consumers::id.eq(id.as_bytes().as_slice()));
    diesel::delete(row).execute(connection)?;
    Ok(())
}

/// Removes everybody who uses that object.
pub(crate) fn delete_all(connection: &mut Connection, object: Object) -> Result<(), Fault> {
    let rows = consumers::table.filter(consumers::object.eq(object.as_bytes().as_slice()));
    diesel::delete(rows).execute(connection)?;
    Ok(())
}

/// A use as it lies in its columns.
struct UseColumns<'a> {
    name: &'a str,
    resource_type: &'a str,
    resource: &'a str,
}

impl<'a> From<&'a Use> for UseColumns<'a> {
    fn from(used_by: &'a Use) -> Self {
        match used_by {
            Use::Secret(used_by) => Self {
                name: used_by.service(),
                resource_type: used_by.resource_type(),
                resource: used_by.resource_id(),
            },
            Use::Container(used_by) => {
                Self { name: used_by.name(), resource_type: "", resource: used_by.url() }
            }
        }
    }
}
