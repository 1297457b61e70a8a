use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use strongroom_audit::{Journal, Options, Trust};
use strongroom_core::audit::{Action, Event, Origin, Outcome, Phase, Target};
use strongroom_core::ports::{AuditSink as _, MasterKeyVersion, SecretBackend as _};
use strongroom_core::{Clock as _, SystemClock};
use strongroom_crypto::{Identities, Recipients};
use strongroom_storage::{ReadOnlyView, schema_status, snapshot};
use tempfile::TempDir;

use super::files::{draft, folder_of, keep};
use super::milestone::{BACKUP, BACKUP_VERIFIED, note_milestone};
use super::{BackupRunError, Manifest};
use crate::error::RunError;
use crate::first_run::private_folder;
use crate::master_key::{load_master_keys, soft_backend};
use crate::settings::{Settings, Shown};

const MANIFEST: &str = "manifest.json";
const SETTINGS: &str = "settings.json";
const DATABASE: &str = "strongroom.sqlite";
const FORMAT: u32 = 1;
/// Project keys, and secrets of each, that a verification opens.
const SAMPLED_KEYS: u32 = 256;
const SAMPLED_SECRETS: u32 = 4;

/// What a verification of a backup found.
#[derive(Debug, Clone)]
pub struct BackupCheck {
    /// What the backup says about itself.
    pub manifest: Manifest,
    /// Project keys that were opened.
    pub keys: u64,
    /// Secrets that were opened.
    pub secrets: u64,
    /// Everything that is wrong; nothing when the backup is sound.
    pub findings: Vec<String>,
}

/// Writes a sealed copy of the database, the settings and the place of the journal's last record to a new file, while
/// the server serves or without one. The master key is not in it.
pub fn back_up(
    settings: &Settings,
    shown: &[Shown],
    recipients: &Recipients,
    to: &Path,
) -> Result<Manifest, BackupRunError> {
    let file = draft(to)?;
    // The journal first: whatever is in the database then, has its record before that place or after it.
    let journal = strongroom_audit::verify(&settings.audit.folder, &Trust::default())
        .map_err(BackupRunError::Journal)?;
    if !journal.is_intact() {
        return Err(BackupRunError::Tampered);
    }
    let scratch = scratch(&settings.data_dir)?;
    let copy = scratch.path().join(DATABASE);
    snapshot(&settings.storage.file, &copy).map_err(RunError::Storage)?;
    let manifest = Manifest {
        format: FORMAT,
        made: SystemClock.now().to_string(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema: schema_status(&copy).map_err(RunError::Storage)?.found,
        node: journal.node,
        last_seq: journal.last_seq,
        last_hash: journal.last_hash.map(|hash| hash.to_string()),
        master_keys: needed(&copy)?.iter().map(|version| version.0).collect(),
    };
    let failed = BackupRunError::io("write", to);
    let sealed = recipients.seal(BufWriter::new(file))?;
    let written = pack(sealed, &manifest, shown, &copy).and_then(|writer| {
        let buffered = writer.finish()?;
        buffered.into_inner().map_err(io::IntoInnerError::into_error)
    });
    keep(written.map_err(failed)?, to)?;
    note_milestone(settings, BACKUP, &to.display().to_string())?;
    Ok(manifest)
}

/// Restores a backup into a scratch folder, looks at all of it, and opens samples with the master key at hand.
pub async fn verify_backup(
    settings: &Settings,
    credentials: Option<&Path>,
    identities: &Identities,
    file: &Path,
) -> Result<BackupCheck, BackupRunError> {
    let scratch = scratch(folder_of(file))?;
    let (manifest, database) = unpack(identities, file, scratch.path())?;
    let mut view = ReadOnlyView::open(&database).map_err(RunError::Storage)?;
    let mut findings = view.check().map_err(RunError::Query)?;
    let backend = soft_backend(load_master_keys(&settings.master_key, credentials)?)?;
    let id = backend.id().clone();
    let records = view.read(|reader| reader.master_keys(&id)).map_err(RunError::Query)?;
    for record in records.iter().filter(|record| record.state.is_needed()) {
        if let Err(error) = backend.open_canary(record.version, &record.canary).await {
            findings.push(format!("version {} of the master key at hand: {error}", record.version));
        }
    }
    let mut samples = Vec::new();
    view.read(|reader| {
        for record in &records {
            for key in reader.project_keys_under(&id, record.version, None, SAMPLED_KEYS)? {
                let mut secrets = Vec::new();
                for secret in reader.secrets_sealed_under(key.id, None, SAMPLED_SECRETS)? {
                    secrets.extend(reader.sealed_secret(secret)?);
                }
                samples.push((key, secrets));
            }
        }
        Ok(())
    })
    .map_err(RunError::Query)?;
    let mut check = BackupCheck { manifest, keys: 0, secrets: 0, findings };
    for (key, secrets) in samples {
        match backend.prove_project_key(&key).await {
            Ok(()) => check.keys += 1,
            Err(error) => check.findings.push(format!("the key of project {}: {error}", key.project)),
        }
        for (secret, sealed) in secrets {
            let Some((stored, key)) = sealed else { continue };
            match backend.open(&key, &secret.binding(stored.content_type), &stored.sealed).await {
                Ok(_) => check.secrets += 1,
                Err(error) => check.findings.push(format!("secret {}: {error}", secret.id)),
            }
        }
    }
    if check.findings.is_empty() {
        note_milestone(settings, BACKUP_VERIFIED, &file.display().to_string())?;
    }
    Ok(check)
}

/// Puts the database of a backup in place on a machine that has none, and begins a new journal, whose first record
/// tells where the old one ended.
pub async fn restore(
    settings: &Settings,
    identities: &Identities,
    file: &Path,
) -> Result<Manifest, BackupRunError> {
    for taken in [&settings.storage.file, &settings.audit.folder] {
        if taken.symlink_metadata().is_ok() {
            return Err(BackupRunError::Exists(taken.clone()));
        }
    }
    private_folder(&settings.data_dir)?;
    let scratch = scratch(folder_of(&settings.storage.file))?;
    let (manifest, database) = unpack(identities, file, scratch.path())?;
    // Proves that it is one of ours before it takes the name.
    drop(ReadOnlyView::open(&database).map_err(RunError::Storage)?);
    let options = Options { create: true, segment_bytes: settings.audit.segment_bytes, ..Options::default() };
    let journal = Journal::open(&settings.audit.folder, options).map_err(RunError::Audit)?;
    let event = Event {
        at: SystemClock.now(),
        phase: Phase::Outcome,
        change: None,
        action: Action::BackupRestore,
        target: Some(Target::JournalEnd(format!(
            "{}:{}:{}",
            manifest.node.as_deref().unwrap_or("-"),
            manifest.last_seq.unwrap_or_default(),
            manifest.last_hash.as_deref().unwrap_or("-"),
        ))),
        caller: None,
        origin: Origin::default(),
        outcome: Some(Outcome::Success),
        reason: None,
        access: None,
    };
    journal.record(event).await.map_err(|error| RunError::Rotation(strongroom_core::Error::Audit(error)))?;
    let place = &settings.storage.file;
    std::fs::rename(&database, place).map_err(BackupRunError::io("put in place", place))?;
    let folder = folder_of(place);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupRunError::io("sync", folder))?;
    Ok(manifest)
}

