//! Files, by Landlock: what the settings name, and what libraries read of the system.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError,
    RulesetStatus, make_bitflags, path_beneath_rules,
};
use serde_json::Value;
use strongroom_audit::Destination;

use super::Confinement;
use crate::settings::{OperatorPlace, Settings, Shown};

/// What is asked of the kernel; one that knows less does what it can.
const ASKED: ABI = ABI::V5;

/// What libraries read: names and addresses, certificate authorities, time zones, modules, randomness.
const SYSTEM: [&str; 12] = [
    "/dev/null",
    "/dev/random",
    "/dev/urandom",
    "/etc",
    "/lib",
    "/lib64",
    "/proc/self",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/sys/fs/cgroup",
    "/usr",
];

pub(super) fn confine(settings: &Settings, shown: &[Shown], credentials: Option<&Path>) -> Confinement {
    let mut readable: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    readable.extend(credentials.map(Path::to_owned));
    readable.extend(shown.iter().flat_map(|setting| named(&setting.value)));
    let mut writable = settings.sandbox.writable.clone();
    writable.push(settings.data_dir.clone());
    writable.extend(folder(&settings.storage.file));
    writable.extend(if settings.audit.folder.exists() {
        Some(settings.audit.folder.clone())
    } else {
        folder(&settings.audit.folder)
    });
    // A file of records for somebody else is made anew when it has been moved away.
    writable.extend(settings.audit.forwarders.iter().filter_map(|forwarder| match &forwarder.to {
        Destination::CadfFile(file) => folder(file),
        _ => None,
    }));
    let sockets: Vec<PathBuf> = match &settings.operator.listen {
        Some(OperatorPlace::Socket(path)) => folder(path).into_iter().collect(),
        _ => Vec::new(),
    };
    match restrict(&readable, &writable, &sockets, &settings.sandbox.writable) {
        Ok(RulesetStatus::FullyEnforced) => Confinement::Full,
        Ok(RulesetStatus::PartiallyEnforced) => Confinement::Partial,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Confinement::Absent,
    }
}

/// What the operator lets in may be a device, which is worked by calls of its own.
fn restrict(
    readable: &[PathBuf],
    writable: &[PathBuf],
    sockets: &[PathBuf],
    devices: &[PathBuf],
) -> Result<RulesetStatus, RulesetError> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let write = read
        | make_bitflags!(AccessFs::{WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir | Refer});
    Ruleset::default()
        .handle_access(AccessFs::from_all(ASKED))?
        .create()?
        // What is not there is left out.
        .add_rules(path_beneath_rules(readable, read))?
        .add_rules(path_beneath_rules(writable, write))?
        .add_rules(path_beneath_rules(sockets, make_bitflags!(AccessFs::{MakeSock | RemoveFile})))?
        .add_rules(path_beneath_rules(devices, AccessFs::IoctlDev))?
        .restrict_self()
        .map(|status| status.ruleset)
}

/// The folders that a setting names, those of the files that it names, and of what these are links to: a file
/// that is replaced is found in its folder.
fn named(setting: &Value) -> Vec<PathBuf> {
    match setting {
        Value::String(text) if text.contains('/') && Path::new(text).exists() => {
            let path = Path::new(text);
            let real = path.canonicalize().ok();
            let within = |path: &Path| if path.is_dir() { Some(path.to_owned()) } else { folder(path) };
            [Some(path), real.as_deref()].into_iter().flatten().filter_map(within).collect()
        }
        Value::Array(items) => items.iter().flat_map(named).collect(),
        Value::Object(fields) => fields.values().flat_map(named).collect(),
        _ => Vec::new(),
    }
}

/// Never the root folder: a file right below it is allowed by itself.
fn folder(path: &Path) -> Option<PathBuf> {
    let parent = path.parent()?;
    Some(if parent == Path::new("/") { path } else { parent }.to_owned())
        .map(|found| if found == Path::new("") { PathBuf::from(".") } else { found })
}
