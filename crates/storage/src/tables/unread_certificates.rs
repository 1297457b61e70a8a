use diesel::prelude::*;
use strongroom_core::{SecretId, Timestamp};

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::unread_certificates;

/// How many secrets may hold a certificate that was not read.
pub(crate) fn count(connection: &mut Connection) -> Result<u64, Fault> {
    column::count(unread_certificates::table.count().get_result(connection)?, "unread_certificates")
}

/// The one that has been due the longest.
pub(crate) fn due(connection: &mut Connection, now: Timestamp) -> Result<Option<SecretId>, Fault> {
    let first: Option<Vec<u8>> = unread_certificates::table
        .filter(unread_certificates::due.le(now.as_micros()))
        .order(unread_certificates::due)
        .select(unread_certificates::secret)
        .get_result(connection)
        .optional()?;
    first.map(|id| column::id(&id, "unread_certificates.secret")).transpose()
}

/// Gives the one that has been due the longest, which is due again at `until`.
pub(crate) fn claim(
    connection: &mut Connection,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<SecretId>, Fault> {
    let Some(id) = due(connection, now)? else { return Ok(None) };
    let row = unread_certificates::table.filter(unread_certificates::secret.eq(id.as_bytes().as_slice()));
    diesel::update(row).set(unread_certificates::due.eq(until.as_micros())).execute(connection)?;
    Ok(Some(id))
}

/// Adds a secret, unless it is there; it is due at once.
pub(crate) fn add(connection: &mut Connection, id: SecretId) -> Result<(), Fault> {
    delete(connection, id)?;
    let secret = unread_certificates::secret.eq(id.as_bytes().as_slice());
    diesel::insert_into(unread_certificates::table)
        .values((secret, unread_certificates::due.eq(0)))
        .execute(connection)?;
    Ok(())
}

/// Takes a secret out; tells whether it was there.
pub(crate) fn take(connection: &mut Connection, id: SecretId) -> Result<bool, Fault> {
    let row = unread_certificates::table.filter(unread_certificates::secret.eq(id.as_bytes().as_slice()));
    Ok(diesel::delete(row).execute(connection)? > 0)
}

/// Removes one.
pub(crate) fn delete(connection: &mut Connection, id: SecretId) -> Result<(), Fault> {
    let row = unread_certificates::table.filter(unread_certificates::secret.eq(id.as_bytes().as_slice()));
    diesel::delete(row).execute(connection)?;
    Ok(())
}
