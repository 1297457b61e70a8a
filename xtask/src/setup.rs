//! `cargo xtask setup`: what the tests need beside Rust, made when missing and never half made.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{kryoptic, step, workspace};

/// A Python environment that tests use.
struct Environment {
    /// What it is for, in words.
    purpose: &'static str,
    /// Its folder in `.cache`.
    folder: &'static str,
    /// The pins, part of this program, so that a change of them is never missed.
    pins: &'static str,
    /// The file that they are in.
    file: &'static str,
    /// The modules whose presence shows that it is whole.
    modules: &'static str,
}

/// The KMIP server has one of its own: the clients move on, and it is to stay as it was tried.
const ENVIRONMENTS: [Environment; 2] = [
    Environment {
        purpose: "the OpenStack clients, Keystone and a mail server",
        folder: "venv",
        pins: include_str!("../python-requirements.txt"),
        file: "xtask/python-requirements.txt",
        modules: "aiosmtpd, barbicanclient, castellan, keystone, openstack, openstackclient",
    },
    Environment {
        purpose: "the KMIP server",
        folder: "kmip-venv",
        pins: include_str!("../kmip-requirements.txt"),
        file: "xtask/kmip-requirements.txt",
        modules: "kmip.services.server",
    },
];

/// What the environment and the tests need from the system: a command that succeeds when it is there, and the
/// Debian package that brings it.
const NEEDED: &[(&[&str], &str)] = &[
    (&["age", "--version"], "age"),
    (&["curl", "--version"], "curl"),
    (&["haproxy", "-v"], "haproxy"),
    (&["sh", "-c", "test -e /usr/lib/llvm-*/lib/libclang.so"], "libclang-dev"),
    (&["pkg-config", "--exists", "sqlite3"], "libsqlite3-dev"),
    (&["pkg-config", "--exists", "openssl"], "libssl-dev"),
    (&["nft", "--version"], "nftables"),
    (&["sh", "-c", "command -v pkcs11-tool"], "opensc"),
    (&["pkg-config", "--version"], "pkg-config"),
    (&["python3", "-c", "import sys; assert sys.version_info >= (3, 10)"], "python3"),
    (&["python3", "-c", "import venv, ensurepip"], "python3-venv"),
    (&["test", "-x", "/usr/sbin/rsyslogd"], "rsyslog"),
    (&["sh", "-c", "test -e /usr/lib/*/rsyslog/lmnsd_gtls.so"], "rsyslog-gnutls"),
    (&["softhsm2-util", "--version"], "softhsm2"),
    (&["systemd-analyze", "--version"], "systemd"),
];

/// Makes sure that the system's packages are there, the Python environments true to their pins, and the second
/// PKCS#11 module built.
pub(crate) fn run() -> Result<()> {
    install_missing_packages()?;
    ENVIRONMENTS.iter().try_for_each(Environment::make)?;
    kryoptic::make()
}

impl Environment {
    fn make(&self) -> Result<()> {
        let folder = workspace::root().join(".cache").join(self.folder);
        let python = folder.join("bin/python");
        let stamp = folder.join("pins");
        let import = format!("import {}", self.modules);
        let made_from = fs::read_to_string(&stamp).unwrap_or_default();
        if made_from == self.pins && succeeds(Command::new(&python).args(["-c", &import])) {
            return Ok(());
        }
        step::run(
            &format!("make the Python environment of {}", self.purpose),
            Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder),
        )?;
        step::run(
            &format!("install {}", self.purpose),
            Command::new(&python)
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--retries",
                    "5",
                    "-r",
                ])
                .arg(workspace::root().join(self.file)),
        )?;
        step::run(&format!("check {}", self.purpose), Command::new(&python).args(["-c", &import]))?;
        // Last, so that an environment whose making was cut short is made again.
        fs::write(&stamp, self.pins).with_context(|| format!("can't write {}", stamp.display()))
    }
}

fn install_missing_packages() -> Result<()> {
    let missing: Vec<_> =
        NEEDED.iter().filter(|(probe, _)| !is_there(probe)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install --yes --no-install-recommends {}", missing.join(" "));
    if !rustix::process::geteuid().is_root() || !is_there(&["apt-get", "--version"]) {
        bail!("the tests need {}; on Debian run: sudo {install}", missing.join(" and "));
    }
    step::run("refresh the package lists", Command::new("apt-get").args(["update", "--quiet"]))?;
    step::run(&install, Command::new("apt-get").args(install.split(' ').skip(1)))?;
    for (probe, package) in NEEDED {
        ensure!(is_there(probe), "{package} is installed, yet {probe:?} still fails");
    }
    Ok(())
}

fn is_there(probe: &[&str]) -> bool {
    probe.split_first().is_some_and(|(program, arguments)| succeeds(Command::new(program).args(arguments)))
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
