use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// One of the workspace's binaries, as built beside the tests, without settings from the environment.
pub fn program(name: &str) -> Command {
    let tests = std::env::current_exe().expect("a test is a file");
    let folder = tests.ancestors().find(|folder| folder.ends_with("deps")).and_then(|deps| deps.parent());
    let path = folder.expect("tests are built into deps").join(name);
    assert!(path.exists(), "{} is not built; run `cargo xtask test`", path.display());
    let mut command = Command::new(path);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("STRONGROOM_") {
            command.env_remove(variable);
        }
    }
    command.env_remove("CREDENTIALS_DIRECTORY").stdin(Stdio::null());
    command
}

/// Runs `strongroom-admin` to its end.
pub fn admin(arguments: &[&str]) -> Ended {
    run(program("strongroom-admin").args(arguments))
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Ended {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// A program of the Python environment that `cargo xtask setup` makes, such as `python` or `openstack`.
pub fn python(name: &str) -> Command {
    of_environment("venv", name)
}

/// The interpreter that has PyKMIP.
pub fn kmip_python() -> Command {
    of_environment("kmip-venv", "python")
}

fn of_environment(folder: &str, name: &str) -> Command {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join(".cache").join(folder).join("bin").join(name);
    assert!(path.exists(), "{} is missing; run `cargo xtask setup`", path.display());
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}