fn needed(database: &Path) -> Result<Vec<MasterKeyVersion>, RunError> {
    let mut view = ReadOnlyView::open(database).map_err(RunError::Storage)?;
    let id = strongroom_core::ports::BackendId::new(strongroom_crypto::SoftBackend::DEFAULT_ID);
    let records = view.read(|reader| reader.master_keys(&id)).map_err(RunError::Query)?;
    Ok(records.iter().filter(|record| record.state.is_needed()).map(|record| record.version).collect())
}

fn scratch(beside: &Path) -> Result<TempDir, BackupRunError> {
    tempfile::Builder::new()
        .prefix(".strongroom-")
        .tempdir_in(beside)
        .map_err(BackupRunError::io("make a folder in", beside))
}

fn pack<W: Write>(output: W, manifest: &Manifest, shown: &[Shown], database: &Path) -> io::Result<W> {
    let mut archive = tar::Builder::new(output);
    append(&mut archive, MANIFEST, &serde_json::to_vec_pretty(manifest)?)?;
    append(&mut archive, SETTINGS, &serde_json::to_vec_pretty(shown)?)?;
    archive.append_file(DATABASE, &mut File::open(database)?)?;
    archive.into_inner()
}

fn append<W: Write>(archive: &mut tar::Builder<W>, name: &str, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
    header.set_mode(0o600);
    header.set_cksum();
    archive.append_data(&mut header, name, content)
}

/// Unseals a backup into a folder, and gives what it says about itself and where its database is. Nothing is written
/// but the database: names in the archive are not believed.
fn unpack(
    identities: &Identities,
    file: &Path,
    folder: &Path,
) -> Result<(Manifest, PathBuf), BackupRunError> {
    let not_one = |reason| BackupRunError::NotABackup { path: file.to_owned(), reason };
    let failed = || BackupRunError::io("read", file);
    let sealed = File::open(file).map_err(BackupRunError::io("open", file))?;
    let mut opened = identities.open(BufReader::new(sealed))?;
    let database = folder.join(DATABASE);
    let mut manifest: Option<Manifest> = None;
    let mut archive = tar::Archive::new(&mut opened);
    for entry in archive.entries().map_err(failed())? {
        let mut entry = entry.map_err(failed())?;
        let name = entry.path_bytes().into_owned();
        if name == MANIFEST.as_bytes() {
            let mut text = Vec::new();
            entry.by_ref().take(1 << 20).read_to_end(&mut text).map_err(failed())?;
            let read = serde_json::from_slice(&text).map_err(|_| not_one("its manifest can't be read"))?;
            manifest = Some(read);
        } else if name == DATABASE.as_bytes() {
            let mut copy = File::create_new(&database).map_err(BackupRunError::io("create", &database))?;
            io::copy(&mut entry, &mut copy).map_err(failed())?;
            copy.sync_all().map_err(BackupRunError::io("sync", &database))?;
        }
    }
    // The end of the sealed file is authentic only once it has been read.
    io::copy(&mut opened, &mut io::sink()).map_err(failed())?;
    match manifest {
        Some(manifest) if manifest.format != FORMAT => Err(not_one("it was made by a newer program")),
        Some(manifest) if database.exists() => Ok((manifest, database)),
        _ => Err(not_one("this is not a backup of Strongroom")),
    }
}
