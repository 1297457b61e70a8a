//! What the process gives up by itself before it serves anybody: capabilities, files and system calls that it
//! has no use for. Whoever takes the process over gets no more than is left.

mod calls;
mod capabilities;
mod files;

use std::path::Path;

use serde::Serialize;

use crate::settings::{Settings, Shown};

/// What is given up, as far as the kernel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sandbox {
    /// No program that is started could gain rights.
    pub no_new_privileges: bool,
    /// No capability is left but those for locking memory and for low ports, where they were held.
    pub capabilities: Confinement,
    /// Only the files that the settings name, and those of the system to read, can be opened (Landlock).
    pub files: Confinement,
    /// No program can be started, no process looked into, nothing of the kernel changed (seccomp).
    pub system_calls: Confinement,
}

/// How far a restriction reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confinement {
    /// All of it is in force.
    Full,
    /// Some of it: the kernel does not know the rest.
    Partial,
    /// None of it: the kernel does not have it, or does not allow it here.
    Absent,
}

impl Sandbox {
    /// Whether everything is in force.
    pub fn is_complete(&self) -> bool {
        self.no_new_privileges
            && [self.capabilities, self.files, self.system_calls]
                .iter()
                .all(|part| *part == Confinement::Full)
    }

    /// Tells the log what is in force.
    pub fn log(&self) {
        let Self { no_new_privileges, capabilities, files, system_calls } = self;
        if self.is_complete() {
            tracing::info!("the sandbox is complete");
        } else {
            tracing::warn!(
                no_new_privileges,
                ?capabilities,
                ?files,
                ?system_calls,
                "the sandbox is not complete: this kernel does not have or allow all of it"
            );
        }
    }
}

/// Confines the calling thread, and with it every thread that it starts from then on; so call it before there
/// are others. It can't be undone. A kernel that lacks a part of it is no reason not to serve: the report says
/// so.
pub fn confine(settings: &Settings, shown: &[Shown], credentials: Option<&Path>) -> Sandbox {
    let capabilities = capabilities::drop_all_but_needed();
    let no_new_privileges = rustix::thread::set_no_new_privs(true).is_ok();
    let files = files::confine(settings, shown, credentials);
    // Last: it takes away the calls by which the others are made.
    let system_calls = calls::confine();
    Sandbox { no_new_privileges, capabilities, files, system_calls }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::settings::{Flag, Sources};

    fn settings(data_dir: &Path, policy: &Path) -> (Settings, Vec<Shown>) {
        let flag = |key, path: &Path| Flag { name: "test", key, value: path.to_str().unwrap().into() };
        let flags = vec![flag("data_dir", data_dir), flag("policy.file", policy)];
        Settings::load(&Sources { flags, ..Sources::default() }).unwrap()
    }

    #[test]
    fn what_the_settings_name_is_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (data, policies) = (folder.path().join("data"), folder.path().join("policies"));
        fs::create_dir(&data).unwrap();
        fs::create_dir(&policies).unwrap();
        let (policy, other) = (policies.join("policy.yaml"), folder.path().join("other"));
        fs::write(&policy, "").unwrap();
        fs::write(&other, "").unwrap();
        let (settings, shown) = settings(&data, &policy);
        // Only this thread is confined; the test's others go on as they were.
        let confined = std::thread::spawn(move || {
            let report = confine(&settings, &shown, None);
            fs::write(data.join("new"), "").unwrap();
            fs::rename(data.join("new"), data.join("newer")).unwrap();
            fs::remove_file(data.join("newer")).unwrap();
            fs::read(&policy).unwrap();
            fs::read("/etc/passwd").unwrap();
            (report, fs::read(&other).map_err(|error| error.kind()), Command::new("true").status().is_ok())
        });
        let (report, read, started) = confined.join().unwrap();
        assert!(report.no_new_privileges);
        assert_ne!(report.capabilities, Confinement::Absent);
        assert_eq!(report.system_calls, Confinement::Full);
        assert!(!started, "no program can be started");
        // Whether the kernel has Landlock is told truly.
        let denied = Err(std::io::ErrorKind::PermissionDenied);
        assert_eq!(read == denied, report.files != Confinement::Absent, "{report:?}");
    }

    /// What a device does besides reading and writing is asked of it by calls that are refused elsewhere.
    #[test]
    fn a_device_that_is_let_in_can_be_worked() {
        let answers = |writable: &str| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("strongroom.toml");
            fs::write(&file, format!("[sandbox]\nwritable = [{writable}]\n")).unwrap();
            let (settings, shown) =
                Settings::load(&Sources { file: Some(file), ..Sources::default() }).unwrap();
            let confined = std::thread::spawn(move || {
                let report = confine(&settings, &shown, None);
                let device = fs::OpenOptions::new().read(true).write(true).open("/dev/ptmx");
                (report.files, device.is_ok_and(|device| rustix::termios::tcgetattr(&device).is_ok()))
            });
            confined.join().unwrap()
        };
        assert!(answers("'/dev/ptmx'").1);
        let (files, worked) = answers("");
        assert_eq!(worked, files == Confinement::Absent);
    }
}
