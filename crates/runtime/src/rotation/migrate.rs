use strongroom_core::ports::BackendId;
use strongroom_core::rotation::{Node, Rotation};
use strongroom_core::{Clock as _, ProjectId, SystemClock};

use super::operate::look;
use crate::error::RunError;
use crate::settings::Settings;

/// What a move between secret stores would have to do, or has left.
#[derive(Debug, Clone)]
pub struct MigrationPlan {
    /// Secrets in the store to move from.
    pub secrets: u64,
    /// What that store has yet to destroy of secrets that are not in it any more.
    pub to_forget: u64,
    /// The store that keeps new secrets of the project, or of projects that prefer none.
    pub keeps_new: BackendId,
    /// Servers that are running with the store to move from.
    pub nodes: Vec<Node>,
    /// The move or the rotation that is under way there, if any.
    pub open: Option<Rotation>,
}

/// Looks at what there is in a store, of one project or of all. Changes nothing.
pub fn plan_migration(
    settings: &Settings,
    from: &BackendId,
    project: Option<&ProjectId>,
) -> Result<MigrationPlan, RunError> {
    let mut keeps_new = first_store(settings);
    look(settings, |reader| {
        let mut secrets = 0;
        match project {
            Some(project) => {
                for key in reader.project_key_versions(project, from)? {
                    secrets += reader.count_sealed_under(key.id)?;
                }
                if let Some(preferred) = reader.preferred_store(project)? {
                    let stores = reader.secret_stores()?;
                    keeps_new = stores
                        .into_iter()
                        .find(|store| store.id == preferred)
                        .map_or(keeps_new, |store| store.backend);
                }
            }
            None => secrets = reader.count_sealed_by(from)?,
        }
        let now = SystemClock.now();
        let mut nodes = reader.nodes(from)?;
        nodes.retain(|node| node.is_alive(now));
        Ok(MigrationPlan {
            secrets,
            to_forget: reader.count_disposals(from)?,
            keeps_new,
            nodes,
            open: reader.open_rotation(from)?,
        })
    })
}

/// The enabled store of that name.
pub fn enabled_store(settings: &Settings, name: &str) -> Result<BackendId, RunError> {
    let mut enabled = settings.stores.enabled.iter().map(|kind| kind.backend());
    enabled.find(|backend| backend.as_str() == name).ok_or_else(|| RunError::NoSuchStore(name.to_owned()))
}

fn first_store(settings: &Settings) -> BackendId {
    // There is always one.
    settings.stores.enabled.first().copied().unwrap_or(crate::settings::StoreKind::Soft).backend()
}
