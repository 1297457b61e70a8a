use super::{Control, Severity};
use crate::backup::ORPHAN_REVIEW;

const REVIEW: &str =
    "strongroom-admin review start --to review.csv, decide in the file, then review decide and review apply";

pub(super) const CONTROLS: [Control; 1] = [Control {
    id: "REV-01",
    severity: Severity::Medium,
    title: "secrets that nobody owns or uses were reviewed within a quarter",
    at_start: false,
    examine: |site| site.done_this_quarter(ORPHAN_REVIEW, REVIEW),
}];
