use std::path::Path;

use strongroom_core::review::{Review, ReviewStage};
use strongroom_core::{Clock as _, ReviewId, SystemClock, UserId};
use strongroom_storage::{Desk, ReadOnlyView};

use super::file::{Format, Out};
use crate::error::RunError;
use crate::rotation::look;
use crate::settings::Settings;

/// How many secrets are looked at in one state of the database, so that it can go on meanwhile.
const AT_ONCE: u32 = 2000;

/// Looks at every secret, and writes those that nobody seems to need into a new file, to be decided on.
pub fn start_review(
    settings: &Settings,
    path: &Path,
    format: Format,
    unread_days: u32,
    operator: UserId,
    mut looked: impl FnMut(u64),
) -> Result<Review, RunError> {
    let mut view = ReadOnlyView::open(&settings.storage.file).map_err(RunError::Storage)?;
    let now = SystemClock.now();
    let mut review = Review {
        id: ReviewId::random(),
        operator,
        started: now,
        unread_days,
        looked: 0,
        listed: 0,
        stage: ReviewStage::Open,
        file: None,
        condemned: 0,
        deleted: 0,
        spared: 0,
        ended: None,
    };
    let milestones = view.read(|reader| reader.milestones()).map_err(RunError::Query)?;
    let criteria = review.criteria(&milestones, now);
    let mut out = Out::create(path, format)?;
    let mut after = None;
    loop {
        let page = view.read(|reader| reader.candidates(after, AT_ONCE)).map_err(RunError::Query)?;
        let Some(last) = page.last() else { break };
        after = Some(last.secret.id);
        for found in &page {
            review.looked += 1;
            if let Some(reason) = criteria.judge(found) {
                review.listed += 1;
                out.add(path, &review, found, reason)?;
            }
        }
        looked(review.looked);
    }
    out.finish(path)?;
    let mut desk = Desk::open(&settings.storage.file).map_err(RunError::Storage)?;
    desk.write(|writer| writer.put_review(&review)).map_err(RunError::Query)?;
    Ok(review)
}

/// The latest reviews, the latest first.
pub fn latest_reviews(settings: &Settings, limit: u32) -> Result<Vec<Review>, RunError> {
    look(settings, |reader| reader.reviews(limit))
}
