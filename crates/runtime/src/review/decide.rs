use std::path::Path;

use strongroom_core::ports::{Reader, StorageError};
use strongroom_core::review::{Condemned, Criteria, Review, ReviewStage};
use strongroom_core::{Clock as _, ReviewId, SecretId, SystemClock, UserId};
use strongroom_storage::{Desk, ReadOnlyView};

use super::file::{Returned, read};
use super::materials::Materials;
use super::owners::Owners;
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
pub async fn decide_review(
    settings: &Settings,
    credentials: Option<&Path>,
    path: &Path,
    operator: &UserId,
) -> Result<Decided, RunError> {
    let mut second = SecondLook {
        view: ReadOnlyView::open(&settings.storage.file).map_err(RunError::Storage)?,
        owners: Owners::open(settings, credentials)?,
        materials: Materials::new(settings, credentials),
    };
    let now = SystemClock.now();
    let milestones = second.view.read(|reader| reader.milestones()).map_err(RunError::Query)?;
    let mut found: Option<Review> = None;
    let (mut problems, mut wrong, mut condemned) = (Vec::new(), 0, 0);
    let hash = read(path, async |number, line| {
        let review = match &found {
            Some(review) => review,
            None => found.insert(open_review(settings, line.review)?),
        };
        let reason = if line.review != review.id {
            Some("is of another review: give one file at a time")
        } else if line.delete {
            condemned += 1;
            second.problem(review, &review.criteria(&milestones, now), &line).await?
        } else {
            None
        };
        if let Some(reason) = reason {
            wrong += 1;
            if problems.len() < MOST_TOLD {
                problems.push(Problem { number, secret: line.secret, reason });
            }
        }
        Ok(())
    })
    .await?;
    let review = found.ok_or(RunError::EmptyReview)?;
    if wrong > 0 {
        return Ok(Decided { review, problems, wrong });
    }
    let (stage, operator) = (ReviewStage::Decided, operator.clone());
    let review = Review { stage, operator, file: Some(hash), condemned, ..review };
    store(settings, path, &review).await?;
    Ok(Decided { review, problems, wrong })
}

/// Whether what a line says still holds.
struct SecondLook<'a> {
    view: ReadOnlyView,
    owners: Owners,
    materials: Materials<'a>,
}

impl SecondLook<'_> {
    async fn problem(
        &mut self,
        review: &Review,
        criteria: &Criteria,
        line: &Returned,
    ) -> Result<Option<&'static str>, RunError> {
        let condemned = line.condemned();
        let found = |id| move |reader: &mut dyn Reader| reader.candidate(id);
        let stored = self.view.read(found(line.secret)).map_err(RunError::Query)?;
        let Some(stored) = stored else { return Ok(Some("is gone: take the line out")) };
        if stored.secret.updated != line.updated {
            return Ok(Some("was changed since: keep it, and look at it in the next review"));
        }
        let twin = match condemned.twin {
            Some(twin) => self.view.read(found(twin)).map_err(RunError::Query)?,
            None => None,
        };
        if !condemned.stands(review, criteria, &stored, twin.as_ref()) {
            return Ok(Some("was read, is used, or is the only one of its payload since: keep it"));
        }
        if !condemned.orphaned && condemned.twin.is_none() {
            return Ok(None);
        }
        // What was found elsewhere is looked for there again.
        self.owners.meet(std::iter::once(&stored.secret)).await?;
        let has_lost_owner = condemned.orphaned && self.owners.reasons(&stored.secret).next().is_some();
        let has_twin = match &twin {
            Some(twin) => self.materials.are_twins(&mut self.view, line.secret, twin.secret.id).await?,
            None => false,
        };
        let stands = (!condemned.orphaned || has_lost_owner) && (condemned.twin.is_none() || has_twin);
        Ok((!stands).then_some("is not known any more to be what it was listed for: keep it"))
    }
}

/// Stores what is to be deleted, and then that it is decided: what was stored before a death is replaced.
async fn store(settings: &Settings, path: &Path, review: &Review) -> Result<(), RunError> {
    let mut desk = Desk::open(&settings.storage.file).map_err(RunError::Storage)?;
    desk.write(|writer| writer.spare(review.id, None)).map_err(RunError::Query)?;
    let mut waiting: Vec<Condemned> = Vec::with_capacity(AT_ONCE);
    let mut flush = |waiting: &mut Vec<Condemned>| {
        let stored: Result<(), StorageError> = desk
            .write(|writer| waiting.iter().try_for_each(|condemned| writer.condemn(review.id, *condemned)));
        waiting.clear();
        stored.map_err(RunError::Query)
    };
    let hash = read(path, async |_, line| {
        if line.delete {
            waiting.push(line.condemned());
        }
        if waiting.len() < AT_ONCE { Ok(()) } else { flush(&mut waiting) }
    })
    .await?;
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
