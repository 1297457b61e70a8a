//! What a list must show, worked out the slow way.

use std::cmp::Ordering;

use strongroom_core::secret::{DateFilter, DateTerm, Label, Page, SecretQuery, SortField};
use strongroom_core::{Secret, Timestamp};

/// The page that the query asks for; `secrets` are a project's in the order of their insertion.
pub(crate) fn page(secrets: &[Secret], query: &SecretQuery, now: Timestamp) -> Page<Secret> {
    let mut found: Vec<(usize, &Secret)> = secrets
        .iter()
        .enumerate()
        .filter(|(_, secret)| !secret.is_expired(now) && matches(secret, query))
        .collect();
    found.sort_by(|(left_at, left), (right_at, right)| {
        let mut order = Ordering::Equal;
        let mut descending = false;
        for key in query.sort.keys().iter().filter(|key| key.field != SortField::Status) {
            descending = key.descending;
            order = order.then(directed(compare(left, right, key.field), descending));
        }
        order.then(directed(left_at.cmp(right_at), descending))
    });
    let offset = usize::try_from(query.paging.offset).unwrap();
    let limit = usize::try_from(query.paging.limit).unwrap();
    Page {
        total: u64::try_from(found.len()).unwrap(),
        items: found.into_iter().skip(offset).take(limit).map(|(_, secret)| secret.clone()).collect(),
    }
}

fn directed(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

fn compare(left: &Secret, right: &Secret, field: SortField) -> Ordering {
    match field {
        SortField::Algorithm => left.algorithm.cmp(&right.algorithm),
        SortField::BitLength => left.bit_length.cmp(&right.bit_length),
        SortField::Created => left.created.cmp(&right.created),
        SortField::Expiration => left.expiration.cmp(&right.expiration),
        SortField::Mode => left.mode.cmp(&right.mode),
        SortField::Name => left.name.cmp(&right.name),
        SortField::SecretType => left.secret_type.as_str().cmp(right.secret_type.as_str()),
        SortField::Updated => left.updated.cmp(&right.updated),
        SortField::Status => Ordering::Equal,
    }
}

fn matches(secret: &Secret, query: &SecretQuery) -> bool {
    let like_label = |pattern: &Option<String>, label: Option<&str>| {
        pattern.as_ref().is_none_or(|pattern| label.is_some_and(|text| like(pattern, text)))
    };
    like_label(&query.name, secret.name.as_ref().map(Label::as_str))
        && like_label(&query.algorithm, secret.algorithm.as_ref().map(Label::as_str))
        && like_label(&query.mode, secret.mode.as_ref().map(Label::as_str))
        && query
            .bits
            .is_none_or(|bits| secret.bit_length.is_some_and(|own| u32::from(own.get()) == bits.get()))
        && query.secret_type.as_ref().is_none_or(|name| secret.secret_type.as_str() == name)
        && query.shared_with.is_none()
        && within(&query.created, Some(secret.created))
        && within(&query.updated, Some(secret.updated))
        && within(&query.expiration, secret.expiration)
}

fn within(filter: &DateFilter, time: Option<Timestamp>) -> bool {
    filter.terms().iter().all(|term| {
        time.is_some_and(|time| match *term {
            DateTerm::After(bound) => time > bound,
            DateTerm::From(bound) => time >= bound,
            DateTerm::Before(bound) => time < bound,
            DateTerm::Until(bound) => time <= bound,
            DateTerm::At(bound) => time == bound,
        })
    })
}

/// SQL's `LIKE` without an escape, blind to the case of ASCII letters.
fn like(pattern: &str, text: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => text.is_empty(),
        Some('%') => {
            let rest = pattern.as_str();
            text.char_indices().any(|(at, _)| like(rest, &text[at..])) || like(rest, "")
        }
        Some(wanted) => {
            let mut text = text.chars();
            text.next().is_some_and(|found| wanted == '_' || wanted.eq_ignore_ascii_case(&found))
                && like(pattern.as_str(), text.as_str())
        }
    }
}
