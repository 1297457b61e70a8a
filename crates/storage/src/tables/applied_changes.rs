use diesel::prelude::*;
use strongroom_core::ChangeId;

use super::AT_ONCE;
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::applied_changes;

/// Remembers that a change took effect.
pub(crate) fn insert(connection: &mut Connection, change: ChangeId) -> Result<(), Fault> {
    let row = applied_changes::id.eq(change.as_bytes().as_slice());
    diesel::insert_into(applied_changes::table).values(row).execute(connection)?;
    Ok(())
}

/// Which of these changes took effect.
pub(crate) fn among(connection: &mut Connection, changes: &[ChangeId]) -> Result<Vec<ChangeId>, Fault> {
    let mut found = Vec::new();
    for some in changes.chunks(AT_ONCE) {
        let ids = some.iter().map(|change| change.as_bytes().as_slice());
        let rows: Vec<Vec<u8>> = applied_changes::table
            .filter(applied_changes::id.eq_any(ids))
            .select(applied_changes::id)
            .load(connection)?;
        for row in rows {
            found.push(column::id(&row, "applied_changes.id")?);
        }
    }
    Ok(found)
}

/// Forgets that these changes took effect.
pub(crate) fn delete(connection: &mut Connection, changes: &[ChangeId]) -> Result<(), Fault> {
    // One by one: a statement that names many is prepared for each number of them.
    for change in changes {
        let row = applied_changes::id.eq(change.as_bytes().as_slice());
        diesel::delete(applied_changes::table.filter(row)).execute(connection)?;
    }
    Ok(())
}
