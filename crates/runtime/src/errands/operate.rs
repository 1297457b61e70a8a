use std::path::Path;

use strongroom_core::errand::{Act, Errand, ask};
use strongroom_core::ports::StorageError;
use strongroom_core::undo::Deleted;
use strongroom_core::{Clock as _, ErrandId, ProjectId, SecretId, SystemClock, UserId};
use strongroom_storage::Desk;

use crate::error::RunError;
use crate::parts;
use crate::rotation::look;
use crate::settings::Settings;
use crate::telemetry::Telemetry;

/// How many deleted secrets are asked for at once, so that no server's commit waits for the answer.
const AT_ONCE: u32 = 1000;

/// Leaves an errand for the servers that run. When the same is to be done already, gives that.
pub fn ask_for_errand(
    settings: &Settings,
    secret: SecretId,
    act: &Act,
    operator: &UserId,
) -> Result<Errand, RunError> {
    let mut desk = Desk::open(&settings.storage.file).map_err(RunError::Storage)?;
    desk.write(|writer| ask(writer, secret, act, operator, SystemClock.now())).map_err(RunError::Errand)
}

/// An errand as it is stored now.
pub fn find_errand(settings: &Settings, id: ErrandId) -> Result<Option<Errand>, RunError> {
    look(settings, |reader| reader.errand(id))
}

/// Whether that secret's successor has been asked for, so that what was sealed for it is needed.
pub fn is_asked_for(settings: &Settings, secret: SecretId, act: &Act) -> Result<bool, RunError> {
    let Act::Replace(wanted) = act else { return Ok(true) };
    let last = look(settings, |reader| reader.last_errand_of(secret))?;
    Ok(last.is_some_and(|errand| matches!(errand.act, Act::Replace(asked) if asked.id == wanted.id)))
}

/// Does it in this process, while no server has the database.
pub async fn carry_out_errand(
    settings: &Settings,
    credentials: Option<&Path>,
    secret: SecretId,
    act: Act,
    operator: UserId,
) -> Result<Errand, RunError> {
    let parts = parts::open(settings, credentials, false, &Telemetry::off()).await?;
    let errands = parts.manager.errands();
    let asked = errands.ask(secret, act, operator).await.map_err(RunError::Errand)?;
    loop {
        let found = errands.find(asked.id).await.map_err(RunError::Errand)?;
        match found {
            Some(errand) if errand.end.is_none() => {
                errands.work().await.map_err(RunError::Errand)?;
            }
            Some(errand) => {
                while parts.manager.disposals().work().await.map_err(RunError::Errand)? {}
                return Ok(errand);
            }
            None => return Err(RunError::Query(StorageError::Corrupt("the errand is gone".to_owned()))),
        }
    }
}

/// Shows every deleted secret that can be restored, of one project or of all, the longest deleted first.
pub fn deleted_secrets(
    settings: &Settings,
    project: Option<&ProjectId>,
    mut shown: impl FnMut(Deleted),
) -> Result<(), RunError> {
    let mut after = None;
    loop {
        let page = look(settings, |reader| reader.deleted_secrets(project, after, AT_ONCE))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.at, last.secret.id));
        let over = settings.deletion.undo.over_before(SystemClock.now());
        page.into_iter().filter(|deleted| deleted.at > over).for_each(&mut shown);
    }
}
