use diesel::prelude::*;
use strongroom_core::ports::Milestone;

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::milestones;

/// Everything that was ever done, by name.
pub(crate) fn all(connection: &mut Connection) -> Result<Vec<Milestone>, Fault> {
    let rows: Vec<(String, i64, String)> = milestones::table.order(milestones::name).load(connection)?;
    rows.into_iter()
        .map(|(name, at, detail)| Ok(Milestone { name, at: column::time(at, "milestones.at")?, detail }))
        .collect()
}

/// Sets when a thing was last done.
pub(crate) fn put(connection: &mut Connection, milestone: &Milestone) -> Result<(), Fault> {
    let told = (milestones::at.eq(milestone.at.as_micros()), milestones::detail.eq(&milestone.detail));
    let row = milestones::table.find(milestone.name.as_str());
    if diesel::update(row).set(told).execute(connection)? == 0 {
        diesel::insert_into(milestones::table)
            .values((milestones::name.eq(&milestone.name), told))
            .execute(connection)?;
    }
    Ok(())
}
