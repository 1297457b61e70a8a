//! The PIN, asked for at a terminal.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use strongroom_faulty_pkcs11::rig::PIN;
use strongroom_tests::program;

use super::Site;

/// `script` gives the program a terminal of its own, and shows all that appears there.
fn at_a_terminal(site: &Site, pin: &str) -> (Option<i32>, String) {
    let admin = site.with_settings(program("strongroom-admin"));
    let words = [admin.get_program()].into_iter().chain(admin.get_args());
    let words: Vec<_> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut script = Command::new("timeout");
    script.args([
        "60",
        "script",
        "--quiet",
        "--return",
        "--command",
        &format!("{} hsm check", words.join(" ")),
        "/dev/null",
    ]);
    script.envs(site.tokens.environment()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.spawn().expect("timeout and script are in every Debian");
    let (mut typed, mut shown) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut seen = Vec::new();
    let mut asked = false;
    let mut part = [0; 256];
    loop {
        let length = shown.read(&mut part).unwrap();
        if length == 0 {
            break;
        }
        seen.extend(&part[..length]);
        if !asked && String::from_utf8_lossy(&seen).contains("PIN of") {
            asked = true;
            writeln!(typed, "{pin}").unwrap();
        }
    }
    (child.wait().unwrap().code(), String::from_utf8_lossy(&seen).into_owned())
}

#[test]
fn the_pin_is_asked_for_at_the_terminal_and_not_shown() {
    let site = Site::new();
    site.tokens.token("one");
    let module = site.tokens.module("plain");
    let text = format!("[[pkcs11.tokens]]\nmodule = '{}'\nlabel = 'one'\n", module.display());
    std::fs::write(site.folder.path().join("strongroom.toml"), text).unwrap();

    let (code, shown) = at_a_terminal(&site, PIN);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("PIN of the token labelled 'one'"), "{shown}");
    assert!(shown.contains("master key versions"), "{shown}");
    assert!(!shown.contains(PIN), "{shown}");

    let (code, shown) = at_a_terminal(&site, "not-the-pin-of-it");
    assert_eq!(code, Some(3), "{shown}");
    assert!(shown.contains("refuses the PIN") && !shown.contains("not-the-pin-of-it"), "{shown}");

    // Without a terminal there is nobody to ask.
    let mut command = site.with_settings(program("strongroom-admin"));
    command.args(["hsm", "check"]);
    let ended = strongroom_tests::run(
        Command::new("setsid")
            .args(["--wait"])
            .arg(command.get_program())
            .args(command.get_args())
            .envs(site.tokens.environment())
            .stdin(Stdio::null()),
    );
    assert_eq!(ended.code, Some(3), "{ended:?}");
}
