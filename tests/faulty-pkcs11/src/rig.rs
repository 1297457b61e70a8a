//! SoftHSM2 tokens in a folder, for tests.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The user's PIN of every token.
pub const PIN: &str = "correct-horse-battery";
/// The label that master keys are imported under.
pub const LABEL: &str = "strongroom-master";

const SOFTHSM: [&str; 2] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];

/// The tokens of one folder. A process sees them with `SOFTHSM2_CONF` set to [`Tokens::settings`].
#[derive(Debug, Clone)]
pub struct Tokens(PathBuf);

impl Tokens {
    /// Prepares a folder: SoftHSM2's settings, two keys to be imported, and the PIN's file.
    pub fn prepare(folder: &Path) -> Self {
        let (tokens, pin) = (folder.join("tokens"), folder.join("pin"));
        fs::create_dir(&tokens).expect("a folder for tokens");
        let settings = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
        fs::write(folder.join("softhsm2.conf"), settings).expect("settings of SoftHSM2");
        fs::write(folder.join("master"), [0x5a; 32]).expect("a key");
        fs::write(folder.join("other"), [0xa5; 32]).expect("another key");
        fs::write(&pin, PIN).expect("a PIN");
        fs::set_permissions(&pin, Permissions::from_mode(0o400)).expect("a guarded PIN");
        Self::of(folder)
    }

    /// Those of a folder that was prepared before.
    pub fn of(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Where everything is.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The file that `SOFTHSM2_CONF` has to name.
    pub fn settings(&self) -> PathBuf {
        self.0.join("softhsm2.conf")
    }

    /// The file with the PIN.
    pub fn pin(&self) -> PathBuf {
        self.0.join("pin")
    }

    /// A token with the master key that all such tokens have.
    pub fn token(&self, label: &str) {
        self.empty_token(label);
        self.import(label, "master", "00000001");
    }

    /// A token with nothing in it.
    pub fn empty_token(&self, label: &str) {
        self.softhsm(&["--init-token", "--free", "--label", label, "--so-pin", "87654321", "--pin", PIN]);
    }

    /// Puts a key, `master` or `other`, into a token under the master key's label.
    pub fn import(&self, token: &str, key: &str, id: &str) {
        let file = self.0.join(key).display().to_string();
        self.softhsm(&[
            "--import", &file, "--aes", "--token", token, "--pin", PIN, "--label", LABEL, "--id", id,
        ]);
    }

    /// Runs SoftHSM2's own tool.
    pub fn softhsm(&self, arguments: &[&str]) {
        let output =
            Command::new("softhsm2-util").args(arguments).env("SOFTHSM2_CONF", self.settings()).output();
        let output = output.expect("softhsm2-util is there; `cargo xtask setup` installs it");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    /// A SoftHSM2 of its own: a copy is another module to a process.
    pub fn module(&self, name: &str) -> PathBuf {
        let path = self.0.join(format!("{name}.so"));
        if !path.exists() {
            fs::copy(softhsm(), &path).expect("a copy of SoftHSM2");
        }
        path
    }

    /// A SoftHSM2 that fails when told to.
    pub fn faulty_module(&self, name: &str) -> Faulty {
        let path = self.0.join(format!("{name}.so"));
        let tests = std::env::current_exe().expect("a test is a file");
        fs::copy(tests.with_file_name("libstrongroom_faulty_pkcs11.so"), &path).expect("the faulty module");
        fs::copy(softhsm(), path.with_extension("so.real")).expect("a copy of SoftHSM2");
        Faulty(path)
    }
}

fn softhsm() -> PathBuf {
    let found = SOFTHSM.iter().map(PathBuf::from).find(|path| path.exists());
    found.expect("SoftHSM2 is there; `cargo xtask setup` installs it")
}

/// A module that can be told to fail.
#[derive(Debug)]
pub struct Faulty(pub PathBuf);

impl Faulty {
    /// Gives the orders, which are obeyed from the next call on.
    pub fn order(&self, orders: &str) {
        let control = self.0.with_extension("so.control");
        let fresh = self.0.with_extension("so.new");
        // The time makes each text another one, so that counting begins anew.
        fs::write(&fresh, format!("{orders}\n# {:?}\n", Instant::now())).expect("orders");
        fs::rename(fresh, control).expect("orders");
    }

    /// No more faults.
    pub fn heal(&self) {
        self.order("");
    }
}
