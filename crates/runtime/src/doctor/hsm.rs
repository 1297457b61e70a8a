use super::{Control, Examined, Severity, Site};

pub(super) const CONTROLS: [Control; 2] = [
    Control {
        id: "HSM-01",
        severity: Severity::High,
        title: "the HSM's partition is dedicated, with credentials of its own and its audit on",
        at_start: false,
        examine: none,
    },
    Control {
        id: "HSM-02",
        severity: Severity::Medium,
        title: "failover of the HSM was tried within a quarter",
        at_start: false,
        examine: none,
    },
];

fn none(_: &Site<'_>) -> Examined {
    Examined::not_applicable("no store has its master key in an HSM")
}
