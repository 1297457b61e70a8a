mod audit;
mod backup;
mod expiry;
mod operator;
mod review;
mod secret;
mod span;
mod store;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use strongroom_runtime::{Flag, Sources, Value};

pub(crate) use self::audit::{AuditCommand, Filter, Prune, Verify, VerifyReport, WhoRead};
pub(crate) use self::backup::{BackupCommand, Opening, Sealing};
pub(crate) use self::expiry::ExpiryCommand;
pub(crate) use self::operator::Operator;
pub(crate) use self::review::ReviewCommand;
pub(crate) use self::secret::{DeletedCommand, Replace, SecretCommand, Which};
pub(crate) use self::store::Store;

/// Strongroom's tool for operators. Takes the server's settings, and works beside it or without it.
#[derive(Debug, Parser)]
#[command(name = "strongroom-admin", version, about, after_help = HELP)]
pub(crate) struct Flags {
    /// Settings file (TOML), as the server's
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where key, database and journal are kept, as the server's
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// How to print results
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) output: Output,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const HELP: &str = "\
Examples:
  strongroom-admin --data-dir /var/lib/strongroom master-key generate
  strongroom-admin --config /etc/strongroom.toml db upgrade
  strongroom-admin --data-dir ./try master-key check
  strongroom-admin --data-dir ./try --output json audit verify
  strongroom-admin completions bash > /etc/bash_completion.d/strongroom-admin

Exit codes:
  0  done, and what was checked is sound
  1  what was checked is not sound
  2  the command line or the settings can't be used
  3  it could not be done";

/// How to print results.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Output {
    #[default]
    Table,
    Json,
    Csv,
}

/// How `doctor` prints its report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// A table for people
    Table,
    /// A table in Markdown, for a report
    Markdown,
    /// For programs
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The key that protects every project's key
    #[command(after_help = "\
Examples:
  strongroom-admin --data-dir /var/lib/strongroom master-key generate
  strongroom-admin --data-dir /var/lib/strongroom master-key check
  strongroom-admin --config /etc/strongroom.toml master-key rotate --dry-run
  strongroom-admin --config /etc/strongroom.toml master-key rotate")]
    MasterKey {
        #[command(subcommand)]
        command: MasterKeyCommand,
    },
    /// Each project's key, which seals its secrets
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml project-key rotate --project 94c3e0a26b8b4b7e
  strongroom-admin --config /etc/strongroom.toml project-key rotate --all")]
    ProjectKey {
        #[command(subcommand)]
        command: ProjectKeyCommand,
    },
    /// The rotation of keys that is under way
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml rotation status
  strongroom-admin --config /etc/strongroom.toml rotation pause")]
    Rotation {
        #[command(flatten)]
        store: Store,
        #[command(subcommand)]
        command: RotationCommand,
    },
    /// The database
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml db upgrade
  strongroom-admin --config /etc/strongroom.toml db status")]
    Db {
        #[command(subcommand)]
        command: DbCommand,
    },
    /// Secrets that are deleted and can still be restored
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml deleted list --project 94c3e0a26b8b4b7e
  strongroom-admin --config /etc/strongroom.toml deleted restore 94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f")]
    Deleted {
        #[command(subcommand)]
        command: DeletedCommand,
    },
    /// The review of secrets that nobody seems to need
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml review start --to review.csv
  strongroom-admin --config /etc/strongroom.toml review decide review.csv
  strongroom-admin --config /etc/strongroom.toml review apply")]
    Review {
        #[command(subcommand)]
        command: ReviewCommand,
    },
    /// Secrets
    #[command(after_help = "\
Example:
  strongroom-admin --config /etc/strongroom.toml secret replace 94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f \\
      --payload-file new.pem --overlap 7d")]
    Secret {
        #[command(subcommand)]
        command: SecretCommand,
    },
    /// The hardware tokens that hold a master key
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml hsm generate-master-key
  strongroom-admin --config /etc/strongroom.toml hsm check
  strongroom-admin --config /etc/strongroom.toml hsm drill --token 2 --seconds 30 --report drill.json")]
    Hsm {
        #[command(subcommand)]
        command: HsmCommand,
    },
    /// Backups of everything but the master key
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml backup create --to /mnt/monday.age --recipient age1…
  strongroom-admin --config /etc/strongroom.toml backup verify /mnt/monday.age --identity /mnt/key.txt
  strongroom-admin --config /etc/strongroom.toml backup restore /mnt/monday.age --identity /mnt/key.txt")]
    Backup {
        #[command(subcommand)]
        command: BackupCommand,
    },
    /// The KMIP server that holds the master key
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml kmip create-master-key
  strongroom-admin --config /etc/strongroom.toml kmip check")]
    Kmip {
        #[command(subcommand)]
        command: KmipCommand,
    },
    /// The secret stores
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml store migrate --from soft --to kmip --dry-run
  strongroom-admin --config /etc/strongroom.toml store migrate --from soft --to kmip --project 94c3e0a26b8b4b7e")]
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// The audit journal
    #[command(after_help = "\
