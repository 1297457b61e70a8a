//! Strongroom's tool for operators: one file per command, over the same crates as the server.

mod commands;
mod flags;
mod print;
mod progress;
mod prompt;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;
use strongroom_runtime::{Settings, chain};

use crate::commands::{
    CommandResult, Ended, audit, backup, completions, db, deleted, doctor, expiry, hsm, kmip, master_key,
    notices, policy, review, rotation, secret, store, support_bundle, sweep,
};
use crate::flags::{
    Command, DbCommand, Flags, KmipCommand, MasterKeyCommand, NoticesCommand, PolicyCommand,
    ProjectKeyCommand, SecretCommand, StoreCommand,
};

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Command::Completions { shell } = flags.command {
        return exit(completions::run(shell));
    }
    if let Err(error) = strongroom_crypto::harden() {
        print::error(&format!("core dumps can't be switched off: {error}"));
        return Ended::Failed.into();
    }
    let (settings, shown) = match Settings::load(&flags.sources()) {
        Ok(loaded) => loaded,
        Err(error) => {
            print::error(&error.to_string());
            return Ended::Unusable.into();
        }
    };
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let ended = match flags.command {
        Command::MasterKey { command: MasterKeyCommand::Generate { file } } => {
            master_key::generate(&settings, file.as_deref(), flags.output)
        }
        Command::MasterKey { command: MasterKeyCommand::Check } => {
            master_key::check(&settings, credentials.as_deref(), flags.output)
        }
        Command::MasterKey { command: MasterKeyCommand::Add { file } } => {
            master_key::add(&settings, file.as_deref(), flags.output)
        }
        Command::MasterKey { command: MasterKeyCommand::Rotate { dry_run, remove_old, store } } => {
            let wanted = rotation::Wanted { store, dry_run, remove_old };
            rotation::master_key(&settings, credentials.as_deref(), wanted, flags.output)
        }
        Command::MasterKey { command: MasterKeyCommand::Backup { to, sealing } } => {
            backup::master_key(&settings, &to, &sealing, flags.output)
        }
        Command::MasterKey { command: MasterKeyCommand::VerifyBackup { file, opening } } => {
            backup::verify_master_key(&settings, &file, &opening, flags.output)
        }
        Command::MasterKey { command: MasterKeyCommand::Restore { backup, opening, file } } => {
            backup::restore_key(&settings, &backup, &opening, file.as_deref(), flags.output)
        }
        Command::Backup { command } => {
            backup::whole(&settings, &shown, credentials.as_deref(), &command, flags.output)
        }
        Command::MasterKey { command: MasterKeyCommand::Prune } => {
            master_key::prune(&settings, credentials.as_deref(), flags.output)
        }
        Command::ProjectKey { command: ProjectKeyCommand::Rotate { project, all: _, dry_run, store } } => {
            let wanted = rotation::Wanted { store, dry_run, remove_old: false };
            rotation::project_key(&settings, credentials.as_deref(), project, wanted, flags.output)
        }
        Command::Rotation { store, command } => rotation::look_after(&settings, store, command, flags.output),
        Command::Deleted { command } => {
            deleted::run(&settings, credentials.as_deref(), command, flags.output)
        }
        Command::Review { command } => review::run(&settings, credentials.as_deref(), command, flags.output),
        Command::Secret { command: SecretCommand::Replace(wanted) } => {
            secret::replace(&settings, credentials.as_deref(), &wanted, flags.output)
        }
        Command::Hsm { command } => hsm::run(&settings, credentials.as_deref(), &command, flags.output),
        Command::Db { command: DbCommand::Upgrade } => db::upgrade(&settings, flags.output),
        Command::Db { command: DbCommand::Status } => db::status(&settings, flags.output),
        Command::Kmip { command: KmipCommand::CreateMasterKey { next_version } } => {
            kmip::create_master_key(&settings, next_version, flags.output)
        }
        Command::Kmip { command: KmipCommand::Check } => kmip::check(&settings, flags.output),
        Command::Audit { command } => audit::run(&settings, &command, flags.output),
        Command::Store { command: StoreCommand::Migrate { from, to, project, dry_run } } => {
            let wanted = store::Wanted { from, to, project, dry_run };
            store::migrate(&settings, credentials.as_deref(), wanted, flags.output)
        }
        Command::Store { command: StoreCommand::Sweep { store, older_than, at_most, dry_run } } => {
            let wanted = sweep::Wanted { store, older_than, at_most, dry_run };
            sweep::run(&settings, credentials.as_deref(), &wanted, flags.output)
        }
        Command::Notices { command: NoticesCommand::Test } => notices::test(&settings, flags.output),
        Command::Policy { command: PolicyCommand::Explain(asked) } => {
            policy::explain(&settings, &asked, flags.output)
        }
        Command::Doctor { probe, format } => {
            doctor::run(&settings, credentials.as_deref(), probe, format, flags.output)
        }
        Command::Attest { name, detail } => doctor::attest(&settings, &name, &detail, flags.output),
        Command::Expiry { command } => expiry::run(&settings, credentials.as_deref(), command, flags.output),
        Command::SupportBundle { to } => {
            support_bundle::run(&settings, &shown, credentials.as_deref(), &to, flags.output)
        }
        Command::WhyDenied { request } => audit::why_denied::run(&settings, &request, flags.output),
        Command::Completions { .. } => Ok(Ended::Well),
    };
    exit(ended)
}

fn exit(ended: CommandResult) -> ExitCode {
    match ended {
        Ok(ended) => ended.into(),
        Err(error) => {
            print::error(&chain(error.as_ref()));
            Ended::Failed.into()
        }
    }
}
