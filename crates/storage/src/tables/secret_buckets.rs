//! How many live secrets each run of a project's positions holds.

use diesel::prelude::*;

use crate::Connection;
use crate::fault::Fault;
use crate::schema::secret_buckets;

/// How many positions one bucket covers. A deep page costs a walk over the buckets before it and a skip
/// inside its own, so this is about the square root of a large project's size.
pub(crate) const SIZE: i64 = 512;

/// The bucket a position lies in.
pub(crate) fn bucket_of(position: i64) -> i64 {
    position.div_euclid(SIZE)
}

/// Adds to the bucket's count. A bucket that gets empty goes, so that a project's past does not slow its
/// lists.
pub(crate) fn count(connection: &mut Connection, project: i64, bucket: i64, live: i64) -> Result<(), Fault> {
    let row = || secret_buckets::table.find((project, bucket));
    let counted = diesel::update(row())
        .set(secret_buckets::live.eq(secret_buckets::live + live))
        .execute(connection)?;
    if counted == 0 {
        diesel::insert_into(secret_buckets::table)
            .values((
                secret_buckets::project.eq(project),
                secret_buckets::bucket.eq(bucket),
                secret_buckets::live.eq(live),
            ))
            .execute(connection)?;
    }
    if live <= 0 {
        diesel::delete(row().filter(secret_buckets::live.eq(0))).execute(connection)?;
    }
    Ok(())
}
