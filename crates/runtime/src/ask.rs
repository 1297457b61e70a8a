use std::sync::{Arc, Mutex, PoisonError};

use strongroom_core::ports::{Contended, Reader, Repository, StorageError};

/// Asks the repository for what is no use case's business, in one consistent state.
pub(crate) async fn ask<T: Send + 'static>(
    repository: &impl Repository,
    mut questions: impl FnMut(&mut dyn Reader) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let slot = Arc::new(Mutex::new(None));
    let filled = Arc::clone(&slot);
    let job = Box::new(move |reader: &mut dyn Reader| {
        let answer = questions(reader);
        let ended = match &answer {
            Err(StorageError::Contention) => Err(Contended::Again),
            _ => Ok(()),
        };
        *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        ended
    });
    repository.read(job).await?;
    let answer = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    answer.unwrap_or_else(|| Err(StorageError::Unavailable("the repository ran no job".to_owned())))
}
