use super::site::Told;
use super::{Control, Examined, Severity, Site};
use crate::backup::{BACKUP, BACKUP_VERIFIED, MASTER_KEY_BACKUP, MASTER_KEY_BACKUP_VERIFIED};

const BACK_UP_KEY: &str = "strongroom-admin master-key backup --to FILE --recipient age1…";
const VERIFY_KEY: &str = "strongroom-admin master-key verify-backup FILE --identity KEY";
const BACK_UP: &str = "strongroom-admin backup create --to FILE --recipient age1…";
const VERIFY: &str = "strongroom-admin backup verify FILE --identity KEY";
/// How old the latest backup may be, in days.
const FRESH: i64 = 7;

pub(super) const CONTROLS: [Control; 4] = [
    Control {
        id: "BAK-01",
        severity: Severity::High,
        title: "the master key was backed up since its newest version was made",
        at_start: true,
        examine: key_backed_up,
    },
    Control {
        id: "BAK-02",
        severity: Severity::High,
        title: "that backup was opened, and its keys are the right ones",
        at_start: false,
        examine: key_backup_verified,
    },
    Control {
        id: "BAK-03",
        severity: Severity::Medium,
        title: "the database was backed up within a week",
        at_start: false,
        examine: backed_up,
    },
    Control {
        id: "BAK-04",
        severity: Severity::Medium,
        title: "a backup of the database was restored for trial within a quarter",
        at_start: false,
        examine: backup_verified,
    },
];

fn with_told(site: &Site<'_>, look: impl FnOnce(&Told) -> Examined) -> Examined {
    match &site.told {
        Ok(told) => look(told),
        Err(error) => Examined::not_applicable(error.clone()),
    }
}

fn key_backed_up(site: &Site<'_>) -> Examined {
    with_told(site, |told| {
        let newest = told.in_file().max_by_key(|record| record.version);
        match (newest, told.done(MASTER_KEY_BACKUP)) {
            (None, _) => Examined::not_applicable("no master key in a file was used yet"),
            (Some(_), None) => Examined::fail("it was never backed up", BACK_UP_KEY),
            (Some(newest), Some(at)) if at < newest.created => Examined::fail(
                format!("backed up {at}, before version {} was met ({})", newest.version, newest.created),
                BACK_UP_KEY,
            ),
            (Some(_), Some(at)) => Examined::pass(format!("backed up {at}")),
        }
    })
}

fn key_backup_verified(site: &Site<'_>) -> Examined {
    with_told(site, |told| match (told.done(MASTER_KEY_BACKUP), told.done(MASTER_KEY_BACKUP_VERIFIED)) {
        (None, _) => Examined::not_applicable("there is no backup, see BAK-01"),
        (Some(made), Some(verified)) if verified >= made => Examined::pass(format!("verified {verified}")),
        (Some(made), _) => Examined::fail(format!("the backup of {made} was not verified"), VERIFY_KEY),
    })
}

fn backed_up(site: &Site<'_>) -> Examined {
    with_told(site, |told| match told.done(BACKUP) {
        None => Examined::fail("it was never backed up", BACK_UP),
        Some(at) if site.days_since(at) > FRESH => Examined::fail(format!("last backed up {at}"), BACK_UP),
        Some(at) => Examined::pass(format!("backed up {at}")),
    })
}

fn backup_verified(site: &Site<'_>) -> Examined {
    site.done_this_quarter(BACKUP_VERIFIED, VERIFY)
}
