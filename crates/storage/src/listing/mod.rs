//! Lists of a project's secrets.
//!
//! The everyday list (no filter, order of insertion) costs the same however many secrets there are: its
//! total is kept by the writer, and a page deep in it is found by adding up buckets. A sort alone reads
//! its index as far as the page lies. Only a filter looks at each secret that its index leaves over.

mod filter;
mod order;
mod seek;
mod shared;

use diesel::prelude::*;
use strongroom_core::secret::{Page, Paging, SecretQuery};
use strongroom_core::{ProjectId, Secret, Timestamp};

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::secrets;
use crate::tables::projects::{self, Project};
use crate::tables::secrets::Row;

/// The project's unexpired secrets that match, in the order asked for.
pub(crate) fn page(
    connection: &mut Connection,
    project: &ProjectId,
    query: &SecretQuery,
    now: Timestamp,
) -> Result<Page<Secret>, Fault> {
    if let Some(user) = &query.shared_with {
        return shared::page(connection, user, query, now);
    }
    let Some(counted) = projects::find(connection, project)? else {
        return Ok(Page { items: Vec::new(), total: 0 });
    };
    let scope = Scope { project: counted.id, now: now.as_micros() };
    let (rows, total) = if filter::is_given(query) {
        let total = filter::matching(scope, query).count().get_result(connection)?;
        (ordered(connection, scope, query)?, column::count(total, "secrets")?)
    } else {
        let expired = scope.expired(connection)?;
        let total = total(counted, &expired)?;
        let rows = if order::is_given(query) {
            ordered(connection, scope, query)?
        } else {
            inserted(connection, scope, &expired, query.paging, total)?
        };
        (rows, total)
    };
    let items = rows.into_iter().map(|row| row.of(project.clone())).collect::<Result<_, Fault>>()?;
    Ok(Page { items, total })
}

/// How many unexpired secrets the project has.
pub(crate) fn count(connection: &mut Connection, project: &ProjectId, now: Timestamp) -> Result<u64, Fault> {
    let Some(counted) = projects::find(connection, project)? else {
        return Ok(0);
    };
    let scope = Scope { project: counted.id, now: now.as_micros() };
    total(counted, &scope.expired(connection)?)
}

/// How many secrets a list of a project shows, of which the live ones at these positions have expired.
fn total(counted: Project, expired: &[i64]) -> Result<u64, Fault> {
    let expired = i64::try_from(expired.len()).unwrap_or(i64::MAX);
    column::count(counted.live.saturating_sub(expired), "projects.live")
}

/// Whose secrets are listed, and at what time.
#[derive(Clone, Copy)]
struct Scope {
    /// The project's number.
    project: i64,
    /// Microseconds since the Unix epoch.
    now: i64,
}

impl Scope {
    /// The positions of secrets that have expired since the last sweep, lowest first. They are few.
    fn expired(self, connection: &mut Connection) -> Result<Vec<i64>, Fault> {
        let mut positions: Vec<i64> = secrets::table
            .filter(secrets::project.eq(self.project))
            .filter(secrets::live.eq(true))
            .filter(secrets::expiration.le(self.now))
            .select(secrets::position)
            .load(connection)?;
        positions.sort_unstable();
        Ok(positions)
    }
}

fn ordered(connection: &mut Connection, scope: Scope, query: &SecretQuery) -> Result<Vec<Row>, Fault> {
    let Paging { limit, offset } = query.paging;
    let rows = order::by(query, filter::matching(scope, query))
        .limit(i64::from(limit))
        .offset(i64::try_from(offset).unwrap_or(i64::MAX))
        .select(Row::as_select())
        .load(connection)?;
    Ok(rows)
}

fn inserted(
    connection: &mut Connection,
    scope: Scope,
    expired: &[i64],
    paging: Paging,
    total: u64,
) -> Result<Vec<Row>, Fault> {
    let Some(start) = seek::start(connection, scope.project, expired, paging.offset, total)? else {
        return Ok(Vec::new());
    };
    let rows = secrets::table
        .filter(secrets::project.eq(scope.project))
        .filter(secrets::live.eq(true))
        .filter(secrets::position.ge(start.position))
        .filter(secrets::expiration.is_null().or(secrets::expiration.gt(scope.now)))
        .order(secrets::position)
        .limit(i64::from(paging.limit))
        .offset(start.skip)
        .select(Row::as_select())
        .load(connection)?;
    Ok(rows)
}
