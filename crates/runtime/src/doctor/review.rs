use super::{Control, Examined, Severity, Site};

/// How long ago the last review may be, in days.
const QUARTER: i64 = 92;

pub(super) const CONTROLS: [Control; 1] = [Control {
    id: "REV-01",
    severity: Severity::Medium,
    title: "secrets that nobody owns or uses were reviewed within a quarter",
    at_start: false,
    examine: reviewed,
}];

fn reviewed(site: &Site<'_>) -> Examined {
    const REVIEW: &str =
        "review the secrets, then note it: strongroom-admin attest orphan-review --detail WHO";
    let Ok(told) = &site.told else { return Examined::not_applicable("the database tells nothing") };
    match told.done("orphan-review") {
        None => Examined::warn("no review was noted", REVIEW),
        Some(at) if site.days_since(at) > QUARTER => Examined::warn(format!("last reviewed {at}"), REVIEW),
        Some(at) => Examined::pass(format!("reviewed {at}")),
    }
}
