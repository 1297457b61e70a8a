//! Strongroom's server: flags in, settings loaded, served until told to stop.

mod banner;
mod flags;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;
use strongroom_runtime::{IdentitySection, Serving, Settings, Shown, Stopping, Telemetry, chain, confine};

use crate::flags::{Command, ConfigCommand, Flags};

/// The settings or the command line can't be used.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Err(error) = strongroom_crypto::harden() {
        return fail(&format!("core dumps can't be switched off: {error}"), 1);
    }
    let (settings, shown) = match Settings::load(&flags.sources()) {
        Ok(loaded) => loaded,
        Err(error) => return fail(&error.to_string(), UNUSABLE),
    };
    match flags.command {
        Command::Config { command: ConfigCommand::Show { output } } => {
            banner::print_settings(&shown, output);
            ExitCode::SUCCESS
        }
        Command::Serve => run(settings, &shown, None),
        Command::Dev { plain_http, .. } => run(settings, &shown, Some(Dev { plain_http })),
    }
}

/// How to serve for trying and developing.
struct Dev {
    plain_http: bool,
}

fn run(mut settings: Settings, shown: &[Shown], dev: Option<Dev>) -> ExitCode {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    // Before there are other threads, and not where folders are still to be made.
    let confined = (dev.is_none() && settings.sandbox.enabled)
        .then(|| confine(&settings, shown, credentials.as_deref()));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime does not start: {error}"), 1),
    };
    let telemetry = match Telemetry::start(&settings, runtime.handle()) {
        Ok(telemetry) => telemetry,
        Err(error) => return fail(&chain(&error), 1),
    };
    strongroom_runtime::start_logging(&settings.log, &telemetry);
    if let Some(sandbox) = confined {
        sandbox.log();
    }
    let create = dev.is_some();
    let made = dev.map(|dev| strongroom_runtime::prepare(&mut settings, dev.plain_http)).transpose();
    let made = match made {
        Ok(made) => made,
        Err(error) => return fail(&chain(&error), 1),
    };
    let data_dir = settings.data_dir.clone();
    let open = matches!(settings.identity, IdentitySection::Unauthenticated);
    let serving = Serving { settings, credentials, create, telemetry };
    let served = runtime.block_on(strongroom_runtime::serve(serving, |endpoint| match made {
        Some(made) => banner::print_first_run(&data_dir, endpoint, &made, open),
        None => banner::print_ready(endpoint),
    }));
    match served {
        Ok(Stopping::Drained) => ExitCode::SUCCESS,
        Ok(Stopping::TimedOut) => fail("stopped before every request was finished", 1),
        Err(error) => fail(&chain(&error), 1),
    }
}

fn fail(message: &str, code: u8) -> ExitCode {
    banner::print_error(message);
    ExitCode::from(code)
}
