use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_core::review::{Review, ReviewStage};
use strongroom_runtime::{
    ReviewRequest, Settings, Unchecked, apply_review_here, begin_to_apply, decide_review, is_served,
    latest_reviews, start_review,
};

use super::errand::runtime;
use super::{CommandResult, Ended, row};
use crate::flags::{Output, ReviewCommand};
use crate::print;
use crate::progress::Progress;

/// How often to look how far the servers have come.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long no server may have the database before the command gives up watching.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many reviews `show` tells of.
const SHOWN: u32 = 12;
/// How many of the things that a review could not look at are told of.
const TOLD: usize = 20;

/// `review start`, `show`, `decide` and `apply`.
pub(crate) fn run(
    settings: &Settings,
    credentials: Option<&Path>,
    command: ReviewCommand,
    output: Output,
) -> CommandResult {
    match command {
        ReviewCommand::Start { to, format, unread_days, operator } => {
            let mut progress = Progress::new();
            let looked = |count| progress.show("looking", count, 0);
            let request =
                ReviewRequest { to, format: format.into(), unread_days, operator: operator.name()? };
            let started = runtime()?.block_on(start_review(settings, credentials, request, looked))?;
            progress.end();
            complain(&started.unchecked);
            tell(&[started.review], &started.unchecked, output)
        }
        ReviewCommand::Show => tell(&latest_reviews(settings, SHOWN)?, &[], output),
        ReviewCommand::Decide { file, operator } => {
            let by = operator.name()?;
            let decided = runtime()?.block_on(decide_review(settings, credentials, &file, &by))?;
            for problem in &decided.problems {
                print::error(&format!(
                    "line {}: secret {} {}",
                    problem.number, problem.secret, problem.reason
                ));
            }
            if decided.wrong > 0 {
                print::error(&format!("nothing is decided: {} lines can't be taken", decided.wrong));
                return Ok(Ended::Unsound);
            }
            tell(&[decided.review], &[], output)
        }
        ReviewCommand::Apply { for_good } => {
            if !settings.deletion.undo.is_open() && !for_good {
                return Err(
                    "what is deleted can't be restored, since deletion.undo_days is 0: set it, or say \
                            that it is meant by --for-good"
                        .into(),
                );
            }
            tell(&[apply(settings, credentials)?], &[], output)
        }
    }
}

/// Has a server carry it out, or does so itself when none has the database.
fn apply(settings: &Settings, credentials: Option<&Path>) -> Result<Review, Box<dyn std::error::Error>> {
    let begun = begin_to_apply(settings)?;
    let mut progress = Progress::new();
    let mut served = Instant::now();
    loop {
        if !is_served(settings)? {
            match runtime()?.block_on(apply_review_here(settings, credentials)) {
                Err(error) if !error.is_in_use() => return Err(error.into()),
                _ => {}
            }
        }
        match latest_reviews(settings, SHOWN) {
            Ok(reviews) => {
                let review = reviews.into_iter().find(|review| review.id == begun.id);
                let review = review.ok_or("the review is gone from the database")?;
                progress.show("deleting", review.deleted + review.spared, review.condemned);
                if review.stage == ReviewStage::Done {
                    progress.end();
                    return Ok(review);
                }
                served = Instant::now();
            }
            // As while a server that has died comes back.
            Err(error) if served.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => {}
        }
        sleep(LOOK_EVERY);
    }
}

/// Says what was not looked at, of which nothing is listed.
fn complain(unchecked: &[Unchecked]) {
    for Unchecked { what, why } in unchecked.iter().take(TOLD) {
        print::error(&format!("not checked: {what}: {why}"));
    }
    if let Some(more) = unchecked.len().checked_sub(TOLD).filter(|more| *more > 0) {
        print::error(&format!("not checked: {more} more; --output json names them all"));
    }
}

fn tell(reviews: &[Review], unchecked: &[Unchecked], output: Output) -> CommandResult {
    let mut rows = vec![row([
        "REVIEW",
        "STARTED",
        "STAGE",
        "BY",
        "LOOKED AT",
        "LISTED",
        "TO DELETE",
        "DELETED",
        "SPARED",
        "OWNERS",
        "SIGNED OFF",
    ])];
    for review in reviews {
        rows.push(row([
            &review.id.to_string(),
            &review.started.to_string(),
            review.stage.as_str(),
            review.operator.as_str(),
            &review.looked.to_string(),
            &review.listed.to_string(),
            &review.condemned.to_string(),
            &review.deleted.to_string(),
            &review.spared.to_string(),
            &owners(review),
            &review.ended.map_or("-".to_owned(), |at| at.to_string()),
        ]));
    }
    let unchecked: Vec<_> =
        unchecked.iter().map(|Unchecked { what, why }| json!({"what": what, "why": why})).collect();
    let reviews: Vec<_> = reviews.iter().map(as_json).collect();
    print::result(output, &json!({"reviews": reviews, "unchecked": unchecked}), &rows)?;
    Ok(Ended::Well)
}

fn owners(review: &Review) -> String {
    match review.owners_unknown {
        None => "not checked".to_owned(),
        Some(0) => "checked".to_owned(),
        Some(unknown) => format!("but for {unknown}"),
    }
}

fn as_json(review: &Review) -> Value {
    json!({
        "review": review.id,
        "started": review.started,
        "stage": review.stage.as_str(),
        "by": review.operator,
        "unread_days": review.unread_days,
        "looked_at": review.looked,
        "listed": review.listed,
        "to_delete": review.condemned,
        "deleted": review.deleted,
        "spared": review.spared,
        "file_sha256": review.file,
        "owners_checked": review.owners_unknown.is_some(),
        "owners_unknown": review.owners_unknown,
        "materials_unknown": review.materials_unknown,
        "signed_off": review.ended,
    })
}
