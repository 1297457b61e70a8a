//! SoftHSM2, by its own tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{OFFICERS_PIN, PIN, Tokens};

const PLACES: [&str; 2] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];

pub(super) fn library() -> PathBuf {
    let found = PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    found.expect("SoftHSM2 is there; `cargo xtask setup` installs it")
}

pub(super) fn settings(folder: &Path) -> (&'static str, PathBuf) {
    ("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
}

pub(super) fn prepare(folder: &Path) {
    let tokens = folder.join("tokens");
    fs::create_dir(&tokens).expect("a folder for tokens");
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
    fs::write(settings(folder).1, text).expect("settings of SoftHSM2");
}

pub(super) fn hide(folder: &Path, mechanisms: &[&str]) {
    let (_, settings) = settings(folder);
    let before = fs::read_to_string(&settings).expect("settings of SoftHSM2");
    let kept = before.lines().filter(|line| !line.starts_with("slots.mechanisms")).collect::<Vec<_>>();
    // It overlooks the first of those after a minus.
    let text = format!("{}\nslots.mechanisms = -NONE,{}\n", kept.join("\n"), mechanisms.join(","));
    fs::write(settings, text).expect("settings of SoftHSM2");
}

pub(super) fn make_token(tokens: &Tokens, label: &str, pin: &str) {
    run(tokens, &["--init-token", "--free", "--label", label, "--so-pin", OFFICERS_PIN, "--pin", pin]);
}

pub(super) fn delete_token(tokens: &Tokens, label: &str) {
    run(tokens, &["--delete-token", "--token", label]);
}

pub(super) fn import(tokens: &Tokens, token: &str, key: &str, id: &str, label: &str) {
    let file = tokens.folder().join(key).display().to_string();
    run(tokens, &["--import", &file, "--aes", "--token", token, "--pin", PIN, "--label", label, "--id", id]);
}

fn run(tokens: &Tokens, arguments: &[&str]) {
    tokens.run(Command::new("softhsm2-util").args(arguments));
}
