use diesel::prelude::*;
use strongroom_core::expiry::Ending;
use strongroom_core::ports::EndingQuery;
use strongroom_core::{Secret, SecretId, Timestamp};

pub(crate) use self::row::Stored;

use self::row::Row;
use super::orders::Worker;
use super::secrets;
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::endings;
use crate::schema::projects as project_rows;
use crate::schema::secrets as secret_rows;

mod row;

/// When that secret ends.
pub(crate) fn find(connection: &mut Connection, id: SecretId) -> Result<Option<Ending>, Fault> {
    let row: Option<Row> = endings::table
        .filter(endings::secret.eq(id.as_bytes().as_slice()))
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
}

/// Secrets that end, in the order of their ends.
pub(crate) fn page(connection: &mut Connection, query: &EndingQuery) -> Result<Vec<(Secret, Ending)>, Fault> {
    let mut asked = endings::table
        .inner_join(secret_rows::table.inner_join(project_rows::table))
        .filter(endings::ends.le(query.until.as_micros()))
        .into_boxed();
    if let Some((ends, id)) = query.after {
        let later = endings::ends.eq(ends.as_micros()).and(endings::secret.gt(id.as_bytes().to_vec()));
        // The first condition is what the index is searched by.
        asked = asked
            .filter(endings::ends.ge(ends.as_micros()))
            .filter(endings::ends.gt(ends.as_micros()).or(later));
    }
    if let Some(project) = &query.project {
        asked = asked.filter(project_rows::external_id.eq(project.as_str()));
    }
    let rows: Vec<(Row, secrets::Row, String)> = asked
        .order((endings::ends, endings::secret))
        .limit(i64::from(query.limit))
        .select((Row::as_select(), secrets::Row::as_select(), project_rows::external_id))
        .load(connection)?;
    rows.into_iter()
        .map(|(ending, secret, project)| {
            Ok((secret.of(column::opaque(project, "projects.external_id")?)?, ending.of()?))
        })
        .collect()
}

/// How many secrets end after `from` and no later than `until`.
pub(crate) fn count(connection: &mut Connection, from: Timestamp, until: Timestamp) -> Result<u64, Fault> {
    let within = endings::ends.gt(from.as_micros()).and(endings::ends.le(until.as_micros()));
    column::count(endings::table.filter(within).count().get_result(connection)?, "endings")
}

/// Sets what is known about a secret's end; nobody has a claim on it afterwards.
pub(crate) fn put(connection: &mut Connection, ending: &Ending) -> Result<(), Fault> {
    let id = ending.secret.as_bytes().as_slice();
    let stored = Stored::of(ending);
    let free = (
        endings::worker.eq(None::<&str>),
        endings::worker_run.eq(None::<&[u8]>),
        endings::lease_until.eq(None::<i64>),
    );
    if diesel::update(endings::table.filter(endings::secret.eq(id)))
        .set((&stored, free))
        .execute(connection)?
        == 0
    {
        diesel::insert_into(endings::table).values((endings::secret.eq(id), &stored)).execute(connection)?;
    }
    Ok(())
}

/// The ending that has been due the longest, of those that nobody works on. Nobody works on one whose time is up, nor
/// on one that this worker claimed in another run.
pub(crate) fn free(
    connection: &mut Connection,
    worker: Worker<'_>,
    now: Timestamp,
) -> Result<Option<Ending>, Fault> {
    let left_over = endings::worker.eq(worker.name).and(endings::worker_run.ne(worker.run.as_bytes()));
    let free = endings::worker.is_null().or(endings::lease_until.le(now.as_micros())).or(left_over);
    let first: Option<Row> = endings::table
        .filter(endings::due.le(now.as_micros()))
        .filter(free)
        .order(endings::due)
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    first.map(Row::of).transpose()
}

/// Gives the ending that has been due the longest, of those that nobody works on, to the worker, until the time given.
pub(crate) fn claim(
    connection: &mut Connection,
    worker: Worker<'_>,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Ending>, Fault> {
    let Some(ending) = free(connection, worker, now)? else { return Ok(None) };
    diesel::update(endings::table.filter(endings::secret.eq(ending.secret.as_bytes().as_slice())))
        .set((
            endings::worker.eq(worker.name),
            endings::worker_run.eq(worker.run.as_bytes()),
            endings::lease_until.eq(until.as_micros()),
        ))
        .execute(connection)?;
    Ok(Some(ending))
}

/// Takes what is known about a secret's end out of the table, if there is anything.
pub(crate) fn take(connection: &mut Connection, id: SecretId) -> Result<Option<Stored>, Fault> {
    let ending = find(connection, id)?;
    delete(connection, id)?;
    Ok(ending.as_ref().map(Stored::of))
}

/// Puts back what was taken.
pub(crate) fn put_back(connection: &mut Connection, id: SecretId, stored: &Stored) -> Result<(), Fault> {
    let id = id.as_bytes().as_slice();
    diesel::insert_into(endings::table).values((endings::secret.eq(id), stored)).execute(connection)?;
    Ok(())
}

/// Forgets the end of that secret.
pub(crate) fn delete(connection: &mut Connection, id: SecretId) -> Result<(), Fault> {
    diesel::delete(endings::table.filter(endings::secret.eq(id.as_bytes().as_slice())))
        .execute(connection)?;
    Ok(())
}
