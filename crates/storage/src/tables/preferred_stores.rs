use diesel::dsl::exists;
use diesel::prelude::*;
use strongroom_core::{ProjectId, SecretStoreId};

use super::projects;
use crate::fault::Fault;
use crate::schema::{preferred_stores, projects as all_projects};
use crate::{Connection, column};

/// The store that a project prefers.
pub(crate) fn of_project(
    connection: &mut Connection,
    project: &ProjectId,
) -> Result<Option<SecretStoreId>, Fault> {
    let store: Option<Vec<u8>> = preferred_stores::table
        .inner_join(all_projects::table)
        .filter(all_projects::external_id.eq(project.as_str()))
        .select(preferred_stores::store)
        .get_result(connection)
        .optional()?;
    store.map(|id| column::id(&id, "preferred_stores.store")).transpose()
}

/// Whether any project prefers that store.
pub(crate) fn any_of(connection: &mut Connection, store: SecretStoreId) -> Result<bool, Fault> {
    let rows = preferred_stores::table.filter(preferred_stores::store.eq(store.as_bytes().as_slice()));
    Ok(diesel::select(exists(rows)).get_result(connection)?)
}

/// Sets the store that a project prefers.
pub(crate) fn put(
    connection: &mut Connection,
    project: &ProjectId,
    store: SecretStoreId,
) -> Result<(), Fault> {
    let project = projects::find_or_insert(connection, project)?.id;
    let store = preferred_stores::store.eq(store.as_bytes().as_slice());
    let set = diesel::update(preferred_stores::table.find(project)).set(store).execute(connection)?;
    if set == 0 {
        diesel::insert_into(preferred_stores::table)
            .values((preferred_stores::project.eq(project), store))
            .execute(connection)?;
    }
    Ok(())
}

/// Removes a project's preference; `false` when there was none.
pub(crate) fn delete(connection: &mut Connection, project: &ProjectId) -> Result<bool, Fault> {
    let Some(project) = projects::find(connection, project)? else { return Ok(false) };
    Ok(diesel::delete(preferred_stores::table.find(project.id)).execute(connection)? > 0)
}
