//! `cargo xtask setup`: what the tests need beside Rust, made when missing and never half made.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{step, workspace};

/// The pins, part of this program, so that a change of them is never missed.
const REQUIREMENTS: &str = include_str!("../python-requirements.txt");

/// What must be there before the environment can be made: a command that succeeds when it is, and the
/// Debian package that brings it.
const NEEDED: [(&[&str], &str); 2] = [
    (&["python3", "-c", "import sys; assert sys.version_info >= (3, 10)"], "python3"),
    (&["python3", "-c", "import venv, ensurepip"], "python3-venv"),
];

/// Makes sure that the Python environment is there and true to its pins.
pub(crate) fn run() -> Result<()> {
    let environment = workspace::root().join(".cache/venv");
    let python = environment.join("bin/python");
    let stamp = environment.join("pins");
    let made_from = fs::read_to_string(&stamp).unwrap_or_default();
    if made_from == REQUIREMENTS && succeeds(Command::new(&python).args(["-c", "import barbicanclient"])) {
        return Ok(());
    }
    install_missing_packages()?;
    step::run(
        "make the Python environment",
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment),
    )?;
    step::run(
        "install the OpenStack clients",
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "5", "-r"])
            .arg(workspace::root().join("xtask/python-requirements.txt")),
    )?;
    step::run(
        "check the OpenStack clients",
        Command::new(&python).args(["-c", "import barbicanclient, openstack, openstackclient"]),
    )?;
    // Last, so that an environment whose making was cut short is made again.
    fs::write(&stamp, REQUIREMENTS).with_context(|| format!("can't write {}", stamp.display()))
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
