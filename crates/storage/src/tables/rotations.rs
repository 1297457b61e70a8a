use diesel::dsl::max;
use diesel::prelude::*;
use strongroom_core::ports::BackendId;
use strongroom_core::rotation::{Rotation, Stage};
use strongroom_core::{RotationId, Timestamp};

use self::row::{Progress, Row, goal_columns};
use super::orders::Worker;
use crate::Connection;
use crate::fault::Fault;
use crate::schema::rotations;

mod row;

/// The rotation of that id.
pub(crate) fn find(connection: &mut Connection, id: RotationId) -> Result<Option<Rotation>, Fault> {
    let row: Option<Row> = rotations::table
        .filter(rotations::id.eq(id.as_bytes().as_slice()))
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
}

/// The rotation of that backend's keys that has not ended.
pub(crate) fn open(connection: &mut Connection, backend: &BackendId) -> Result<Option<Rotation>, Fault> {
    let row: Option<Row> = rotations::table
        .filter(rotations::backend.eq(backend.as_str()).and(rotations::open.eq(1)))
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
}

/// Rotations of that backend's keys, the latest first.
pub(crate) fn latest(
    connection: &mut Connection,
    backend: &BackendId,
    limit: u32,
) -> Result<Vec<Rotation>, Fault> {
    let rows: Vec<Row> = rotations::table
        .filter(rotations::backend.eq(backend.as_str()))
        .order(rotations::position.desc())
        .limit(i64::from(limit))
        .select(Row::as_select())
        .load(connection)?;
    rows.into_iter().map(Row::of).collect()
}

/// Adds a rotation.
pub(crate) fn insert(connection: &mut Connection, rotation: &Rotation) -> Result<(), Fault> {
    let highest: Option<i64> = rotations::table.select(max(rotations::position)).get_result(connection)?;
    diesel::insert_into(rotations::table)
        .values((
            rotations::position.eq(highest.unwrap_or(0).saturating_add(1)),
            rotations::id.eq(rotation.id.as_bytes().as_slice()),
            rotations::backend.eq(rotation.backend.as_str()),
            goal_columns(&rotation.goal),
            rotations::paused.eq(rotation.paused),
            Progress::of(rotation)?,
            rotations::created.eq(rotation.created.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Halts a rotation, or lets it go on.
pub(crate) fn pause(connection: &mut Connection, id: RotationId, paused: bool) -> Result<(), Fault> {
    diesel::update(rotations::table.filter(rotations::id.eq(id.as_bytes().as_slice())))
        .set(rotations::paused.eq(paused))
        .execute(connection)?;
    Ok(())
}

/// Gives the open rotation of that backend to the worker, unless it is halted or somebody else's.
pub(crate) fn claim(
    connection: &mut Connection,
    backend: &BackendId,
    worker: Worker<'_>,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Rotation>, Fault> {
    let free = rotations::worker
        .is_null()
        .or(rotations::lease_until.le(now.as_micros()))
        .or(rotations::worker.eq(worker.name));
    let taken = diesel::update(rotations::table)
        .filter(rotations::backend.eq(backend.as_str()).and(rotations::open.eq(1)))
        .filter(rotations::paused.eq(false).and(free))
        .set((
            rotations::worker.eq(worker.name),
            rotations::worker_run.eq(worker.run.as_bytes()),
            rotations::lease_until.eq(until.as_micros()),
        ))
        .execute(connection)?;
    if taken == 0 { Ok(None) } else { open(connection, backend) }
}

/// Stores how far a rotation has come and prolongs the claim; `false` when the worker has it no more.
pub(crate) fn advance(
    connection: &mut Connection,
    rotation: &Rotation,
    worker: Worker<'_>,
    until: Timestamp,
) -> Result<bool, Fault> {
    let own = rotations::worker.eq(worker.name).and(rotations::worker_run.eq(worker.run.as_bytes()));
    let stored = diesel::update(rotations::table)
        .filter(rotations::id.eq(rotation.id.as_bytes().as_slice()))
        .filter(rotations::open.eq(1).and(rotations::paused.eq(false)).and(own))
        .set((Progress::of(rotation)?, rotations::lease_until.eq(until.as_micros())))
        .execute(connection)?;
    Ok(stored > 0)
}

/// Ends a rotation as given up.
pub(crate) fn cancel(connection: &mut Connection, id: RotationId, now: Timestamp) -> Result<(), Fault> {
    diesel::update(rotations::table.filter(rotations::id.eq(id.as_bytes().as_slice())))
        .set((
            rotations::open.eq(None::<i64>),
            rotations::stage.eq(Stage::Cancelled.as_str()),
            rotations::updated.eq(now.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}
