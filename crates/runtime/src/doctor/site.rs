use std::path::Path;

use strongroom_core::ports::{MasterKeyRecord, Milestone};
use strongroom_core::rotation::{MasterKeyState, Rotation};
use strongroom_core::{Clock as _, SystemClock, Timestamp, UserId};

use super::control::Examined;
use crate::error::chain;
use crate::rotation::look;
use crate::settings::{Settings, StoreKind};

/// How long ago a thing may be that is done each quarter, in days.
const QUARTER: i64 = 92;

/// What the controls look at: an installation, as it is now.
pub struct Site<'a> {
    /// Its settings.
    pub settings: &'a Settings,
    /// The service manager's credentials folder.
    pub credentials: Option<&'a Path>,
    /// The time of the visit.
    pub now: Timestamp,
    /// On whose account what leaves traces elsewhere is done too, if it is.
    pub prober: Option<UserId>,
    /// What the database tells, or why it tells nothing.
    pub told: Result<Told, String>,
}

/// What the database tells.
#[derive(Debug, Clone)]
pub struct Told {
    /// Each master key version, of every store.
    pub master_keys: Vec<MasterKeyRecord>,
    /// Project keys that are under older versions than the active one.
    pub under_older: u64,
    /// The latest rotation of each store's keys.
    pub rotations: Vec<Rotation>,
    /// What the operator has done.
    pub milestones: Vec<Milestone>,
}

impl<'a> Site<'a> {
    /// Asks the database once for all controls.
    pub(super) fn visit(settings: &'a Settings, credentials: Option<&'a Path>) -> Self {
        let told = look(settings, |reader| {
            let (mut master_keys, mut under_older, mut rotations) = (Vec::new(), 0, Vec::new());
            for backend in settings.stores.enabled.iter().map(|store| store.backend()) {
                let records = reader.master_keys(&backend)?;
                for record in records.iter().filter(|record| record.state != MasterKeyState::Active) {
                    under_older += reader.count_project_keys_under(&backend, record.version)?;
                }
                master_keys.extend(records);
                rotations.extend(reader.rotations(&backend, 1)?);
            }
            Ok(Told { master_keys, under_older, rotations, milestones: reader.milestones()? })
        });
        let told = told.map_err(|error| chain(&error));
        Self { settings, credentials, now: SystemClock.now(), prober: None, told }
    }

    /// Whether that was done within a quarter, as the milestone of that name tells.
    pub(super) fn done_this_quarter(&self, name: &str, remedy: &str) -> Examined {
        let told = match &self.told {
            Ok(told) => told,
            Err(error) => return Examined::not_applicable(error.clone()),
        };
        match told.done(name) {
            None => Examined::warn("never noted", remedy),
            Some(at) if self.days_since(at) > QUARTER => Examined::warn(format!("last done {at}"), remedy),
            Some(at) => match told.detail(name) {
                None | Some("") => Examined::pass(format!("done {at}")),
                Some(detail) => Examined::pass(format!("done {at}: {detail}")),
            },
        }
    }

    /// Whether nobody off this machine can reach the API but through a proxy.
    pub(super) fn is_local(&self) -> bool {
        self.settings.listen.ip().to_canonical().is_loopback()
    }

    /// Whole days since then.
    pub(super) fn days_since(&self, then: Timestamp) -> i64 {
        self.now.as_micros().saturating_sub(then.as_micros()) / 86_400_000_000
    }
}

impl Told {
    /// The versions that wrap new project keys, one for each store.
    pub(super) fn active(&self) -> impl Iterator<Item = &MasterKeyRecord> {
        self.master_keys.iter().filter(|record| record.state == MasterKeyState::Active)
    }

    /// The versions in a file.
    pub(super) fn in_file(&self) -> impl Iterator<Item = &MasterKeyRecord> {
        let soft = StoreKind::Soft.backend();
        self.master_keys.iter().filter(move |record| record.backend == soft)
    }

    /// What was noted when a thing was last done.
    pub(super) fn detail(&self, name: &str) -> Option<&str> {
        self.milestones.iter().find(|done| done.name == name).map(|done| done.detail.as_str())
    }

    /// When a thing was last done.
    pub(super) fn done(&self, name: &str) -> Option<Timestamp> {
        self.milestones.iter().find(|done| done.name == name).map(|done| done.at)
    }
}