Examples:
  strongroom-admin --data-dir /var/lib/strongroom audit verify
  strongroom-admin --data-dir /var/lib/strongroom audit public-key > journal.pem
  strongroom-admin --data-dir /var/lib/strongroom audit checkpoint > last.json
  strongroom-admin --data-dir /var/lib/strongroom audit report --since 2026-01-01
  strongroom-admin --data-dir /var/lib/strongroom audit who-read 94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f
  strongroom-admin --data-dir ./copy audit verify --public-key journal.pem --checkpoint last.json
  strongroom-admin audit verify-report rotation.jsonl --public-key journal.pem
  strongroom-admin --data-dir /var/lib/strongroom audit prune --before 2026-01-01")]
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Notices to operators
    #[command(after_help = "\
Example:
  strongroom-admin --config /etc/strongroom.toml notices test")]
    Notices {
        #[command(subcommand)]
        command: NoticesCommand,
    },
    /// The access rules
    #[command(after_help = "\
Example:
  strongroom-admin --config /etc/strongroom.toml policy explain --user u1 --project p1 \\
      --role member --action secret:decrypt --target secret/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f")]
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Check every control of the hardening guide, and tell how to mend what fails
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml doctor
  strongroom-admin --config /etc/strongroom.toml doctor --probe
  strongroom-admin --config /etc/strongroom.toml doctor --format markdown > report.md")]
    Doctor {
        /// Also have the server write a test record, and see that every forwarder delivers it
        #[arg(long)]
        probe: bool,
        /// How to print, if not as --output says
        #[arg(long, value_enum)]
        format: Option<DoctorFormat>,
    },
    /// Secrets and certificates that end, and who knows of it
    #[command(after_help = "\
Examples:
  strongroom-admin --config /etc/strongroom.toml expiry list --within 30d
  strongroom-admin --config /etc/strongroom.toml --output csv expiry list --within 90d --project 94c3e0a26b8b4b7e
  strongroom-admin --config /etc/strongroom.toml expiry ack 94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f --note renewed")]
    Expiry {
        #[command(subcommand)]
        command: ExpiryCommand,
    },
    /// Note that something was done that only people can do, for the next `doctor`
    Attest {
        /// What was done
        #[arg(value_parser = ["orphan-review", "hsm-failover-drill"])]
        name: String,
        /// By whom, and where its report is
        #[arg(long, default_value = "")]
        detail: String,
    },
    /// Write what somebody needs who is to help from afar into one file (JSON, mode 0600): no secret, no caller
    #[command(after_help = "\
