use diesel::prelude::*;
use strongroom_core::order::{Order, OrderQuery, OrderState};
use strongroom_core::secret::{Label, Page};
use strongroom_core::{OrderId, ProjectId, Timestamp, UserId};

use self::row::{PENDING, Row, StateColumns};
use super::{order_passphrases, projects};
use crate::fault::Fault;
use crate::run::Run;
use crate::schema::orders;
use crate::schema::projects as project_rows;
use crate::sqlite::instr;
use crate::{Backend, Connection, column};

mod row;

/// Who claims an order.
#[derive(Clone, Copy)]
pub(crate) struct Worker<'a> {
    /// Its name, the same in every run.
    pub(crate) name: &'a str,
    /// The run it is in.
    pub(crate) run: Run,
}

/// The order of that id.
pub(crate) fn find(connection: &mut Connection, id: OrderId) -> Result<Option<Order>, Fault> {
    let row: Option<(Row, String)> = orders::table
        .inner_join(project_rows::table)
        .filter(orders::id.eq(id.as_bytes().as_slice()))
        .select((Row::as_select(), project_rows::external_id))
        .get_result(connection)
        .optional()?;
    let Some((row, project)) = row else {
        return Ok(None);
    };
    let project = column::opaque(project, "projects.external_id")?;
    Ok(with_passphrases(connection, &project, vec![row])?.pop())
}

/// The project's orders that match, in the order of insertion.
pub(crate) fn page(
    connection: &mut Connection,
    project: &ProjectId,
    query: &OrderQuery,
) -> Result<Page<Order>, Fault> {
    let Some(number) = projects::find(connection, project)?.map(|found| found.id) else {
        return Ok(Page { items: Vec::new(), total: 0 });
    };
    let total = matching(number, query).count().get_result(connection)?;
    let rows = matching(number, query)
        .order(orders::position)
        .limit(i64::from(query.paging.limit))
        .offset(column::offset(query.paging))
        .select(Row::as_select())
        .load(connection)?;
    let items = with_passphrases(connection, project, rows)?;
    Ok(Page { items, total: column::count(total, "orders")? })
}

fn matching(project: i64, query: &OrderQuery) -> orders::BoxedQuery<'_, Backend> {
    let question = orders::table.filter(orders::project.eq(project)).into_boxed();
    match &query.meta {
        Some(part) => question.filter(instr(orders::meta, part.as_str()).gt(0)),
        None => question,
    }
}

/// Puts beside each order its sealed passphrase, if it has one.
fn with_passphrases(
    connection: &mut Connection,
    project: &ProjectId,
    rows: Vec<Row>,
) -> Result<Vec<Order>, Fault> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_slice()).collect();
    let mut passphrases = order_passphrases::of(connection, &ids)?;
    rows.into_iter()
        .map(|row| {
            let passphrase = passphrases.remove(&row.id);
            row.of(project.clone(), passphrase)
        })
        .collect()
}

/// How many orders the project has.
pub(crate) fn count(connection: &mut Connection, project: &ProjectId) -> Result<u64, Fault> {
    let number = orders::table
        .inner_join(project_rows::table)
        .filter(project_rows::external_id.eq(project.as_str()))
        .count()
        .get_result(connection)?;
    column::count(number, "orders")
}

/// How many orders are pending, and when the oldest of them was placed.
pub(crate) fn pending(connection: &mut Connection) -> Result<(u64, Option<Timestamp>), Fault> {
    let pending = || orders::table.filter(orders::state.eq(PENDING));
    let number: i64 = pending().count().get_result(connection)?;
    let oldest: Option<i64> =
        pending().order(orders::position).select(orders::created).get_result(connection).optional()?;
    let oldest = oldest.map(|micros| column::time(micros, "orders.created")).transpose()?;
    Ok((column::count(number, "orders")?, oldest))
}

