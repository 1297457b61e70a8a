use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::geteuid;

use super::{Control, Examined, Severity};

pub(super) const CONTROLS: [Control; 3] = [
    Control {
        id: "DIR-01",
        severity: Severity::High,
        title: "the data folder is closed to others",
        at_start: true,
        examine: |site| private(&site.settings.data_dir),
    },
    Control {
        id: "DIR-02",
        severity: Severity::High,
        title: "the database is closed to others",
        at_start: true,
        examine: |site| private(&site.settings.storage.file),
    },
    Control {
        id: "DIR-03",
        severity: Severity::High,
        title: "the journal's folder is closed to others",
        at_start: true,
        examine: |site| private(&site.settings.audit.folder),
    },
];

fn private(path: &Path) -> Examined {
    let shown = path.display();
    match path.metadata() {
        Err(error) => Examined::not_applicable(format!("{shown}: {error}")),
        Ok(found) if found.mode() & 0o077 != 0 => Examined::fail(
            format!("{shown} has mode {:04o}", found.mode() & 0o7777),
            format!("chmod go-rwx {shown}"),
        ),
        Ok(found) if found.uid() != geteuid().as_raw() => Examined::warn(
            format!("{shown} belongs to user id {}", found.uid()),
            "run this command as the service's user",
        ),
        Ok(found) => Examined::pass(format!("{shown} has mode {:04o}", found.mode() & 0o7777)),
    }
}
