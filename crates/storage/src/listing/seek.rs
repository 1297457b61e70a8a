//! Finds where a page begins without stepping over everything before it.

use diesel::prelude::*;

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::secret_buckets;
use crate::tables::secret_buckets::{SIZE, bucket_of};

/// Where a page begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// At this position or later.
    pub(super) position: i64,
    /// After passing over this many listed secrets.
    pub(super) skip: i64,
}

/// Where the page that passes over `offset` of `total` listed secrets begins; `None` when that is past the
/// end. `expired` are the positions, sorted, that the buckets count although they are not listed.
pub(super) fn start(
    connection: &mut Connection,
    project: i64,
    expired: &[i64],
    offset: u64,
    total: u64,
) -> Result<Option<Start>, Fault> {
    if offset >= total {
        return Ok(None);
    }
    if offset == 0 {
        return Ok(Some(Start { position: 0, skip: 0 }));
    }
    let of_project = secret_buckets::table
        .filter(secret_buckets::project.eq(project))
        .select((secret_buckets::bucket, secret_buckets::live));
    // Walked from the end that is nearer.
    let from_end = total - offset;
    if offset <= from_end {
        let buckets = of_project.order(secret_buckets::bucket).load_iter(connection)?;
        Ok(walk(buckets, expired, offset.saturating_add(1), |left, _| left - 1)?)
    } else {
        let buckets = of_project.order(secret_buckets::bucket.desc()).load_iter(connection)?;
        Ok(walk(buckets, expired, from_end, |left, listed| listed - left)?)
    }
}

/// Goes on to the bucket that holds the `nth` listed secret, counted from 1 in the walk's direction;
/// `skip` tells from its rank in the bucket, and from how many the bucket lists, how many lie before it.
fn walk(
    buckets: impl Iterator<Item = QueryResult<(i64, i64)>>,
    expired: &[i64],
    nth: u64,
    skip: fn(u64, u64) -> u64,
) -> Result<Option<Start>, Fault> {
    let mut left = nth;
    for row in buckets {
        let (bucket, live) = row?;
        let listed = column::count(live - expired_in(bucket, expired), "secret_buckets.live")?;
        if left <= listed {
            let skip =
                i64::try_from(skip(left, listed)).map_err(|_| Fault::corrupt("secret_buckets.live"))?;
            return Ok(Some(Start { position: bucket.saturating_mul(SIZE), skip }));
        }
        left -= listed;
    }
    // The buckets must add up to the project's count of live secrets.
    Err(Fault::corrupt("secret_buckets.live"))
}

fn expired_in(bucket: i64, expired: &[i64]) -> i64 {
    let first = expired.partition_point(|position| bucket_of(*position) < bucket);
    let after = expired.partition_point(|position| bucket_of(*position) <= bucket);
    i64::try_from(after - first).unwrap_or(i64::MAX)
}
