//! kryoptic, by `pkcs11-tool`, which works any module.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{OFFICERS_PIN, PIN, Tokens};

pub(super) fn library() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/kryoptic/libkryoptic_pkcs11.so");
    assert!(path.exists(), "kryoptic is there; `cargo xtask setup` builds it");
    path
}

pub(super) fn settings(folder: &Path) -> (&'static str, PathBuf) {
    ("KRYOPTIC_CONF", folder.join("kryoptic.conf"))
}

/// In a slot of its own, that kryoptic's settings get for it.
pub(super) fn make_token(tokens: &Tokens, label: &str, pin: &str) {
    let (_, settings) = settings(tokens.folder());
    let before = fs::read_to_string(&settings).unwrap_or_default();
    let slot = (before.matches("[[slots]]").count() + 1).to_string();
    let store = tokens.folder().join(format!("kryoptic-{slot}.sql"));
    let text =
        format!("{before}[[slots]]\nslot = {slot}\ndbtype = 'sqlite'\ndbargs = '{}'\n", store.display());
    fs::write(settings, text).expect("settings of kryoptic");
    run(tokens, &["--slot", &slot, "--init-token", "--label", label, "--so-pin", OFFICERS_PIN]);
    let officer = ["--login", "--login-type", "so", "--so-pin", OFFICERS_PIN];
    run(tokens, &[["--token-label", label].as_slice(), &officer, &["--init-pin", "--pin", pin]].concat());
}

pub(super) fn hide(folder: &Path, mechanisms: &[&str]) {
    let (_, settings) = settings(folder);
    let before = fs::read_to_string(&settings).expect("settings of kryoptic");
    let kept = before.lines().filter(|line| !line.starts_with("mechanisms")).collect::<Vec<_>>();
    let denied = format!("[[slots]]\nmechanisms = ['DENY', '{}']", mechanisms.join("', '"));
    let text = kept.join("\n").replace("[[slots]]", &denied) + "\n";
    fs::write(settings, text).expect("settings of kryoptic");
}

pub(super) fn import(tokens: &Tokens, token: &str, key: &str, id: &str, label: &str) {
    let file = tokens.folder().join(key).display().to_string();
    let object = ["--write-object", &file, "--type", "secrkey", "--key-type", "AES:32"];
    let guarded = ["--private", "--sensitive", "--usage-decrypt", "--usage-wrap"];
    let login = ["--token-label", token, "--login", "--pin", PIN, "--label", label, "--id", id];
    run(tokens, &[login.as_slice(), &object, &guarded].concat());
}

fn run(tokens: &Tokens, arguments: &[&str]) {
    tokens.run(Command::new("pkcs11-tool").arg("--module").arg(library()).args(arguments));
}
