use std::path::Path;
use std::sync::Arc;

use strongroom_core::ports::{BackendId, ProjectKey, Reader, SecretBackend, StorageError};
use strongroom_core::review::Twins;
use strongroom_core::{Fingerprint, Material, ProjectKeyId, SecretId, Timestamp};
use strongroom_storage::ReadOnlyView;

use super::Unchecked;
use crate::backends::open_named;
use crate::error::{RunError, chain};
use crate::settings::Settings;

/// How many rows are read in one state of the database.
const AT_ONCE: u32 = 2000;

/// Finds payloads of the same bytes, by their fingerprints and with the project keys; no payload is opened.
pub(super) struct Materials<'a> {
    settings: &'a Settings,
    credentials: Option<&'a Path>,
    /// Those that were needed.
    stores: Vec<(BackendId, Opened)>,
}

/// A store, or why it can't be used.
type Opened = Result<Arc<dyn SecretBackend>, String>;

/// What was found.
pub(super) struct Found {
    pub(super) twins: Twins,
    /// How many payloads were compared.
    pub(super) compared: u64,
    /// What could not be.
    pub(super) unchecked: Vec<Unchecked>,
}

impl<'a> Materials<'a> {
    pub(super) fn new(settings: &'a Settings, credentials: Option<&'a Path>) -> Self {
        Self { settings, credentials, stores: Vec::new() }
    }

    /// Compares all that are under the same project key, which a project has one of in each store while its key is not
    /// being rotated.
    pub(super) async fn find(&mut self, view: &mut ReadOnlyView, now: Timestamp) -> Result<Found, RunError> {
        let mut found = Found { twins: Twins::default(), compared: 0, unchecked: Vec::new() };
        for kind in &self.settings.stores.enabled {
            let store = kind.backend();
            let masters = view.read(|reader| reader.master_keys(&store)).map_err(RunError::Query)?;
            for master in masters {
                let mut after = None;
                loop {
                    let keys = view
                        .read(|reader| reader.project_keys_under(&store, master.version, after, AT_ONCE))
                        .map_err(RunError::Query)?;
                    let Some(last) = keys.last() else { break };
                    after = Some(last.id);
                    for key in &keys {
                        self.compare(view, key, now, &mut found).await?;
                    }
                }
            }
        }
        found.twins = found.twins.complete();
        Ok(found)
    }

    async fn compare(
        &mut self,
        view: &mut ReadOnlyView,
        key: &ProjectKey,
        now: Timestamp,
        found: &mut Found,
    ) -> Result<(), RunError> {
        let mut known: Vec<(Material, SecretId)> = Vec::new();
        let mut after = None;
        loop {
            let page = view
                .read(|reader| reader.fingerprints_under(key.id, now, after, AT_ONCE))
                .map_err(RunError::Query)?;
            if after.is_none() && page.len() < 2 {
                // There is nothing to compare it with, and no need to have the key.
                found.compared += u64::try_from(page.len()).unwrap_or(0);
                return Ok(());
            }
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            match self.materials(key, &page).await {
                Ok(materials) => known.extend(materials.into_iter().zip(page.iter().map(|(id, _)| *id))),
                Err(why) => {
                    let what = format!("material in project {} in store {}", key.project, key.backend);
                    found.unchecked.push(Unchecked { what, why });
                    return Ok(());
                }
            }
        }
        found.compared += u64::try_from(known.len()).unwrap_or(0);
        found.twins.add(known);
        Ok(())
    }

    /// Whether those two have the same payload. `false` when that can't be found out.
    pub(super) async fn are_twins(
        &mut self,
        view: &mut ReadOnlyView,
        one: SecretId,
        other: SecretId,
    ) -> Result<bool, RunError> {
        let both = view.read(|reader| Ok(fingerprint(reader, one)?.zip(fingerprint(reader, other)?)));
        let Some(((key, one_is), (same, other_is))) = both.map_err(RunError::Query)? else {
            return Ok(false);
        };
        if one == other || key != same {
            return Ok(false);
        }
        let key = view.read(|reader| reader.project_key(key)).map_err(RunError::Query)?;
        let Some(key) = key else { return Ok(false) };
        let materials = self.materials(&key, &[(one, one_is), (other, other_is)]).await;
        Ok(matches!(materials.as_deref(), Ok([one, other]) if one == other))
    }

    async fn materials(
        &mut self,
        key: &ProjectKey,
        fingerprints: &[(SecretId, Fingerprint)],
    ) -> Result<Vec<Material>, String> {
        let store = self.store(&key.backend).await?;
        store.materials(key, fingerprints).await.map_err(|error| chain(&error))
    }

    /// The store of that name, which is opened when it is first asked for.
    async fn store(&mut self, id: &BackendId) -> Opened {
        if let Some((_, opened)) = self.stores.iter().find(|(known, _)| known == id) {
            return opened.clone();
        }
        let opened = open_named(self.settings, self.credentials, id).await.map_err(|error| chain(&error));
        self.stores.push((id.clone(), opened.clone()));
        opened
    }
}

fn fingerprint(
    reader: &mut dyn Reader,
    id: SecretId,
) -> Result<Option<(ProjectKeyId, Fingerprint)>, StorageError> {
    let stored = reader.payload(id)?;
    Ok(stored.and_then(|stored| Some((stored.key, stored.fingerprint?))))
}
