//! Opens the parts that the settings name and puts the key manager together.

use std::path::Path;
use std::sync::Arc;

use strongroom_api::Api;
use strongroom_audit::{Journal, Options};
use strongroom_core::KeyManager;
use strongroom_core::access::PolicyRules;
use strongroom_core::ports::{Authenticator, SecretBackend as _};
use strongroom_identity::UnauthenticatedContext;
use strongroom_storage::{OpenOptions, ReadOnlyView, SqliteRepository};

use crate::error::RunError;
use crate::master_key::{load_master_keys, soft_backend};
use crate::policy_file::PolicyFile;
use crate::settings::{IdentityMode, PolicySection, Settings};

/// What a running server holds.
pub(crate) struct Parts {
    pub(crate) manager: KeyManager,
    pub(crate) api: Api,
    pub(crate) repository: Arc<SqliteRepository>,
}

/// Opens every part; the first that refuses stops the start. Nothing is changed on disk before the master
/// key has been read and the database has been judged.
pub(crate) async fn open(
    settings: &Settings,
    credentials: Option<&Path>,
    create: bool,
) -> Result<Parts, RunError> {
    let backend = soft_backend(load_master_keys(&settings.master_key, credentials)?)?;
    let rules = policy_rules(&settings.policy)?;
    let used = was_used(settings, &backend)?;
    let upgrade = create || settings.storage.upgrade_at_start;
    let options = OpenOptions { create, upgrade };
    let opened = SqliteRepository::open(&settings.storage.file, options).map_err(RunError::Storage)?;
    let repository = Arc::new(opened);
    // A database that was used had a journal: one that is gone is missed, not begun anew.
    let options =
        Options { create: !used, segment_bytes: settings.audit.segment_bytes, ..Options::default() };
    let journal = Journal::open(&settings.audit.folder, options).map_err(RunError::Audit)?;
    let manager = KeyManager::builder()
        .repository(Arc::clone(&repository))
        .backend(backend)
        .audit(journal)
        .policy(settings.policy.rule_set, rules)
        .quotas(settings.quotas)
        .build()
        .await
        .map_err(RunError::Start)?;
    let authenticator: Arc<dyn Authenticator> = match settings.identity.mode {
        IdentityMode::Unauthenticated => Arc::new(UnauthenticatedContext),
    };
    let api = Api::new(manager.clone(), authenticator, settings.api.clone());
    Ok(Parts { manager, api, repository })
}

/// The operator's own access rules.
pub(crate) fn policy_rules(section: &PolicySection) -> Result<PolicyRules, RunError> {
    match &section.file {
        Some(path) => {
            let file = PolicyFile::load(path, section.rule_set).map_err(RunError::Policy)?;
            Ok(file.rules().clone())
        }
        None => Ok(PolicyRules::new()),
    }
}

/// Whether a key manager has run on this database before.
fn was_used(settings: &Settings, backend: &strongroom_crypto::SoftBackend) -> Result<bool, RunError> {
    if !settings.storage.file.exists() {
        return Ok(false);
    }
    match ReadOnlyView::open(&settings.storage.file) {
        Ok(mut view) => {
            let keys = view.read(|reader| reader.master_keys(backend.id())).map_err(RunError::Query)?;
            Ok(!keys.is_empty())
        }
        // An older schema has been used; whether it may be upgraded is for the repository to say.
        Err(strongroom_storage::OpenError::Older { .. }) => Ok(true),
        Err(error) => Err(RunError::Storage(error)),
    }
}
