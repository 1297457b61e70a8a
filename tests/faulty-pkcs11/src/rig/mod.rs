//! Tokens of two makers in a folder, for tests.

mod kryoptic;
mod softhsm;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The user's PIN of every token.
pub const PIN: &str = "correct-horse-battery";
/// The label that master keys are imported under.
pub const LABEL: &str = "strongroom-master";

const OFFICERS_PIN: &str = "87654321";

/// Whose software tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// SoftHSM2, from the system's packages.
    SoftHsm,
    /// kryoptic, which `cargo xtask setup` builds.
    Kryoptic,
}

/// The tokens of one folder and maker. A process sees them with [`Tokens::environment`].
#[derive(Debug, Clone)]
pub struct Tokens {
    folder: PathBuf,
    maker: Maker,
}

impl Tokens {
    /// Prepares a folder: both makers' settings, two keys to be imported, and the PIN's file.
    pub fn prepare(folder: &Path) -> Self {
        let tokens = Self::of(folder, Maker::SoftHsm);
        let pin = tokens.pin();
        softhsm::prepare(folder);
        fs::write(folder.join("master"), [0x5a; 32]).expect("a key");
        fs::write(folder.join("other"), [0xa5; 32]).expect("another key");
        fs::write(&pin, PIN).expect("a PIN");
        fs::set_permissions(&pin, Permissions::from_mode(0o400)).expect("a guarded PIN");
        tokens
    }

    /// Those of a maker in a folder that was prepared before.
    pub fn of(folder: &Path, maker: Maker) -> Self {
        Self { folder: folder.to_owned(), maker }
    }

    /// Those of another maker in the same folder.
    #[must_use]
    pub fn by(&self, maker: Maker) -> Self {
        Self::of(&self.folder, maker)
    }

    /// Where everything is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The variables by which the modules find their settings.
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [softhsm::settings(&self.folder), kryoptic::settings(&self.folder)]
    }

    /// The file with the PIN.
    pub fn pin(&self) -> PathBuf {
        self.folder.join("pin")
    }

    /// A token with the master key that all such tokens have.
    pub fn token(&self, label: &str) {
        self.empty_token(label);
        self.import(label, "master", "00000001");
    }

    /// A token with nothing in it.
    pub fn empty_token(&self, label: &str) {
        self.empty_token_with(label, PIN);
    }

    /// A token with nothing in it, and another PIN.
    pub fn empty_token_with(&self, label: &str, pin: &str) {
        match self.maker {
            Maker::SoftHsm => softhsm::make_token(self, label, pin),
            Maker::Kryoptic => kryoptic::make_token(self, label, pin),
        }
    }

    /// Puts a key, `master` or `other`, into a token under the master key's label.
    pub fn import(&self, token: &str, key: &str, id: &str) {
        self.import_as(token, key, id, LABEL);
    }

    /// Puts a key, `master` or `other`, into a token under any label.
    pub fn import_as(&self, token: &str, key: &str, id: &str, label: &str) {
        match self.maker {
            Maker::SoftHsm => softhsm::import(self, token, key, id, label),
            Maker::Kryoptic => kryoptic::import(self, token, key, id, label),
        }
    }

    /// Has every token that is there by now do without these mechanisms.
    pub fn hide(&self, mechanisms: &[&str]) {
        match self.maker {
            Maker::SoftHsm => softhsm::hide(&self.folder, mechanisms),
            Maker::Kryoptic => kryoptic::hide(&self.folder, mechanisms),
        }
    }

    /// Removes a token of SoftHSM2's with all that is in it.
    pub fn delete_token(&self, label: &str) {
        softhsm::delete_token(self, label);
    }

    /// A module of its own: a copy is another module to a process.
    pub fn module(&self, name: &str) -> PathBuf {
        let path = self.folder.join(format!("{name}.so"));
        if !path.exists() {
            fs::copy(self.library(), &path).expect("a copy of the module");
        }
        path
    }

    /// A module that fails when told to.
    pub fn faulty_module(&self, name: &str) -> Faulty {
        let path = self.folder.join(format!("{name}.so"));
        let tests = std::env::current_exe().expect("a test is a file");
        fs::copy(tests.with_file_name("libstrongroom_faulty_pkcs11.so"), &path).expect("the faulty module");
        fs::copy(self.library(), path.with_extension("so.real")).expect("a copy of the module");
        Faulty(path)
    }

    fn library(&self) -> PathBuf {
        match self.maker {
            Maker::SoftHsm => softhsm::library(),
            Maker::Kryoptic => kryoptic::library(),
        }
    }

    /// Runs a maker's tool.
    fn run(&self, command: &mut Command) {
        let output = command.envs(self.environment()).output();
        let output = output.expect("the maker's tool is there; `cargo xtask setup` installs it");
        assert!(output.status.success(), "{command:?}: {output:?}");
    }
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
