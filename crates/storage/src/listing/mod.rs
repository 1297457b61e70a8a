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
    let limit = usize::try_from(paging.limit).unwrap_or(usize::MAX);
    // Rows come one by one, so stopping is as good as a LIMIT, which would have SQLite parse the statement
    // anew each time it is bound.
    let rows = secrets::table
        .filter(secrets::project.eq(scope.project))
        .filter(secrets::live.eq(true))
        .filter(secrets::position.ge(start.position))
        .filter(secrets::expiration.is_null().or(secrets::expiration.gt(scope.now)))
        .order(secrets::position)
        .offset(start.skip)
        .select(Row::as_select())
        .load_iter(connection)?
        .take(limit)
        .collect::<QueryResult<_>>()?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::sync::mpsc;

    use diesel::Connection as _;
    use diesel::connection::InstrumentationEvent;
    use diesel::sql_types::Text;
    use strongroom_core::secret::{DateFilter, Sort};

    use super::*;
    use crate::sqlite::{self, OpenOptions};

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    /// How SQLite goes about each question that the list asks.
    fn plans(query: &SecretQuery, pattern: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions { create: true, upgrade: false };
        let mut connection = sqlite::open(&folder.path().join("p.db"), options, 0).unwrap().writer;
        let project = ProjectId::new("p").unwrap();
        let counted = projects::find_or_insert(&mut connection, &project).unwrap();
        projects::count(&mut connection, counted.id, 1000, 1000).unwrap();
        crate::tables::secret_buckets::count(&mut connection, counted.id, 0, 1000).unwrap();

        let (send, asked) = mpsc::channel();
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                send.send(query.to_string()).unwrap();
            }
        });
        page(&mut connection, &project, query, Timestamp::from_micros(0).unwrap()).unwrap();
        connection.set_instrumentation(|_: InstrumentationEvent<'_>| ());
        asked
            .try_iter()
            .map(|sql| {
                let sql = sql.replace("LIKE ?", &format!("LIKE '{pattern}'"));
                let steps: Vec<Step> =
                    diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(&mut connection).unwrap();
                steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
            })
            .collect()
    }

    fn paged(offset: u64) -> SecretQuery {
        SecretQuery { paging: Paging { limit: 10, offset }, ..SecretQuery::default() }
    }

    #[test]
    fn the_everyday_list_only_searches_indexes() {
        for offset in [0, 10, 900] {
            let plans = plans(&paged(offset), "");
            assert!(plans.len() >= 3);
            for plan in plans {
                assert!(plan.starts_with("SEARCH") && !plan.contains(';'), "{plan}");
            }
        }
        assert!(plans(&paged(0), "").last().unwrap().contains("secrets_by_position"));
    }

    #[test]
    fn a_sort_by_a_time_follows_its_index() {
        for (sort, index) in [
            ("created", "secrets_by_created"),
            ("created:desc", "secrets_by_created"),
            ("expiration", "secrets_by_expiration"),
            ("expiration:desc", "secrets_by_expiration"),
        ] {
            let plans = plans(&SecretQuery { sort: Sort::parse(sort).unwrap(), ..paged(0) }, "");
            let last = plans.last().unwrap();
            assert!(last.contains(index) && !last.contains("TEMP B-TREE"), "{sort}: {last}");
        }
    }

    #[test]
    fn filters_use_the_index_that_fits_and_never_scan_other_projects() {
        let name = |pattern: &str| SecretQuery { name: Some(pattern.to_owned()), ..paged(0) };
        let created = DateFilter::parse("created", "gt:2020,lt:2021").unwrap();
        let expiration = DateFilter::parse("expiration", "lt:2021").unwrap();
        for (query, pattern, index) in [
            (name("abc%"), "abc%", "secrets_by_name"),
            (SecretQuery { created, ..paged(0) }, "", "secrets_by_created"),
            (SecretQuery { expiration, ..paged(0) }, "", "secrets_by_expiration"),
            (name("%abc"), "%abc", "secrets_by"),
            (SecretQuery { bits: NonZero::new(256), ..paged(0) }, "", "secrets_by"),
        ] {
            for plan in plans(&query, pattern) {
                assert!(plan.starts_with("SEARCH") && !plan.contains("SCAN"), "{plan}");
                let of_secrets = plan.contains("secrets USING");
                assert!(!of_secrets || plan.contains(index), "{index}: {plan}");
            }
        }
    }
}
