//! Kills a process that adds versions to a key file, again and again.
//!
//! The process is a second one, started from this same program.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

use std::env;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use strongroom_core::ports::MasterKeyVersion;
use strongroom_core::{Clock as _, SystemClock};
use strongroom_crypto::{MasterKeys, add_key_version, create_key_file};

const ROUNDS: u32 = 30;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("--add-versions") => add_versions(Path::new(&arguments[2])),
        _ => kill_again_and_again(),
    }
}

/// The process to be killed: adds versions without end, and tells each once it is acknowledged.
fn add_versions(path: &Path) {
    loop {
        let version = add_key_version(path, SystemClock.now()).unwrap();
        io::stdout().write_all(format!("{version}\n").as_bytes()).unwrap();
    }
}

/// Whenever the process ends, the file is whole, has mode 0400, and holds every version acknowledged and
/// every one before it, unaltered.
fn kill_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    create_key_file(&path, SystemClock.now()).unwrap();
    let mut before = fs::read(&path).unwrap();
    for round in 0..ROUNDS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--add-versions", path.to_str().unwrap()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // A few are acknowledged; then it is killed at whatever it is doing.
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = usize::try_from(round % 4).unwrap() + 1;
        let acknowledged: u32 = told.take(wanted).last().unwrap().unwrap().parse().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();

        let versions: Vec<_> =
            MasterKeys::load(&path).unwrap().versions().map(|(version, _)| version).collect();
        let newest = versions.last().unwrap().0;
        assert!(newest >= acknowledged, "version {acknowledged} was acknowledged, {newest} is the newest");
        assert_eq!(versions, (1..=newest).map(MasterKeyVersion).collect::<Vec<_>>());
        let after = fs::read(&path).unwrap();
        assert!(after.starts_with(&before), "an older version was altered");
        before = after;
    }
    // What a killed process left beside the file is gone with the next that ends well.
    add_key_version(&path, SystemClock.now()).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
