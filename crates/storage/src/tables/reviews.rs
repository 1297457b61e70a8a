//! Reviews, and what they have decided.

use diesel::prelude::*;
use strongroom_core::review::{Condemned, Review, ReviewStage};
use strongroom_core::{ReviewId, SecretId};

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::{condemned_secrets, reviews};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = reviews, treat_none_as_null = true)]
struct Row {
    id: Vec<u8>,
    operator: String,
    started: i64,
    unread_days: i64,
    looked: i64,
    listed: i64,
    stage: String,
    file: Option<String>,
    condemned: i64,
    deleted: i64,
    spared: i64,
    ended: Option<i64>,
    owners_unknown: Option<i64>,
    materials_unknown: Option<i64>,
}

/// Secret, when it had last changed, whether it was orphaned, and its twin.
type CondemnedColumns = (Vec<u8>, i64, bool, Option<Vec<u8>>);

impl Row {
    fn of(self) -> Result<Review, Fault> {
        Ok(Review {
            id: column::id(&self.id, "reviews.id")?,
            operator: column::opaque(self.operator, "reviews.operator")?,
            started: column::time(self.started, "reviews.started")?,
            unread_days: column::version(self.unread_days, "reviews.unread_days")?,
            looked: column::count(self.looked, "reviews.looked")?,
            listed: column::count(self.listed, "reviews.listed")?,
            stage: ReviewStage::from_stored(&self.stage).ok_or(Fault::corrupt("reviews.stage"))?,
            file: self.file,
            condemned: column::count(self.condemned, "reviews.condemned")?,
            deleted: column::count(self.deleted, "reviews.deleted")?,
            spared: column::count(self.spared, "reviews.spared")?,
            ended: self.ended.map(|at| column::time(at, "reviews.ended")).transpose()?,
            owners_unknown: self
                .owners_unknown
                .map(|count| column::count(count, "reviews.owners_unknown"))
                .transpose()?,
            materials_unknown: self
                .materials_unknown
                .map(|count| column::count(count, "reviews.materials_unknown"))
                .transpose()?,
        })
    }
}

impl From<&Review> for Row {
    fn from(review: &Review) -> Self {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            id: review.id.as_bytes().to_vec(),
            operator: review.operator.as_str().to_owned(),
            started: review.started.as_micros(),
            unread_days: i64::from(review.unread_days),
            looked: number(review.looked),
            listed: number(review.listed),
            stage: review.stage.as_str().to_owned(),
            file: review.file.clone(),
            condemned: number(review.condemned),
            deleted: number(review.deleted),
            spared: number(review.spared),
            ended: review.ended.map(strongroom_core::Timestamp::as_micros),
            owners_unknown: review.owners_unknown.map(number),
            materials_unknown: review.materials_unknown.map(number),
        }
    }
}

/// The review of that id.
pub(crate) fn find(connection: &mut Connection, id: ReviewId) -> Result<Option<Review>, Fault> {
    let row: Option<Row> = reviews::table
        .filter(reviews::id.eq(id.as_bytes().as_slice()))
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
}

/// The latest ones, the latest first.
pub(crate) fn latest(connection: &mut Connection, limit: u32) -> Result<Vec<Review>, Fault> {
    let rows: Vec<Row> = reviews::table
        .order(reviews::position.desc())
        .limit(i64::from(limit))
        .select(Row::as_select())
        .load(connection)?;
    rows.into_iter().map(Row::of).collect()
}

/// The first one that is being applied.
pub(crate) fn to_apply(connection: &mut Connection) -> Result<Option<Review>, Fault> {
    let row: Option<Row> = reviews::table
        .filter(reviews::stage.eq(ReviewStage::Applying.as_str()))
        .order(reviews::position)
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
}

/// Sets what is known about one, new or not.
pub(crate) fn put(connection: &mut Connection, review: &Review) -> Result<(), Fault> {
    let row = Row::from(review);
    let known = reviews::table.filter(reviews::id.eq(review.id.as_bytes().as_slice()));
    if diesel::update(known).set(&row).execute(connection)? == 0 {
        diesel::insert_into(reviews::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// A secret that is still to be deleted.
pub(crate) fn next_condemned(
    connection: &mut Connection,
    review: ReviewId,
) -> Result<Option<Condemned>, Fault> {
    let row: Option<CondemnedColumns> = condemned_secrets::table
        .filter(condemned_secrets::review.eq(review.as_bytes().as_slice()))
        .order(condemned_secrets::secret)
        .select((
            condemned_secrets::secret,
            condemned_secrets::updated,
            condemned_secrets::orphaned,
            condemned_secrets::twin,
        ))
        .get_result(connection)
        .optional()?;
    row.map(|(secret, updated, orphaned, twin)| {
        Ok(Condemned {
            secret: column::id(&secret, "condemned_secrets.secret")?,
            updated: column::time(updated, "condemned_secrets.updated")?,
            orphaned,
            twin: twin.map(|id| column::id(&id, "condemned_secrets.twin")).transpose()?,
        })
    })
    .transpose()
}

/// Adds one, unless it is there.
pub(crate) fn condemn(
    connection: &mut Connection,
    review: ReviewId,
    condemned: Condemned,
) -> Result<(), Fault> {
    spare(connection, review, Some(condemned.secret))?;
    diesel::insert_into(condemned_secrets::table)
        .values((
            condemned_secrets::review.eq(review.as_bytes().as_slice()),
            condemned_secrets::secret.eq(condemned.secret.as_bytes().as_slice()),
            condemned_secrets::updated.eq(condemned.updated.as_micros()),
            condemned_secrets::orphaned.eq(condemned.orphaned),
            condemned_secrets::twin.eq(condemned.twin.map(|id| id.as_bytes().to_vec())),
        ))
        .execute(connection)?;
    Ok(())
}

/// Removes one, or all of a review.
pub(crate) fn spare(
    connection: &mut Connection,
    review: ReviewId,
    secret: Option<SecretId>,
) -> Result<(), Fault> {
    let all = condemned_secrets::table.filter(condemned_secrets::review.eq(review.as_bytes().as_slice()));
    match secret {
        Some(id) => {
            let one = all.filter(condemned_secrets::secret.eq(id.as_bytes().as_slice()));
            diesel::delete(one).execute(connection)?;
        }
        None => {
            diesel::delete(all).execute(connection)?;
        }
    }
    Ok(())
}
