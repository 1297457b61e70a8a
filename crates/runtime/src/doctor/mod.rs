//! The hardening guide as checks: each control has a stable id, and is proved by looking. One file for each group.

mod audit;
mod backups;
mod control;
mod expiry;
mod firewall;
mod folders;
mod hsm;
mod master_key;
mod network;
mod plain_http;
mod review;
mod rotation;
mod sandbox;
mod site;
mod test_record;

use std::path::Path;

use strongroom_core::UserId;

pub use control::{Control, Examined, Finding, Severity, Verdict};
pub use site::Site;

use crate::error::RunError;
use crate::settings::Settings;

/// Every control, in the order of its report.
const GROUPS: [&[Control]; 13] = [
    &master_key::CONTROLS,
    &backups::CONTROLS,
    &rotation::CONTROLS,
    &hsm::CONTROLS,
    &audit::CONTROLS,
    &test_record::CONTROLS,
    &expiry::CONTROLS,
    &network::CONTROLS,
    &plain_http::CONTROLS,
    &firewall::CONTROLS,
    &sandbox::CONTROLS,
    &review::CONTROLS,
    &folders::CONTROLS,
];

/// All controls there are.
pub fn controls() -> impl Iterator<Item = &'static Control> {
    GROUPS.into_iter().flatten()
}

/// Looks at every control. Takes as long as reading the journal takes. On the account of a `prober` also does what
/// leaves traces elsewhere.
pub fn examine(settings: &Settings, credentials: Option<&Path>, prober: Option<UserId>) -> Vec<Finding> {
    let site = Site { prober, ..Site::visit(settings, credentials) };
    controls().map(|control| control.look(&site)).collect()
}

/// Looks at those controls that take no time.
pub(crate) fn look_quickly(settings: &Settings, credentials: Option<&Path>) -> Vec<Finding> {
    let site = Site::visit(settings, credentials);
    controls().filter(|control| control.at_start).map(|control| control.look(&site)).collect()
}

/// Does so, tells what is not as it should be, and refuses to go on without those that the settings insist on.
pub(crate) fn look_before_serving(settings: &Settings, credentials: Option<&Path>) -> Result<(), RunError> {
    for Finding { id, title, verdict, evidence, remedy, .. } in look_quickly(settings, credentials) {
        if matches!(verdict, Verdict::Pass | Verdict::NotApplicable) {
            continue;
        }
        let remedy = remedy.unwrap_or_default();
        if verdict == Verdict::Fail && settings.doctor.refuse_start.iter().any(|wanted| wanted == id) {
            return Err(RunError::Unsound(format!("{id}, {title}: {evidence} (remedy: {remedy})")));
        }
        tracing::warn!(control = id, evidence, remedy, "{title}: {}", verdict.as_str());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_controls_share_an_id() {
        let ids: BTreeSet<_> = controls().map(|control| control.id).collect();
        assert_eq!(ids.len(), controls().count());
    }
}
