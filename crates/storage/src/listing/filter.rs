use diesel::dsl::sql;
use diesel::expression::is_aggregate::No;
use diesel::expression::{AppearsOnTable, ValidGrouping};
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{BigInt, Bool, Nullable};
use strongroom_core::UserId;
use strongroom_core::secret::{DateFilter, DateTerm, SecretQuery};

use super::Scope;
use crate::Backend;
use crate::schema::{acl_users, secrets};

/// A question about secrets whose filters and order are chosen while running.
pub(super) type Question<'a> = secrets::BoxedQuery<'a, Backend>;

/// Whether the query asks for less than all of the project's secrets.
pub(super) fn is_given(query: &SecretQuery) -> bool {
    let SecretQuery {
        name,
        algorithm,
        mode,
        bits,
        secret_type,
        created,
        updated,
        expiration,
        sort: _,
        shared_with,
        paging: _,
    } = query;
    name.is_some()
        || algorithm.is_some()
        || mode.is_some()
        || bits.is_some()
        || secret_type.is_some()
        || shared_with.is_some()
        || [created, updated, expiration].iter().any(|filter| !filter.terms().is_empty())
}

/// The project's unexpired secrets that match every filter, in no order.
pub(super) fn matching(scope: Scope, query: &SecretQuery) -> Question<'_> {
    narrowed(unexpired(scope.now).filter(secrets::project.eq(scope.project)), query)
}

/// The unexpired secrets of any project whose ACL lists the user, in no order.
pub(super) fn shared_with(user: &UserId, now: i64) -> Question<'_> {
    let shared = acl_users::table.filter(acl_users::user.eq(user.as_str())).select(acl_users::object);
    unexpired(now).filter(secrets::id.eq_any(shared))
}

fn unexpired<'a>(now: i64) -> Question<'a> {
    secrets::table
        .filter(secrets::live.eq(true))
        .filter(secrets::expiration.is_null().or(secrets::expiration.gt(now)))
        // Filters and sorts make so many different statements that keeping each one prepared would let a
        // caller fill the memory. Hand-written SQL, however little, keeps diesel from doing so.
        .filter(sql::<Bool>("1 = 1"))
        .into_boxed()
}

/// Those of the secrets that match every filter.
pub(super) fn narrowed<'a>(mut question: Question<'a>, query: &'a SecretQuery) -> Question<'a> {
    if let Some(pattern) = &query.name {
        question = question.filter(secrets::name.like(pattern.as_str()));
    }
    if let Some(pattern) = &query.algorithm {
        question = question.filter(secrets::algorithm.like(pattern.as_str()));
    }
    if let Some(pattern) = &query.mode {
        question = question.filter(secrets::mode.like(pattern.as_str()));
    }
    if let Some(bits) = query.bits {
        question = question.filter(secrets::bit_length.eq(i64::from(bits.get())));
    }
    if let Some(secret_type) = &query.secret_type {
        question = question.filter(secrets::secret_type.eq(secret_type.as_str()));
    }
    question = within(question, &query.created, secrets::created.nullable());
    question = within(question, &query.updated, secrets::updated.nullable());
    within(question, &query.expiration, secrets::expiration)
}

/// Narrows to where every comparison with the column holds; a row without that time matches none.
fn within<'a, C>(question: Question<'a>, filter: &DateFilter, column: C) -> Question<'a>
where
    C: Copy + Send + 'a,
    C: Expression<SqlType = Nullable<BigInt>> + ExpressionMethods + QueryFragment<Backend>,
    C: AppearsOnTable<secrets::table> + ValidGrouping<(), IsAggregate = No>,
{
    filter.terms().iter().fold(question, |question, term| match *term {
        DateTerm::After(time) => question.filter(column.gt(time.as_micros())),
        DateTerm::From(time) => question.filter(column.ge(time.as_micros())),
        DateTerm::Before(time) => question.filter(column.lt(time.as_micros())),
        DateTerm::Until(time) => question.filter(column.le(time.as_micros())),
        DateTerm::At(time) => question.filter(column.eq(time.as_micros())),
    })
}
