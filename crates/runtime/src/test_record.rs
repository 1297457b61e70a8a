//! Test records of the journal: an operator asks for one in the database, and the running server writes it.

use std::sync::Arc;
use std::time::Duration;

use strongroom_core::ports::{Milestone, StorageError};
use strongroom_core::{Clock as _, Error, KeyManager, SystemClock, Timestamp, UserId};
use strongroom_storage::{Desk, SqliteRepository};
use tokio::time::sleep;

use crate::ask::ask;
use crate::chore::News;
use crate::error::{RunError, chain};
use crate::settings::Settings;

/// A test record was asked for. Noted with who asked.
const ASKED: &str = "audit-test-asked";
/// A test record reached every forwarder's receiver.
pub(crate) const ARRIVED: &str = "audit-test-arrived";

/// Pause after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// Has the servers that run write a test record on that account, and gives when it was asked for.
pub(crate) fn ask_for_test_record(settings: &Settings, by: &UserId) -> Result<Timestamp, RunError> {
    let at = SystemClock.now();
    let milestone = Milestone { name: ASKED.to_owned(), at, detail: by.as_str().to_owned() };
    let mut desk = Desk::open(&settings.storage.file).map_err(RunError::Storage)?;
    desk.write::<_, StorageError>(|writer| writer.put_milestone(&milestone)).map_err(RunError::Query)?;
    Ok(at)
}

/// Writes a test record whenever one is asked for. Counts from the call, not from the first poll.
pub(crate) fn write_test_records(
    manager: KeyManager,
    repository: Arc<SqliteRepository>,
    mut news: News,
) -> impl Future<Output = ()> {
    let mut known = manager.now();
    async move {
        loop {
            match write_one(&manager, &repository, known).await {
                Ok(asked) => known = asked.unwrap_or(known),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "no test record can be written; trying again");
                    sleep(PAUSE).await;
                    continue;
                }
            }
            news.wait().await;
        }
    }
}

async fn write_one(
    manager: &KeyManager,
    repository: &SqliteRepository,
    known: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let noted = ask(repository, |reader| reader.milestones()).await?;
    let asked = noted.into_iter().find(|noted| noted.name == ASKED && noted.at > known);
    let Some(Milestone { at, detail, .. }) = asked else { return Ok(None) };
    let by = UserId::new(detail).map_err(|_| Error::Integrity)?;
    manager.note_test(by).await?;
    Ok(Some(at))
}
