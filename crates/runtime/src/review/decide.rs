use std::path::Path;

use strongroom_core::ports::StorageError;
use strongroom_core::review::{Condemned, Review, ReviewStage};
use strongroom_core::{Clock as _, ReviewId, SecretId, SystemClock, UserId};
use strongroom_storage::{Desk, ReadOnlyView};

use super::file::{Returned, read};
use crate::error::RunError;
use crate::parts;
use crate::rotation::look;
use crate::settings::Settings;
use crate::telemetry::Telemetry;

/// How many decisions are stored in one commit, for which the server's next one waits.
const AT_ONCE: usize = 500;
/// How many problems are told of.
const MOST_TOLD: usize = 20;

/// Among how many reviews the one to apply is looked for.
const LOOKED_BACK: u32 = 100;

/// What a file with decisions came to.
#[derive(Debug)]
pub struct Decided {
    /// The review.
    pub review: Review,
    /// The first of what is wrong; when anything is, nothing is decided.
    pub problems: Vec<Problem>,
    /// How much is.
    pub wrong: u64,
}

/// Why a line can't be taken.
#[derive(Debug)]
pub struct Problem {
    /// The line.
    pub number: u64,
    /// The secret.
    pub secret: SecretId,
    /// What is wrong, and what to do.
    pub reason: &'static str,
}

/// Takes back the file of a review, with its decisions. It is read twice: nothing is decided unless all of it can be.
pub fn decide_review(settings: &Settings, path: &Path, operator: &UserId) -> Result<Decided, RunError> {
    let mut view = ReadOnlyView::open(&settings.storage.file).map_err(RunError::Storage)?;
    let now = SystemClock.now();
    let milestones = view.read(|reader| reader.milestones()).map_err(RunError::Query)?;
    let mut found: Option<Review> = None;
    let (mut problems, mut wrong, mut condemned) = (Vec::new(), 0, 0);
    let hash = read(path, |number, line| {
        let review = match &found {
            Some(review) => review,
            None => found.insert(open_review(settings, line.review)?),
        };
        let criteria = review.criteria(&milestones, now);
        let Returned { secret, updated, delete, .. } = line;
        let reason = if line.review != review.id {
            Some("is of another review: give one file at a time")
        } else if delete {
            condemned += 1;
            let stored = view.read(|reader| reader.candidate(secret)).map_err(RunError::Query)?;
            match stored {
                None => Some("is gone: take the line out"),
                Some(stored) if stored.secret.updated != updated => {
                    Some("was changed since: keep it, and look at it in the next review")
                }
                Some(stored) if criteria.judge(&stored).is_none() => {
                    Some("was read or is used since: keep it")
                }
                Some(_) => None,
            }
        } else {
            None
        };
        if let Some(reason) = reason {
            wrong += 1;
            if problems.len() < MOST_TOLD {
                problems.push(Problem { number, secret, reason });
            }
        }
        Ok(())
    })?;
    let review = found.ok_or(RunError::EmptyReview)?;
    if wrong > 0 {
        return Ok(Decided { review, problems, wrong });
    }
    let (stage, operator) = (ReviewStage::Decided, operator.clone());
    let review = Review { stage, operator, file: Some(hash), condemned, ..review };
    store(settings, path, &review)?;
    Ok(Decided { review, problems, wrong })
}

/// Stores what is to be deleted, and then that it is decided: what was stored before a death is replaced.
fn store(settings: &Settings, path: &Path, review: &Review) -> Result<(), RunError> {
    let mut desk = Desk::open(&settings.storage.file).map_err(RunError::Storage)?;
    desk.write(|writer| writer.spare(review.id, None)).map_err(RunError::Query)?;
    let mut waiting: Vec<Condemned> = Vec::with_capacity(AT_ONCE);
    let mut flush = |waiting: &mut Vec<Condemned>| {
        let stored: Result<(), StorageError> = desk
            .write(|writer| waiting.iter().try_for_each(|condemned| writer.condemn(review.id, *condemned)));
        waiting.clear();
        stored.map_err(RunError::Query)
    };
    let hash = read(path, |_, Returned { secret, updated, delete, .. }| {
        if delete {
            waiting.push(Condemned { secret, updated });
        }
        if waiting.len() < AT_ONCE { Ok(()) } else { flush(&mut waiting) }
    })?;
    flush(&mut waiting)?;
    if review.file.as_ref() != Some(&hash) {
        return Err(RunError::ReviewChanged(path.to_owned()));
    }
    desk.write(|writer| writer.put_review(review)).map_err(RunError::Query)
}

/// Has the servers carry out the latest review that is decided.
pub fn begin_to_apply(settings: &Settings) -> Result<Review, RunError> {
    let mut desk = Desk::open(&settings.storage.file).map_err(RunError::Storage)?;
    let begun: Result<Option<Review>, StorageError> = desk.write(|writer| {
        let waits = |review: &Review| matches!(review.stage, ReviewStage::Decided | ReviewStage::Applying);
        let Some(review) = writer.reviews(LOOKED_BACK)?.into_iter().find(waits) else { return Ok(None) };
        let review = Review { stage: ReviewStage::Applying, ..review };
        writer.put_review(&review)?;
        Ok(Some(review))
    });
    begun.map_err(RunError::Query)?.ok_or(RunError::NothingDecided)
}

/// Carries it out in this process, while no server has the database.
pub async fn apply_review_here(settings: &Settings, credentials: Option<&Path>) -> Result<(), RunError> {
    let parts = parts::open(settings, credentials, false, &Telemetry::off()).await?;
    while parts.manager.reviews().work().await.map_err(RunError::Errand)? {}
    while parts.manager.disposals().work().await.map_err(RunError::Errand)? {}
    Ok(())
}

fn open_review(settings: &Settings, id: ReviewId) -> Result<Review, RunError> {
    let found = look(settings, |reader| reader.review(id))?;
    let open = found.filter(|review| matches!(review.stage, ReviewStage::Open | ReviewStage::Decided));
    open.ok_or(RunError::NoSuchReview(id))
}
