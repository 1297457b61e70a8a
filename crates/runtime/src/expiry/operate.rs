use std::path::Path;

use strongroom_core::expiry::{Ending, acknowledge};
use strongroom_core::ports::EndingQuery;
use strongroom_core::{Clock as _, ProjectId, Secret, SecretId, SystemClock, Timestamp, UserId};
use strongroom_storage::Desk;

use crate::error::RunError;
use crate::parts;
use crate::rotation::look;
use crate::settings::Settings;
use crate::telemetry::Telemetry;

/// How many are asked for at once.
const AT_ONCE: u32 = 1000;

/// Unexpired secrets that end no later than `until`, of one project or of all, in the order of their ends. Certificates
/// that have ended are among them.
pub fn list_endings(
    settings: &Settings,
    until: Timestamp,
    project: Option<&ProjectId>,
) -> Result<Vec<(Secret, Ending)>, RunError> {
    let now = SystemClock.now();
    look(settings, |reader| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let query = EndingQuery { until, project: project.cloned(), after, limit: AT_ONCE };
            let found = reader.endings(&query)?;
            let Some((last, ending)) = found.last() else { return Ok(all) };
            after = Some((ending.ends, last.id));
            all.extend(found.into_iter().filter(|(secret, _)| !secret.is_expired(now)));
        }
    })
}

/// Notes that somebody knows of a secret's end, for a server to put on record; gives nothing when the secret is not
/// there or does not end.
pub fn acknowledge_ending(
    settings: &Settings,
    id: SecretId,
    by: &UserId,
    note: &str,
) -> Result<Option<Ending>, RunError> {
    let mut desk = Desk::open(&settings.storage.file).map_err(RunError::Storage)?;
    desk.write(|writer| acknowledge(writer, id, by, note, SystemClock.now())).map_err(RunError::Expiry)
}

/// How many secrets may hold a certificate that was not read yet.
pub fn count_unread(settings: &Settings) -> Result<u64, RunError> {
    look(settings, |reader| reader.count_unread_certificates())
}

/// Reads what certificates there are to read in this process, while no server has the database; tells `told` after
/// each one.
pub async fn carry_out_reading(
    settings: &Settings,
    credentials: Option<&Path>,
    mut told: impl FnMut(),
) -> Result<(), RunError> {
    let parts = parts::open(settings, credentials, false, &Telemetry::off()).await?;
    while parts.manager.expiry().read_certificate().await.map_err(RunError::Expiry)? {
        told();
    }
    Ok(())
}
