//! Capabilities: those of root that this service has no use for are given up, for good.

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use super::Confinement;

/// Locking keys in memory beyond the limit, and listening on a port below 1024.
const NEEDED: CapabilitySet = CapabilitySet::IPC_LOCK.union(CapabilitySet::NET_BIND_SERVICE);

pub(super) fn drop_all_but_needed() -> Confinement {
    let Ok(held) = capabilities(None) else { return Confinement::Absent };
    // While the right to do so is still there. Without it there is nothing to be gained by them either: no
    // program is started.
    let bounded = (CapabilitySet::all() - NEEDED)
        .iter()
        .filter(|_| held.effective.contains(CapabilitySet::SETPCAP))
        .all(|one| remove_capability_from_bounding_set(one).is_ok());
    let ambient = clear_ambient_capability_set().is_ok();
    let kept = CapabilitySets {
        effective: held.effective & NEEDED,
        permitted: held.permitted & NEEDED,
        inheritable: CapabilitySet::empty(),
    };
    match (held == kept || set_capabilities(None, kept).is_ok(), bounded && ambient) {
        (true, true) => Confinement::Full,
        (true, false) => Confinement::Partial,
        (false, _) => Confinement::Absent,
    }
}
