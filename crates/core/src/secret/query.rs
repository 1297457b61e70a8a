use std::num::NonZeroU32;

use crate::error::Violation;
use crate::id::UserId;
use crate::time::Timestamp;

/// Which secrets to list, in what order, and which part of them (spec section 6.5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretQuery {
    /// Name pattern in the language of SQL `LIKE`.
    pub name: Option<String>,
    /// Algorithm pattern, likewise.
    pub algorithm: Option<String>,
    /// Mode pattern, likewise.
    pub mode: Option<String>,
    /// Exact bit length; one that no secret can have matches nothing.
    pub bits: Option<NonZeroU32>,
    /// Exact type; a type that does not exist matches nothing.
    pub secret_type: Option<String>,
    /// When created.
    pub created: DateFilter,
    /// When last updated.
    pub updated: DateFilter,
    /// When expiring; a secret without expiration matches no filter.
    pub expiration: DateFilter,
    /// In what order; by creation when empty.
    pub sort: Sort,
    /// Instead of the project's secrets, those of any project whose ACL lists this user.
    pub shared_with: Option<UserId>,
    /// Which part of the matches.
    pub paging: Paging,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// How many items at most.
    pub limit: u32,
    /// How many items to pass over.
    pub offset: u64,
}

impl Default for Paging {
    fn default() -> Self {
        Self { limit: 10, offset: 0 }
    }
}

/// One page of a longer list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// How many items match in all.
    pub total: u64,
}

/// A comparison with an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateTerm {
    /// Later than.
    After(Timestamp),
    /// At or later than.
    From(Timestamp),
    /// Earlier than.
    Before(Timestamp),
    /// At or earlier than.
    Until(Timestamp),
    /// Exactly at.
    At(Timestamp),
}

/// Comparisons that must all hold; none at all matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DateFilter(Vec<DateTerm>);

impl DateFilter {
    /// Reads comma-separated terms `gt:`, `gte:`, `lt:`, `lte:` or a bare time, and refuses combinations
    /// that the reference refuses: a second bound on one side, and an equality beside `gte` or `lte`.
    pub fn parse(property: &'static str, text: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let invalid = Violation::new(property, "is not a date filter");
        let conflict = Violation::new(property, "has terms that exclude each other");
        let (mut lower, mut upper, mut equal, mut inclusive) = (false, false, false, false);
        let mut terms = Vec::new();
        for term in text.split(',') {
            let (make, time): (fn(Timestamp) -> DateTerm, &str) = match term.split_once(':') {
                Some(("gt", time)) => (DateTerm::After, time),
                Some(("gte", time)) => (DateTerm::From, time),
                Some(("lt", time)) => (DateTerm::Before, time),
                Some(("lte", time)) => (DateTerm::Until, time),
                _ => (DateTerm::At, term),
            };
            let term = make(Timestamp::parse(time.trim()).map_err(|_| invalid)?);
            let clash = match term {
                DateTerm::After(_) => std::mem::replace(&mut lower, true),
                DateTerm::Before(_) => std::mem::replace(&mut upper, true),
                DateTerm::From(_) => std::mem::replace(&mut lower, true) || equal,
                DateTerm::Until(_) => std::mem::replace(&mut upper, true) || equal,
                DateTerm::At(_) => std::mem::replace(&mut equal, true) || inclusive,
            };
            if clash {
                return Err(conflict);
            }
            inclusive |= matches!(term, DateTerm::From(_) | DateTerm::Until(_));
            terms.push(term);
        }
        Ok(Self(terms))
    }

    /// The comparisons.
    pub fn terms(&self) -> &[DateTerm] {
        &self.0
    }
}

/// A field that a list can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortField {
    /// `algorithm`
    Algorithm,
    /// `bit_length`
    BitLength,
    /// `created`
    Created,
    /// `expiration`
    Expiration,
    /// `mode`
    Mode,
    /// `name`
    Name,
    /// `secret_type`
    SecretType,
    /// `status`; every listed secret is active, so it orders nothing
    Status,
    /// `updated`
    Updated,
}

impl SortField {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "algorithm" => Self::Algorithm,
            "bit_length" => Self::BitLength,
            "created" => Self::Created,
            "expiration" => Self::Expiration,
            "mode" => Self::Mode,
            "name" => Self::Name,
            "secret_type" => Self::SecretType,
            "status" => Self::Status,
            "updated" => Self::Updated,
            _ => return None,
        })
    }
}

/// One key of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey {
    /// The field.
    pub field: SortField,
    /// From high to low.
    pub descending: bool,
}

/// An order by several keys, the first most significant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sort(Vec<SortKey>);

impl Sort {
    /// Reads `key[:asc|desc]` terms separated by commas; each key at most once.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let mut keys: Vec<SortKey> = Vec::new();
        for term in text.split(',').filter(|_| !text.is_empty()) {
            let (name, direction) = term.split_once(':').unwrap_or((term, "asc"));
            let field = SortField::parse(name).ok_or(Violation::new("sort", "names an unknown key"))?;
            let descending = match direction {
                "asc" => false,
                "desc" => true,
                _ => return Err(Violation::new("sort", "has a direction other than asc and desc")),
            };
            if keys.iter().any(|key| key.field == field) {
                return Err(Violation::new("sort", "names a key twice"));
            }
            keys.push(SortKey { field, descending });
        }
        Ok(Self(keys))
    }

    /// The keys, most significant first.
    pub fn keys(&self) -> &[SortKey] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn date_filters_allow_and_refuse_as_the_reference_does() {
        for good in ["2030", "gt:2030,lt:2031", "gte:2030,lte:2031-01-01T10:00:00+01:00", "2030,gt:2029", ""]
        {
            assert!(DateFilter::parse("created", good).is_ok(), "{good}");
        }
        for bad in [
            "soon",
            "gt:",
            "eq:2030",
            "gt:2030,gte:2031",
            "lt:2030,lt:2031",
            "2030,2031",
            "2030,gte:2031",
            "gte:2030,2031",
            "gt:2030,",
            "GT:2030",
        ] {
            assert!(DateFilter::parse("created", bad).is_err(), "{bad}");
        }
        assert_eq!(
            DateFilter::parse("created", "gt:2030-01-01T02:00:00+02:00").unwrap().terms(),
            [DateTerm::After(Timestamp::parse("2030").unwrap())]
        );
    }

    #[test]
    fn sorting_names_known_keys_once() {
        assert_eq!(Sort::parse("name,created:desc").unwrap().keys().len(), 2);
        assert_eq!(Sort::parse("").unwrap().keys(), []);
        for bad in ["size", "name:up", "name,name:desc", "name:asc:x", "name,", "name:"] {
            assert!(Sort::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_filter_makes_the_readers_panic(text in "\\PC*") {
            DateFilter::parse("created", &text).ok();
            Sort::parse(&text).ok();
        }
    }
}
