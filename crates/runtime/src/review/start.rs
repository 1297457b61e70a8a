use std::path::{Path, PathBuf};

use strongroom_core::review::{Reason, Review, ReviewStage};
use strongroom_core::{Clock as _, ReviewId, SystemClock, UserId};
use strongroom_storage::{Desk, ReadOnlyView};

use super::Unchecked;
use super::file::{Format, Out};
use super::materials::Materials;
use super::owners::Owners;
use crate::error::RunError;
use crate::rotation::look;
use crate::settings::Settings;

/// How many secrets are looked at in one state of the database, so that it can go on meanwhile.
const AT_ONCE: u32 = 2000;

/// What is wanted of a review.
#[derive(Debug)]
pub struct ReviewRequest {
    /// The file to make.
    pub to: PathBuf,
    /// How to write it.
    pub format: Format,
    /// For how many days nobody has read what is unused.
    pub unread_days: u32,
    /// Who begins it.
    pub operator: UserId,
}

/// A review that has begun.
#[derive(Debug)]
pub struct Started {
    /// The review.
    pub review: Review,
    /// What it could not look at, and so does not list.
    pub unchecked: Vec<Unchecked>,
}

/// Looks at every secret, and writes those that nobody seems to need into a new file, to be decided on. Asks Keystone
/// about their owners where there is one.
pub async fn start_review(
    settings: &Settings,
    credentials: Option<&Path>,
    request: ReviewRequest,
    mut looked: impl FnMut(u64),
) -> Result<Started, RunError> {
    let mut view = ReadOnlyView::open(&settings.storage.file).map_err(RunError::Storage)?;
    let now = SystemClock.now();
    let mut review = Review {
        id: ReviewId::random(),
        operator: request.operator,
        started: now,
        unread_days: request.unread_days,
        looked: 0,
        listed: 0,
        stage: ReviewStage::Open,
        file: None,
        condemned: 0,
        deleted: 0,
        spared: 0,
        ended: None,
        owners_unknown: None,
        materials_unknown: None,
    };
    let milestones = view.read(|reader| reader.milestones()).map_err(RunError::Query)?;
    let criteria = review.criteria(&milestones, now);
    let mut owners = Owners::open(settings, credentials)?;
    let mut out = Out::create(&request.to, request.format)?;
    let materials = Materials::new(settings, credentials).find(&mut view, now).await?;
    let (mut after, mut payloads) = (None, 0_u64);
    loop {
        let page = view.read(|reader| reader.candidates(after, AT_ONCE)).map_err(RunError::Query)?;
        let Some(last) = page.last() else { break };
        after = Some(last.secret.id);
        owners.meet(page.iter().map(|found| &found.secret)).await?;
        for found in &page {
            review.looked += 1;
            payloads += u64::from(found.secret.content_type.is_some() && !found.secret.is_expired(now));
            let twin = materials.twins.of(found.secret.id);
            let mut reasons: Vec<_> = criteria.judge(found).into_iter().collect();
            reasons.extend(owners.reasons(&found.secret));
            reasons.extend(twin.map(|_| Reason::SameMaterial));
            if !reasons.is_empty() {
                review.listed += 1;
                out.add(&request.to, &review, found, &reasons, twin)?;
            }
        }
        looked(review.looked);
    }
    out.finish(&request.to)?;
    let mut unchecked = materials.unchecked;
    review.materials_unknown = Some(payloads.saturating_sub(materials.compared));
    if let Some(owners) = owners.unchecked() {
        review.owners_unknown = Some(u64::try_from(owners.len()).unwrap_or(u64::MAX));
        unchecked.extend(owners);
    }
    let mut desk = Desk::open(&settings.storage.file).map_err(RunError::Storage)?;
    desk.write(|writer| writer.put_review(&review)).map_err(RunError::Query)?;
    Ok(Started { review, unchecked })
}

/// The latest reviews, the latest first.
pub fn latest_reviews(settings: &Settings, limit: u32) -> Result<Vec<Review>, RunError> {
    look(settings, |reader| reader.reviews(limit))
}
