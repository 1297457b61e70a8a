use super::{Control, Severity};
use crate::backup::ORPHAN_REVIEW;

const REVIEW: &str = "review the secrets, then note it: strongroom-admin attest orphan-review --detail WHO";

pub(super) const CONTROLS: [Control; 1] = [Control {
    id: "REV-01",
    severity: Severity::Medium,
    title: "secrets that nobody owns or uses were reviewed within a quarter",
    at_start: false,
    examine: |site| site.done_this_quarter(ORPHAN_REVIEW, REVIEW),
}];
