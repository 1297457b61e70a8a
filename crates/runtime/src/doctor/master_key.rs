use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::getxattr;

use super::{Control, Examined, Severity, Site};
use crate::error::chain;
use crate::master_key::{comes_from_credentials, load_master_keys};
use crate::settings::StoreKind;

pub(super) const CONTROLS: [Control; 4] = [
    Control {
        id: "KEY-01",
        severity: Severity::Critical,
        title: "the master key file can be read by the service's user only, and replaced by nobody else",
        at_start: true,
        examine: guarded,
    },
    Control {
        id: "KEY-02",
        severity: Severity::High,
        title: "no access control list lets others read the master key file",
        at_start: true,
        examine: access_list,
    },
    Control {
        id: "KEY-03",
        severity: Severity::High,
        title: "the master key file is in no repository, no image and no folder that others can list",
        at_start: true,
        examine: place,
    },
    Control {
        id: "KEY-04",
        severity: Severity::Critical,
        title: "every master key version that is in use is at hand",
        at_start: true,
        examine: complete,
    },
];

/// What is said of every control here when no store has its master key in a file.
fn elsewhere(site: &Site<'_>) -> Option<Examined> {
    let in_file = site.settings.stores.enabled.contains(&StoreKind::Soft);
    (!in_file).then(|| Examined::not_applicable("no master key is in a file: stores.enabled has no \"soft\""))
}

fn guarded(site: &Site<'_>) -> Examined {
    if let Some(elsewhere) = elsewhere(site) {
        return elsewhere;
    }
    match load_master_keys(&site.settings.master_key, site.credentials) {
        Ok(_) if comes_from_credentials(&site.settings.master_key, site.credentials) => {
            Examined::pass("the key comes from the service manager's credentials")
        }
        Ok(_) => Examined::pass(format!(
            "{} has mode 0400, belongs to the service's user, and no folder above it can be changed by others",
            site.settings.master_key.file.display()
        )),
        Err(error) => {
            let told = chain(&error);
            let remedy = told.split_once("run: ").map(|(_, command)| command.to_owned());
            let default = "strongroom-admin master-key check".to_owned();
            Examined::fail(told, remedy.unwrap_or(default))
        }
    }
}

fn access_list(site: &Site<'_>) -> Examined {
    if let Some(elsewhere) = elsewhere(site) {
        return elsewhere;
    }
    if comes_from_credentials(&site.settings.master_key, site.credentials) {
        return Examined::not_applicable("the service manager lets the service in by such a list");
    }
    let path = &site.settings.master_key.file;
    // The length alone: what is in it does not matter.
    match getxattr(path, "system.posix_acl_access", &mut Vec::<u8>::new()) {
        Ok(length) if length > 0 => Examined::fail(
            format!("{} has an access control list", path.display()),
            format!("setfacl --remove-all {}", path.display()),
        ),
        _ => Examined::pass("there is none"),
    }
}

fn place(site: &Site<'_>) -> Examined {
    if let Some(elsewhere) = elsewhere(site) {
        return elsewhere;
    }
    let file = &site.settings.master_key.file;
    let Ok(real) = fs::canonicalize(file) else { return Examined::not_applicable("there is no such file") };
    let move_it = format!(
        "move the file to a folder of its own, such as /etc/strongroom (mode 0700), and set master_key.file; now: {}",
        file.display()
    );
    for folder in real.ancestors().skip(1) {
        if folder.join(".git").exists() || folder.join(".hg").exists() {
            return Examined::fail(format!("{} is a repository's folder", folder.display()), move_it);
        }
    }
    if let Some(mount) = fs::read_to_string("/proc/self/mounts").ok().and_then(|mounts| layer(&mounts, &real))
    {
        return Examined::warn(format!("{mount} is a container's layer, which may become an image"), move_it);
    }
    let open = real.parent().and_then(|folder| Some((folder, folder.metadata().ok()?.permissions().mode())));
    match open {
        Some((folder, mode)) if mode & 0o007 != 0 => Examined::warn(
            format!("{} has mode {:04o}: others see what is in it", folder.display(), mode & 0o7777),
            format!("chmod o-rwx {}", folder.display()),
        ),
        _ => Examined::pass("it is in a private folder outside of any repository and image"),
    }
}

/// The mount point that holds the path, when it is an overlay, as a container's own files are on.
fn layer(mounts: &str, path: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (_, point, kind) = (fields.next()?, fields.next()?, fields.next()?);
        path.starts_with(point).then_some((point, kind))
    });
    let (point, kind) = mounts.max_by_key(|(point, _)| point.len())?;
    (kind == "overlay").then(|| point.to_owned())
}

fn complete(site: &Site<'_>) -> Examined {
    if let Some(elsewhere) = elsewhere(site) {
        return elsewhere;
    }
    let told = match &site.told {
        Ok(told) => told,
        Err(error) => return Examined::not_applicable(error.clone()),
    };
    let Ok(keys) = load_master_keys(&site.settings.master_key, site.credentials) else {
        return Examined::not_applicable("the key file can't be used, see KEY-01");
    };
    let there: Vec<_> = keys.versions().map(|(version, _)| version).collect();
    let needed = told.in_file().filter(|record| record.state.is_needed());
    let missing: Vec<_> = needed
        .filter(|record| !there.contains(&record.version))
        .map(|record| record.version.to_string())
        .collect();
    if missing.is_empty() {
        Examined::pass(format!("{} in the key file", there.len()))
    } else {
        Examined::fail(
            format!("missing: {}", missing.join(", ")),
            "strongroom-admin master-key restore BACKUP --identity FILE",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mount_that_holds_the_file_counts() {
        let mounts =
            "overlay / overlay rw 0 0\n/dev/vda /data ext4 rw 0 0\noverlay /data/deep overlay rw 0 0\n";
        assert_eq!(layer(mounts, Path::new("/etc/key")).as_deref(), Some("/"));
        assert_eq!(layer(mounts, Path::new("/data/key")), None);
        assert_eq!(layer(mounts, Path::new("/data/deep/key")).as_deref(), Some("/data/deep"));
    }
}
