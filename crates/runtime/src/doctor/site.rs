use std::path::Path;

use strongroom_core::ports::{BackendId, MasterKeyRecord, Milestone};
use strongroom_core::rotation::{MasterKeyState, Rotation};
use strongroom_core::{Clock as _, SystemClock, Timestamp};
use strongroom_crypto::SoftBackend;

use crate::error::chain;
use crate::rotation::look;
use crate::settings::Settings;

/// What the controls look at: an installation, as it is now.
pub struct Site<'a> {
    /// Its settings.
    pub settings: &'a Settings,
    /// The service manager's credentials folder.
    pub credentials: Option<&'a Path>,
    /// The time of the visit.
    pub now: Timestamp,
    /// What the database tells, or why it tells nothing.
    pub told: Result<Told, String>,
}

/// What the database tells.
#[derive(Debug, Clone)]
pub struct Told {
    /// Each master key version.
    pub master_keys: Vec<MasterKeyRecord>,
    /// Project keys that are under older versions than the active one.
    pub under_older: u64,
    /// The latest rotation.
    pub rotation: Option<Rotation>,
    /// What the operator has done.
    pub milestones: Vec<Milestone>,
}

impl<'a> Site<'a> {
    /// Asks the database once for all controls.
    pub(super) fn visit(settings: &'a Settings, credentials: Option<&'a Path>) -> Self {
        let soft = BackendId::new(SoftBackend::DEFAULT_ID);
        let told = look(settings, |reader| {
            let master_keys = reader.master_keys(&soft)?;
            let mut under_older = 0;
            for record in master_keys.iter().filter(|record| record.state != MasterKeyState::Active) {
                under_older += reader.count_project_keys_under(&soft, record.version)?;
            }
            Ok(Told {
                under_older,
                rotation: reader.rotations(&soft, 1)?.pop(),
                milestones: reader.milestones()?,
                master_keys,
            })
        });
        Self { settings, credentials, now: SystemClock.now(), told: told.map_err(|error| chain(&error)) }
    }

    /// Whole days since then.
    pub(super) fn days_since(&self, then: Timestamp) -> i64 {
        self.now.as_micros().saturating_sub(then.as_micros()) / 86_400_000_000
    }
}

impl Told {
    /// The version that wraps new project keys.
    pub(super) fn active(&self) -> Option<&MasterKeyRecord> {
        self.master_keys.iter().find(|record| record.state == MasterKeyState::Active)
    }

    /// When a thing was last done.
    pub(super) fn done(&self, name: &str) -> Option<Timestamp> {
        self.milestones.iter().find(|done| done.name == name).map(|done| done.at)
    }
}
