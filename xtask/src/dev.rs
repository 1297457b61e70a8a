//! `cargo xtask dev`: a server to try things out on, with everything made for it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::{setup, step, workspace};

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// With the master key in a fresh SoftHSM2 token, rather than in a file
    #[arg(long)]
    hsm: bool,
    /// Handed to `strongroom-server dev` as they are: `cargo xtask dev -- --plain-http`
    #[arg(last = true)]
    server: Vec<String>,
}

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const LABEL: &str = "strongroom-dev";
const PIN: &str = "for-trying-things-out";

/// Builds the binaries and serves until it is told to stop.
pub(crate) fn run(options: &Options) -> Result<()> {
    step::run("build the binaries", step::cargo().args(["build", "--workspace", "--bins"]))?;
    let binaries = workspace::binaries("debug")?;
    let folder = workspace::root().join("target/dev");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("can't empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
    let mut server = step::ours(&binaries.join("strongroom-server"));
    server.arg("--data-dir").arg(folder.join("data"));
    if options.hsm {
        setup::run()?;
        let settings = token(&folder)?;
        let mut admin = step::ours(&binaries.join("strongroom-admin"));
        admin.arg("--config").arg(&settings).args(["hsm", "generate-master-key"]);
        step::run("make the master key", admin.env("SOFTHSM2_CONF", folder.join("softhsm2.conf")))?;
        server.arg("--config").arg(settings).env("SOFTHSM2_CONF", folder.join("softhsm2.conf"));
    }
    server.arg("dev").args(&options.server);
    step::run("serve", &mut server)
}

/// Makes a token and the settings that name it.
fn token(folder: &Path) -> Result<std::path::PathBuf> {
    ensure!(Path::new(MODULE).exists(), "there is no {MODULE}");
    let (tokens, pin) = (folder.join("tokens"), folder.join("pin"));
    fs::create_dir(&tokens)?;
    let softhsm = folder.join("softhsm2.conf");
    fs::write(&softhsm, format!("directories.tokendir = {}\n", tokens.display()))?;
    fs::write(&pin, PIN)?;
    fs::set_permissions(&pin, Permissions::from_mode(0o400))?;
    step::run(
        "make a token",
        Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "only-for-trying"])
            .env("SOFTHSM2_CONF", softhsm),
    )?;
    let settings = folder.join("strongroom.toml");
    let text = format!(
        "[stores]\nenabled = [\"pkcs11\"]\n\n[[pkcs11.tokens]]\nmodule = {MODULE:?}\nlabel = {LABEL:?}\n\
         pin_file = {:?}\n",
        pin.display().to_string()
    );
    fs::write(&settings, text)?;
    Ok(settings)
}
