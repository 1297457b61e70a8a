use diesel::prelude::*;
use strongroom_core::errand::Replaced;
use strongroom_core::{SecretId, Timestamp};

use super::at_most;
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::{consumers, container_members, replacements};

type Row = (Vec<u8>, Vec<u8>, String, i64);

fn read((old, new, operator, until): Row) -> Result<Replaced, Fault> {
    Ok(Replaced {
        old: column::id(&old, "replacements.old")?,
        new: column::id(&new, "replacements.new")?,
        operator: column::opaque(operator, "replacements.operator")?,
        until: column::time(until, "replacements.until")?,
    })
}

/// Which secret has taken that one's place.
pub(crate) fn find(connection: &mut Connection, old: SecretId) -> Result<Option<Replaced>, Fault> {
    let row: Option<Row> = replacements::table
        .filter(replacements::old.eq(old.as_bytes().as_slice()))
        .get_result(connection)
        .optional()?;
    row.map(read).transpose()
}

/// Those that end by `now`, first the first to end.
pub(crate) fn until(connection: &mut Connection, now: Timestamp, limit: u32) -> Result<Vec<Replaced>, Fault> {
    let rows: Vec<Row> = replacements::table
        .filter(replacements::until.le(now.as_micros()))
        .order(replacements::until)
        .load_iter(connection)?
        .take(at_most(limit))
        .collect::<QueryResult<_>>()?;
    rows.into_iter().map(read).collect()
}

/// Sets what is known of one.
pub(crate) fn put(connection: &mut Connection, replaced: &Replaced) -> Result<(), Fault> {
    delete(connection, replaced.old)?;
    diesel::insert_into(replacements::table)
        .values((
            replacements::old.eq(replaced.old.as_bytes().as_slice()),
            replacements::new.eq(replaced.new.as_bytes().as_slice()),
            replacements::operator.eq(replaced.operator.as_str()),
            replacements::until.eq(replaced.until.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Removes one.
pub(crate) fn delete(connection: &mut Connection, old: SecretId) -> Result<(), Fault> {
    diesel::delete(replacements::table.filter(replacements::old.eq(old.as_bytes().as_slice())))
        .execute(connection)?;
    Ok(())
}

/// Puts one secret in another's places in containers, and among its consumers. It is in no place yet.
pub(crate) fn repoint(connection: &mut Connection, old: SecretId, new: SecretId) -> Result<(), Fault> {
    let (old, new) = (old.as_bytes().as_slice(), new.as_bytes().as_slice());
    diesel::update(container_members::table.filter(container_members::secret.eq(old)))
        .set(container_members::secret.eq(new))
        .execute(connection)?;
    diesel::update(consumers::table.filter(consumers::object.eq(old)))
        .set(consumers::object.eq(new))
        .execute(connection)?;
    Ok(())
}
