use super::{Control, Examined, Severity, Site};
use crate::backup::{HSM_CHECK, HSM_DRILL};
use crate::settings::StoreKind;

const CHECK: &str = "strongroom-admin hsm check";
const DRILL: &str = "strongroom-admin hsm drill --report FILE";

pub(super) const CONTROLS: [Control; 2] = [
    Control {
        id: "HSM-01",
        severity: Severity::High,
        title: "the HSM's partition is dedicated, with credentials of its own and its audit on",
        at_start: false,
        examine: examined,
    },
    Control {
        id: "HSM-02",
        severity: Severity::Medium,
        title: "failover of the HSM was tried within a quarter",
        at_start: false,
        examine: drilled,
    },
];

/// A look into a token takes a login, and each login can be one wrong PIN nearer to a locked token: that is left
/// to a command which is given when somebody is there, and which notes what it has found.
fn examined(site: &Site<'_>) -> Examined {
    if let Some(nothing) = elsewhere(site) {
        return nothing;
    }
    let examined = site.done_this_quarter(HSM_CHECK, CHECK);
    let left = site.told.as_ref().ok().and_then(|told| told.detail(HSM_CHECK));
    match left.filter(|left| !left.is_empty()) {
        Some(left) if examined.is_pass() => Examined::warn(left, CHECK),
        _ => examined,
    }
}

fn drilled(site: &Site<'_>) -> Examined {
    elsewhere(site).unwrap_or_else(|| site.done_this_quarter(HSM_DRILL, DRILL))
}

fn elsewhere(site: &Site<'_>) -> Option<Examined> {
    let in_token = site.settings.stores.enabled.contains(&StoreKind::Pkcs11);
    (!in_token).then(|| Examined::not_applicable("no store has its master key in an HSM"))
}
