use diesel::prelude::*;
use strongroom_core::TransportKeyId;
use strongroom_core::secret::{Page, Paging};
use strongroom_core::transport_key::{NewTransportKey, TransportKey};

use crate::fault::Fault;
use crate::schema::transport_keys;
use crate::{Backend, Connection, column};

/// A row without its place among the others.
#[derive(Queryable, Selectable)]
#[diesel(table_name = transport_keys)]
struct Row {
    id: Vec<u8>,
    plugin_name: String,
    transport_key: String,
    created: i64,
}

impl Row {
    fn of(self) -> Result<TransportKey, Fault> {
        let key = NewTransportKey::new(&self.plugin_name, &self.transport_key);
        Ok(TransportKey {
            id: column::id(&self.id, "transport_keys.id")?,
            key: key.map_err(|_| Fault::corrupt("transport_keys.transport_key"))?,
            created: column::time(self.created, "transport_keys.created")?,
        })
    }
}

/// The key of that id.
pub(crate) fn find(connection: &mut Connection, id: TransportKeyId) -> Result<Option<TransportKey>, Fault> {
    let row: Option<Row> = transport_keys::table
        .filter(transport_keys::id.eq(id.as_bytes().as_slice()))
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
}

/// A part of all keys, or of those for one backend, in the order of insertion.
pub(crate) fn page(
    connection: &mut Connection,
    plugin_name: Option<&str>,
    paging: Paging,
) -> Result<Page<TransportKey>, Fault> {
    let total = matching(plugin_name).count().get_result(connection)?;
    let rows: Vec<Row> = matching(plugin_name)
        .order(transport_keys::position)
        .limit(i64::from(paging.limit))
        .offset(column::offset(paging))
        .select(Row::as_select())
        .load(connection)?;
    let items = rows.into_iter().map(Row::of).collect::<Result<_, _>>()?;
    Ok(Page { items, total: column::count(total, "transport_keys")? })
}

fn matching(plugin_name: Option<&str>) -> transport_keys::BoxedQuery<'_, Backend> {
    let question = transport_keys::table.into_boxed();
    match plugin_name {
        Some(name) => question.filter(transport_keys::plugin_name.eq(name)),
        None => question,
    }
}

/// Adds a key.
pub(crate) fn insert(connection: &mut Connection, key: &TransportKey) -> Result<(), Fault> {
    diesel::insert_into(transport_keys::table)
        .values((
            transport_keys::id.eq(key.id.as_bytes().as_slice()),
            transport_keys::plugin_name.eq(key.key.plugin_name()),
            transport_keys::transport_key.eq(key.key.transport_key()),
            transport_keys::created.eq(key.created.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Removes a key; `false` when there was none.
pub(crate) fn delete(connection: &mut Connection, id: TransportKeyId) -> Result<bool, Fault> {
    let row = transport_keys::table.filter(transport_keys::id.eq(id.as_bytes().as_slice()));
    Ok(diesel::delete(row).execute(connection)? > 0)
}
