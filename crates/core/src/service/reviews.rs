//! Carrying out what a review has decided: each deletion is a change of its own, on record in the name of whoever
//! decided, and the last change is the sign-off. What is left to do is told by the rows.

use super::attempt::{Attempt, Permit, Refused};
use super::engine::Engine;
use super::errands::by_operator;
use crate::audit::{Action, Target};
use crate::error::{Conflict, Error};
use crate::ports::{Milestone, Reader};
use crate::review::{Condemned, MILESTONE, Review, ReviewStage};
use crate::time::Timestamp;

/// Carrying out reviews. For the server's own tasks and the operator's tool: no access rule is asked.
#[derive(Clone, Copy)]
pub struct Reviews<'a> {
    engine: &'a Engine,
}

impl<'a> Reviews<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// Does the next thing that a review has decided; `false` when there is none.
    pub async fn work(self) -> Result<bool, Error> {
        let review = self.engine.read(|reader| Ok(reader.review_to_apply()?)).await?;
        let Some(review) = review else { return Ok(false) };
        // Somebody may have read a secret only just now.
        self.engine.store_reads().await?;
        let now = self.engine.clock.now();
        let next = self.engine.read(move |reader| match reader.next_condemned(review.id)? {
            Some(condemned) => {
                let stands = stands(reader, &review, condemned, now)?;
                Ok((review.clone(), Some((condemned, stands))))
            }
            None => Ok((review.clone(), None)),
        });
        match next.await? {
            (review, None) => self.sign(review).await?,
            (review, Some((condemned, true))) => self.delete(review, condemned).await?,
            (review, Some((condemned, false))) => self.spare(review, condemned).await?,
        }
        Ok(true)
    }

    async fn delete(self, review: Review, condemned: Condemned) -> Result<(), Error> {
        let context = by_operator(&review.operator);
        let target = Some(Target::Secret(condemned.secret));
        let attempt = Attempt::new(self.engine, &context, Action::SecretDelete, target);
        let change = attempt.intend(Permit::for_operator()).await.map_err(Refused::into_error)?;
        let (remover, now) = (self.engine.remover(), self.engine.clock.now());
        let deleted = change.carry_out(move |writer| {
            // Another server may have been faster, or somebody may use it since.
            let next = writer.next_condemned(review.id)?;
            if next != Some(condemned) || !stands(writer, &review, condemned, now)? {
                return Err(Error::Conflict(Conflict::Errand));
            }
            remover.delete(writer, condemned.secret, Some(&review.operator), now)?;
            writer.spare(review.id, Some(condemned.secret))?;
            let stored = writer.review(review.id)?.ok_or(Error::Integrity)?;
            Ok(writer.put_review(&Review { deleted: stored.deleted + 1, ..stored })?)
        });
        match deleted.await.map_err(Refused::into_error) {
            Ok(_) | Err(Error::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn spare(self, review: Review, condemned: Condemned) -> Result<(), Error> {
        self.engine
            .upkeep(move |writer| {
                if writer.next_condemned(review.id)? != Some(condemned) {
                    return Ok(());
                }
                writer.spare(review.id, Some(condemned.secret))?;
                let stored = writer.review(review.id)?.ok_or(Error::Integrity)?;
                Ok(writer.put_review(&Review { spared: stored.spared + 1, ..stored })?)
            })
            .await
    }

    async fn sign(self, review: Review) -> Result<(), Error> {
        let context = by_operator(&review.operator);
        let target = Some(Target::Review(review.id));
        let attempt = Attempt::new(self.engine, &context, Action::ReviewSign, target);
        let change = attempt.intend(Permit::for_operator()).await.map_err(Refused::into_error)?;
        let now = self.engine.clock.now();
        let signed = change.carry_out(move |writer| {
            let stored = writer.review(review.id)?.ok_or(Error::Integrity)?;
            if stored.stage != ReviewStage::Applying {
                return Err(Error::Conflict(Conflict::Errand));
            }
            writer.put_milestone(&Milestone {
                name: MILESTONE.to_owned(),
                at: now,
                detail: outcome(&stored),
            })?;
            let (stage, ended) = (ReviewStage::Done, Some(now));
            Ok(writer.put_review(&Review { stage, ended, ..stored })?)
        });
        match signed.await.map_err(Refused::into_error) {
            Ok(_) | Err(Error::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether the secret is as it was when it was decided to delete it, and would still be listed.
fn stands(
    reader: &mut dyn Reader,
    review: &Review,
    condemned: Condemned,
    now: Timestamp,
) -> Result<bool, Error> {
    let criteria = review.criteria(&reader.milestones()?, now);
    let Some(found) = reader.candidate(condemned.secret)? else { return Ok(false) };
    let twin = condemned.twin.map_or(Ok(None), |twin| reader.candidate(twin))?;
    Ok(condemned.stands(review, &criteria, &found, twin.as_ref()))
}

/// The evidence, in one line.
fn outcome(review: &Review) -> String {
    let Review { operator, looked, listed, deleted, spared, .. } = review;
    let owners = match review.owners_unknown {
        None => "owners not checked".to_owned(),
        Some(0) => "owners checked".to_owned(),
        Some(unknown) => format!("owners checked but for {unknown}"),
    };
    let materials = match review.materials_unknown {
        None => "same material not looked for".to_owned(),
        Some(0) => "same material looked for".to_owned(),
        Some(unknown) => format!("same material looked for but in {unknown}"),
    };
    let kept = listed.saturating_sub(*deleted);
    let file = review.file.as_deref().unwrap_or("-");
    format!(
        "{operator}: {looked} looked at, {listed} listed, {deleted} deleted, {kept} kept ({spared} since they had changed); {owners}; {materials}; file sha256 {file}"
    )
}
