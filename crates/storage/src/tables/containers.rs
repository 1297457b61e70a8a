use std::collections::HashMap;

use diesel::dsl::{exists, select};
use diesel::prelude::*;
use strongroom_core::container::{Container, ContainerQuery, ContainerType, Member};
use strongroom_core::secret::{Label, Page};
use strongroom_core::{ContainerId, Object, ProjectId, Timestamp, UserId};

use super::{acls, consumers, container_members, projects};
use crate::fault::Fault;
use crate::schema::containers;
use crate::schema::projects as project_rows;
use crate::{Backend, Connection, column};

/// A row without its project.
#[derive(Queryable, Selectable)]
#[diesel(table_name = containers)]
struct Row {
    id: Vec<u8>,
    name: Option<String>,
    container_type: String,
    creator: Option<String>,
    created: i64,
    updated: i64,
}

impl Row {
    fn of(self, project: ProjectId, members: &mut HashMap<Vec<u8>, Vec<Member>>) -> Result<Container, Fault> {
        let creator = self.creator.map(|text| column::opaque(text, "containers.creator"));
        let container_type = ContainerType::from_stored(&self.container_type);
        Ok(Container {
            id: column::id(&self.id, "containers.id")?,
            project,
            creator: creator.transpose()?,
            name: column::label(self.name, "containers.name")?,
            container_type: container_type.ok_or(Fault::corrupt("containers.container_type"))?,
            members: members.remove(&self.id).unwrap_or_default(),
            created: column::time(self.created, "containers.created")?,
            updated: column::time(self.updated, "containers.updated")?,
        })
    }
}

/// The container of that id, with its members.
pub(crate) fn find(connection: &mut Connection, id: ContainerId) -> Result<Option<Container>, Fault> {
    let row: Option<(Row, String)> = containers::table
        .inner_join(project_rows::table)
        .filter(containers::id.eq(id.as_bytes().as_slice()))
        .select((Row::as_select(), project_rows::external_id))
        .get_result(connection)
        .optional()?;
    let Some((row, project)) = row else {
        return Ok(None);
    };
    let mut members = container_members::of(connection, &[id.as_bytes().as_slice()])?;
    row.of(column::opaque(project, "projects.external_id")?, &mut members).map(Some)
}

/// The project's containers that match, in the order of insertion.
pub(crate) fn page(
    connection: &mut Connection,
    project: &ProjectId,
    query: &ContainerQuery,
) -> Result<Page<Container>, Fault> {
    let Some(number) = projects::find(connection, project)?.map(|found| found.id) else {
        return Ok(Page { items: Vec::new(), total: 0 });
    };
    let total = matching(number, query).count().get_result(connection)?;
    let rows: Vec<Row> = matching(number, query)
        .order(containers::position)
        .limit(i64::from(query.paging.limit))
        .offset(column::offset(query.paging))
        .select(Row::as_select())
        .load(connection)?;
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_slice()).collect();
    let mut members = container_members::of(connection, &ids)?;
    let items = rows.into_iter().map(|row| row.of(project.clone(), &mut members));
    Ok(Page { items: items.collect::<Result<_, _>>()?, total: column::count(total, "containers")? })
}

fn matching(project: i64, query: &ContainerQuery) -> containers::BoxedQuery<'_, Backend> {
    let mut question = containers::table.filter(containers::project.eq(project)).into_boxed();
    if let Some(pattern) = &query.name {
        question = question.filter(containers::name.like(pattern.as_str()));
    }
    if let Some(container_type) = &query.container_type {
        question = question.filter(containers::container_type.eq(container_type.as_str()));
    }
    question
}

/// How many containers the project has.
pub(crate) fn count(connection: &mut Connection, project: &ProjectId) -> Result<u64, Fault> {
    let number = containers::table
        .inner_join(project_rows::table)
        .filter(project_rows::external_id.eq(project.as_str()))
        .count()
        .get_result(connection)?;
    column::count(number, "containers")
}

/// Adds a container with its members.
pub(crate) fn insert(connection: &mut Connection, container: &Container) -> Result<(), Fault> {
    let project = projects::find_or_insert(connection, &container.project)?.id;
    diesel::insert_into(containers::table)
        .values((
            containers::id.eq(container.id.as_bytes().as_slice()),
            containers::project.eq(project),
            containers::name.eq(container.name.as_ref().map(Label::as_str)),
            containers::container_type.eq(container.container_type.as_str()),
            containers::creator.eq(container.creator.as_ref().map(UserId::as_str)),
            containers::created.eq(container.created.as_micros()),
            containers::updated.eq(container.updated.as_micros()),
        ))
        .execute(connection)?;
    container
        .members
        .iter()
        .try_for_each(|member| container_members::insert(connection, container.id, member))
}

/// Whether there is a container of that id.
pub(crate) fn is_there(connection: &mut Connection, id: ContainerId) -> Result<bool, Fault> {
    let row = containers::table.filter(containers::id.eq(id.as_bytes().as_slice()));
    Ok(select(exists(row)).get_result(connection)?)
}

/// Sets when the container last changed.
pub(crate) fn touch(connection: &mut Connection, id: ContainerId, updated: Timestamp) -> Result<(), Fault> {
    diesel::update(containers::table.filter(containers::id.eq(id.as_bytes().as_slice())))
        .set(containers::updated.eq(updated.as_micros()))
        .execute(connection)?;
    Ok(())
}

/// Removes a container with everything that belongs to it, when it is there.
pub(crate) fn delete(connection: &mut Connection, id: ContainerId) -> Result<(), Fault> {
    container_members::delete_all(connection, id)?;
    acls::delete(connection, Object::Container(id))?;
    consumers::delete_all(connection, Object::Container(id))?;
    diesel::delete(containers::table.filter(containers::id.eq(id.as_bytes().as_slice())))
        .execute(connection)?;
    Ok(())
}
