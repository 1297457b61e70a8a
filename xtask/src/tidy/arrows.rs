//! The direction of dependencies: `bins -> runtime -> (api and the adapters) -> core`.

use cargo_metadata::{DependencyKind, Metadata, Package};

use crate::workspace;

/// What a package is to the others, which decides whom it may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The domain: knows none of ours.
    Core,
    /// The network, around any service: knows none of ours.
    Edge,
    /// The network, towards receivers outside: knows none of ours.
    Outbound,
    /// A way into the domain (HTTP): knows core and whom the edge let in, and no adapter.
    Front,
    /// Plugs into a port of core: knows core, how receivers are reached, and no other adapter.
    Adapter,
    /// Stored formats and memory for keys, plugged into a port of core like any adapter.
    Crypto,
    /// A secret backend with its keys in a device or server: stores them in the formats of `Crypto`.
    Device,
    /// Names them all and wires them.
    Runtime,
    /// Flags and exit code.
    Bin,
    /// Drives the binaries from outside.
    Tests,
    /// A part of the world outside, made for tests: knows none of ours.
    Rig,
    /// Tasks: measures with the parts of the world outside that the tests start, and knows nothing else of ours.
    Xtask,
}

impl Role {
    /// The role of the package in that folder, relative to the workspace's root.
    fn of(folder: &str) -> Option<Self> {
        Some(match folder.split_once('/') {
            None if folder == "xtask" => Self::Xtask,
            None if folder == "tests" => Self::Tests,
            Some(("tests", _)) => Self::Rig,
            Some(("bins", _)) => Self::Bin,
            Some(("crates", "core")) => Self::Core,
            Some(("crates", "edge")) => Self::Edge,
            Some(("crates", "outbound")) => Self::Outbound,
            Some(("crates", "api")) => Self::Front,
            Some(("crates", "runtime")) => Self::Runtime,
            Some(("crates", "crypto")) => Self::Crypto,
            Some(("crates", name)) if name.starts_with("crypto-") => Self::Device,
            Some(("crates", _)) => Self::Adapter,
            _ => return None,
        })
    }

    /// Whether a package of this role may depend on one of that role.
    fn may_use(self, other: Self, kind: DependencyKind) -> bool {
        use Role::{Adapter, Bin, Core, Crypto, Device, Edge, Front, Outbound, Rig, Runtime, Tests, Xtask};
        match self {
            Tests => matches!(other, Core | Bin | Rig),
            Bin => matches!(other, Core | Edge | Front | Adapter | Crypto | Device | Runtime),
            Runtime => matches!(other, Core | Edge | Outbound | Front | Adapter | Crypto | Device),
            Device if kind == DependencyKind::Development && other == Rig => true,
            // A test may put real parts behind the ports.
            Core | Front | Adapter | Crypto | Device if kind == DependencyKind::Development => {
                matches!(other, Core | Adapter | Crypto | Device)
            }
            Front => matches!(other, Core | Edge),
            Device => matches!(other, Core | Crypto),
            Adapter => matches!(other, Core | Outbound),
            Crypto => other == Core,
            Core | Edge | Outbound | Rig => false,
            Xtask => matches!(other, Tests | Rig),
        }
    }
}

/// Every dependency between our packages that points the wrong way.
pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let Some(role) = role(package) else {
            problems.push(format!("{}: its folder has no place in the workspace's layout", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let other = metadata.packages.iter().find(|other| other.name.as_str() == dependency.name);
            let Some(other_role) = other.and_then(self::role) else { continue };
            if !role.may_use(other_role, dependency.kind) {
                problems.push(format!(
                    "{} ({role:?}) must not depend on {} ({other_role:?}); what it needs from there belongs \
                     behind a port of strongroom-core",
                    package.name, dependency.name,
                ));
            }
        }
    }
    problems
}

fn role(package: &Package) -> Option<Role> {
    let folder = package.manifest_path.parent()?.strip_prefix(workspace::root()).ok()?;
    Role::of(folder.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORMAL: DependencyKind = DependencyKind::Normal;
    const DEV: DependencyKind = DependencyKind::Development;

    fn allowed(from: &str, to: &str, kind: DependencyKind) -> bool {
        Role::of(from).unwrap().may_use(Role::of(to).unwrap(), kind)
    }

    #[test]
    fn arrows_inward_pass() {
        for (from, to, kind) in [
            ("bins/server", "crates/runtime", NORMAL),
            ("bins/admin", "crates/core", NORMAL),
            ("crates/runtime", "crates/api", NORMAL),
            ("crates/runtime", "crates/storage", NORMAL),
            ("crates/api", "crates/core", NORMAL),
            ("crates/api", "crates/edge", NORMAL),
            ("crates/runtime", "crates/edge", NORMAL),
            ("crates/crypto-kmip", "crates/core", NORMAL),
            ("crates/crypto-kmip", "crates/crypto", NORMAL),
            ("crates/audit", "crates/outbound", NORMAL),
            ("crates/core", "crates/storage", DEV),
            ("crates/api", "crates/audit", DEV),
            ("tests", "crates/core", NORMAL),
            ("tests", "tests/faulty-pkcs11", DEV),
            ("crates/crypto-pkcs11", "tests/faulty-pkcs11", DEV),
        ] {
            assert!(allowed(from, to, kind), "{from} -> {to} ({kind:?})");
        }
    }

    #[test]
    fn arrows_outward_or_sideways_fail() {
        for (from, to, kind) in [
            ("crates/core", "crates/storage", NORMAL),
            ("crates/core", "crates/storage", DependencyKind::Build),
            ("crates/core", "crates/api", DEV),
            ("crates/core", "crates/runtime", DEV),
            ("crates/api", "crates/storage", NORMAL),
            ("crates/api", "crates/runtime", DEV),
            ("crates/storage", "crates/crypto", NORMAL),
            ("crates/storage", "crates/edge", NORMAL),
            ("crates/outbound", "crates/core", NORMAL),
            ("crates/crypto", "crates/outbound", NORMAL),
            ("crates/edge", "crates/core", NORMAL),
            ("crates/edge", "crates/api", DEV),
            ("crates/crypto", "crates/crypto-kmip", NORMAL),
            ("crates/crypto-kmip", "crates/crypto-pkcs11", NORMAL),
            ("crates/crypto-kmip", "crates/storage", NORMAL),
            ("crates/storage", "crates/api", DEV),
            ("crates/runtime", "bins/server", NORMAL),
            ("crates/runtime", "tests", DEV),
            ("bins/server", "bins/admin", NORMAL),
            ("tests", "crates/storage", DEV),
            ("xtask", "crates/core", NORMAL),
        ] {
            assert!(!allowed(from, to, kind), "{from} -> {to} ({kind:?})");
        }
    }

    #[test]
    fn a_folder_outside_the_layout_has_no_role() {
        for folder in ["", "tools", "libs/core", "xtask/inner"] {
            assert_eq!(Role::of(folder), None, "{folder}");
        }
    }

    #[test]
    fn a_wrong_arrow_in_the_metadata_is_named() {
        let mut metadata = workspace::metadata().unwrap();
        let api =
            metadata.packages.iter_mut().find(|package| package.name.as_str() == "strongroom-api").unwrap();
        let mut wrong = api.dependencies.first().unwrap().clone();
        wrong.name = "strongroom-storage".into();
        wrong.kind = NORMAL;
        api.dependencies.push(wrong);
        let named = |problem: &String| {
            problem.starts_with("strongroom-api (Front) must not depend on strongroom-storage (Adapter)")
        };
        assert!(check(&metadata).iter().any(named), "{:?}", check(&metadata));
    }
}
