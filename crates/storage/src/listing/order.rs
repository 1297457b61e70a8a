use diesel::expression::AppearsOnTable;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use strongroom_core::secret::{SecretQuery, SortField};

use super::filter::Question;
use crate::Backend;
use crate::schema::secrets;

/// Whether the query asks for another order than that of insertion.
pub(super) fn is_given(query: &SecretQuery) -> bool {
    query.sort.keys().iter().any(|key| key.field != SortField::Status)
}

/// Puts the answers in the order asked for: text by its bytes, an absent value before every other (after
/// it when descending), equals by insertion in the direction of the last key.
pub(super) fn by<'a>(query: &SecretQuery, question: Question<'a>) -> Question<'a> {
    let (question, descending) = sorted(query, question);
    then(question, secrets::position, descending)
}

/// As [`by`], for secrets of several projects: equals by the time of creation.
pub(super) fn across_projects<'a>(query: &SecretQuery, question: Question<'a>) -> Question<'a> {
    let (question, descending) = sorted(query, question);
    then(then(question, secrets::created, descending), secrets::id, descending)
}

/// Puts the answers in the order of the keys asked for, and tells whether the last of them is descending.
fn sorted<'a>(query: &SecretQuery, question: Question<'a>) -> (Question<'a>, bool) {
    let mut descending = false;
    let mut question = question;
    for key in query.sort.keys().iter().filter(|key| key.field != SortField::Status) {
        descending = key.descending;
        question = match key.field {
            SortField::Algorithm => then(question, secrets::algorithm, descending),
            SortField::BitLength => then(question, secrets::bit_length, descending),
            SortField::Created => then(question, secrets::created, descending),
            SortField::Expiration => then(question, secrets::expiration, descending),
            SortField::Mode => then(question, secrets::mode, descending),
            SortField::Name => then(question, secrets::name, descending),
            SortField::SecretType => then(question, secrets::secret_type, descending),
            SortField::Updated => then(question, secrets::updated, descending),
            // Every listed secret is active.
            SortField::Status => question,
        };
    }
    (question, descending)
}

fn then<'a, C>(question: Question<'a>, column: C, descending: bool) -> Question<'a>
where
    C: ExpressionMethods + QueryFragment<Backend> + AppearsOnTable<secrets::table> + Send + 'a,
{
    if descending { question.then_order_by(column.desc()) } else { question.then_order_by(column.asc()) }
}