Example:
  strongroom-admin --config /etc/strongroom.toml support-bundle --to /tmp/bundle.json")]
    SupportBundle {
        /// The file to make
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Tell who was refused in a request, by which rule, and what would have it allowed
    #[command(after_help = "\
Example:
  strongroom-admin --config /etc/strongroom.toml why-denied req-94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f")]
    WhyDenied {
        /// The answer's `x-openstack-request-id`, or the caller's global one
        #[arg(value_name = "REQUEST-ID")]
        request: String,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MasterKeyCommand {
    /// Make a new master key file (mode 0400); an existing file is never touched
    Generate {
        /// Where, if not where the settings say
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Check the key file's mode and owner, and that it is the key this database was used with
    Check,
    /// Add a version to a key file without using it, to be copied to other servers before `rotate`
    Add {
        /// Which file, if not the one the settings say
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Bring every project key under a new version of the master key, while the servers serve
    Rotate {
        /// Only tell what there is to do
        #[arg(long)]
        dry_run: bool,
        /// Afterwards take the versions that nothing names any more out of the key file
        #[arg(long)]
        remove_old: bool,
        #[command(flatten)]
        store: Store,
    },
    /// Write a sealed copy of the key file to a new file, for offline media
    Backup {
        /// The file to make
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        sealing: Sealing,
    },
    /// Open a backup in memory and check that its keys are the ones this database was used with
    VerifyBackup {
        /// The backup
        file: PathBuf,
        #[command(flatten)]
        opening: Opening,
    },
    /// Put the key file that is in a backup in place; an existing file is never touched
    Restore {
        /// The backup
        backup: PathBuf,
        #[command(flatten)]
        opening: Opening,
        /// Where, if not where the settings say
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Take the versions that a rotation has retired out of the key file; older database backups need them
    Prune,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProjectKeyCommand {
    /// Give projects new keys and seal every secret again under them, while the servers serve
    Rotate {
        /// The project's id
        #[arg(long, value_name = "PROJECT", required_unless_present = "all")]
        project: Option<String>,
        /// Every project
        #[arg(long, conflicts_with = "project")]
        all: bool,
        /// Only tell what there is to do
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        store: Store,
    },
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum RotationCommand {
    /// Tell how far the latest rotation has come
    Status,
    /// Make the signed report on the latest rotation, unless its own command has made it, and tell where it is
    Report,
    /// Halt it after the batch at hand; everything stays readable
    Pause,
    /// Let it go on
    Resume,
    /// Give it up, which only a rotation can be that waits for a new master key to be on every server
    Cancel,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HsmCommand {
    /// Make a master key in a token: not extractable, and under the label that the settings have
    GenerateMasterKey {
        /// Which of the tokens of the settings, counted from 1
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        token: usize,
        /// Make the version after the highest; without it, the first, in a token that holds none
        #[arg(long)]
        next: bool,
    },
    /// Examine each token: keys, flags, PIN, mechanisms, firmware, and what else is in it
    Check,
    /// Connect the tokens as a server would, and show which work
    List,
    /// Fail one token under load of its own, see the others take over, and measure its return
    Drill {
        /// Which of the tokens of the settings, counted from 1
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        token: usize,
        /// How long the token stays away
        #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
        seconds: u64,
        /// Where to write the report, as JSON and, beside it, as text
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Make the database, or bring it to this program's schema version (with the server stopped)
    Upgrade,
    /// Show the database's schema version
    Status,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KmipCommand {
    /// Have the server make the master key, and write down which object it is; never done twice unasked
    CreateMasterKey {
        /// Add a version to the master key there is
        #[arg(long)]
        next_version: bool,
    },
    /// Tell how the server is, what it can do, how the master key is, and how long certificates are good
    Check,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Move secrets to another store, while the servers serve; goes on from where it was cut off
    Migrate {
        /// The store to move from, as stores.enabled names it
        #[arg(long, value_name = "STORE")]
        from: String,
        /// The store to move to
        #[arg(long, value_name = "STORE")]
        to: String,
        /// One project's secrets; those of all projects unless given
        #[arg(long, value_name = "PROJECT")]
        project: Option<String>,
        /// Only tell what there is to do
        #[arg(long)]
        dry_run: bool,
    },
    /// Destroy what crashes have left behind in a store that keeps payloads itself; nothing that a row names, and
    /// nothing that is not marked as made by this deployment
    Sweep {
        /// The store, as stores.enabled names it
        #[arg(value_name = "STORE")]
        store: String,
        /// Leave alone what is younger: a request or an order may be about to store it
        #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..))]
        older_than: u16,
        /// Destroy nothing when there is more than that: crashes leave a few, and a wrong database finds all
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        at_most: usize,
        /// Only tell what there is to do
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum NoticesCommand {
    /// Send a test by every channel of the settings, and tell how each did
    Test,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Tell whether a caller may do something, which rule decides, and why
    Explain(Explain),
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The caller's user id
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// The project the caller acts in
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// A role the caller holds; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// The rule that guards the action, such as secret:decrypt
    #[arg(long, value_name = "RULE")]
    pub(crate) action: String,
    /// What it is done to: secret/ID, container/ID or order/ID, looked up in the database
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Option<String>,
}

impl Flags {
    /// Where the settings come from: the same places as the server's.
    pub(crate) fn sources(&self) -> Sources {
        let data_dir = self.data_dir.as_ref().map(|path| Flag {
            name: "--data-dir",
            key: "data_dir",
            value: Value::from(path.to_string_lossy().into_owned()),
        });
        Sources { file: self.config.clone(), environment: true, flags: data_dir.into_iter().collect() }
    }
}
