use diesel::prelude::*;
use strongroom_core::SecretId;
use strongroom_core::review::Day;

use crate::Connection;
use crate::fault::Fault;
use crate::schema::{last_reads, secrets};

/// The day on which that secret was last read, if that is known.
pub(crate) fn find(connection: &mut Connection, id: SecretId) -> Result<Option<Day>, Fault> {
    let day: Option<i64> = last_reads::table
        .filter(last_reads::secret.eq(id.as_bytes().as_slice()))
        .select(last_reads::day)
        .get_result(connection)
        .optional()?;
    Ok(day.map(Day))
}

/// Notes a day, unless a later one is known or the secret is gone.
pub(crate) fn note(connection: &mut Connection, id: SecretId, day: Day) -> Result<(), Fault> {
    match find(connection, id)? {
        Some(known) if known >= day => {}
        Some(_) => {
            diesel::update(last_reads::table.filter(last_reads::secret.eq(id.as_bytes().as_slice())))
                .set(last_reads::day.eq(day.0))
                .execute(connection)?;
        }
        None => {
            secrets::table
                .filter(secrets::id.eq(id.as_bytes().as_slice()))
                .select((secrets::id, day.0.into_sql::<diesel::sql_types::BigInt>()))
                .insert_into(last_reads::table)
                .into_columns((last_reads::secret, last_reads::day))
                .execute(connection)?;
        }
    }
    Ok(())
}

/// Forgets a secret.
pub(crate) fn delete(connection: &mut Connection, id: SecretId) -> Result<(), Fault> {
    diesel::delete(last_reads::table.filter(last_reads::secret.eq(id.as_bytes().as_slice())))
        .execute(connection)?;
    Ok(())
}