/// Adds an order.
pub(crate) fn insert(connection: &mut Connection, order: &Order) -> Result<(), Fault> {
    let project = projects::find_or_insert(connection, &order.project)?.id;
    let spec = &order.spec;
    diesel::insert_into(orders::table)
        .values((
            orders::id.eq(order.id.as_bytes().as_slice()),
            orders::project.eq(project),
            orders::creator.eq(order.creator.as_ref().map(UserId::as_str)),
            orders::order_type.eq(order.order_type.as_str()),
            orders::name.eq(spec.name.as_ref().map(Label::as_str)),
            orders::algorithm.eq(spec.algorithm.as_str()),
            orders::mode.eq(spec.mode.as_ref().map(Label::as_str)),
            orders::bit_length.eq(i64::from(spec.bit_length.get())),
            orders::expiration.eq(spec.expiration.map(Timestamp::as_micros)),
            orders::content_type.eq(spec.content_type.as_str()),
            orders::meta.eq(order.meta.as_str()),
            StateColumns::from(&order.state),
            orders::created.eq(order.created.as_micros()),
            orders::updated.eq(order.updated.as_micros()),
        ))
        .execute(connection)?;
    match &order.passphrase {
        Some(passphrase) => order_passphrases::insert(connection, order.id, passphrase),
        None => Ok(()),
    }
}

/// The oldest pending order that nobody works on. Nobody works on an order whose time is up, nor on one that this
/// worker claimed in another run: it has died since, or the database would not be open again.
pub(crate) fn free(
    connection: &mut Connection,
    worker: Worker<'_>,
    now: Timestamp,
) -> Result<Option<OrderId>, Fault> {
    let left_over = orders::worker.eq(worker.name).and(orders::worker_run.ne(worker.run.as_bytes()));
    let oldest: Option<Vec<u8>> = orders::table
        .filter(orders::state.eq(PENDING))
        .filter(orders::worker.is_null().or(orders::lease_until.le(now.as_micros())).or(left_over))
        .order(orders::position)
        .select(orders::id)
        .get_result(connection)
        .optional()?;
    oldest.map(|id| column::id(&id, "orders.id")).transpose()
}

/// Gives the oldest pending order that nobody works on to the worker, until the time given.
pub(crate) fn claim(
    connection: &mut Connection,
    worker: Worker<'_>,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Order>, Fault> {
    let Some(id) = free(connection, worker, now)? else { return Ok(None) };
    diesel::update(orders::table.filter(orders::id.eq(id.as_bytes().as_slice())))
        .set((
            orders::worker.eq(worker.name),
            orders::worker_run.eq(worker.run.as_bytes()),
            orders::lease_until.eq(until.as_micros()),
        ))
        .execute(connection)?;
    find(connection, id)
}

/// Prolongs the worker's claims on these orders, as far as it still has them in this run.
pub(crate) fn prolong(
    connection: &mut Connection,
    worker: Worker<'_>,
    ids: &[OrderId],
    until: Timestamp,
) -> Result<(), Fault> {
    let ids = ids.iter().map(|id| id.as_bytes().as_slice());
    let held = orders::table
        .filter(orders::id.eq_any(ids))
        .filter(orders::worker.eq(worker.name))
        .filter(orders::worker_run.eq(worker.run.as_bytes()));
    diesel::update(held).set(orders::lease_until.eq(until.as_micros())).execute(connection)?;
    Ok(())
}

/// Ends an order: sets its state, and drops its sealed passphrase and its worker.
pub(crate) fn end(
    connection: &mut Connection,
    id: OrderId,
    state: &OrderState,
    now: Timestamp,
) -> Result<(), Fault> {
    order_passphrases::delete(connection, id)?;
    diesel::update(orders::table.filter(orders::id.eq(id.as_bytes().as_slice())))
        .set((
            StateColumns::from(state),
            orders::worker.eq(None::<&str>),
            orders::worker_run.eq(None::<&[u8]>),
            orders::lease_until.eq(None::<i64>),
            orders::updated.eq(now.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Removes an order; `false` when there was none.
pub(crate) fn delete(connection: &mut Connection, id: OrderId) -> Result<bool, Fault> {
    order_passphrases::delete(connection, id)?;
    let row = orders::table.filter(orders::id.eq(id.as_bytes().as_slice()));
    Ok(diesel::delete(row).execute(connection)? > 0)
}
