use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

use strongroom_audit::Records;
use strongroom_runtime::Settings;

use super::filter::{Ending, each_of};
use super::{CommandResult, Ended, row};
use crate::flags::{Filter, Output};
use crate::print;

/// How often to look for more.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// `audit search`, and `audit tail`, which shows the last `most` only and can go on with those that are made.
pub(super) fn run(
    settings: &Settings,
    asked: &Filter,
    most: usize,
    follow: bool,
    output: Output,
) -> CommandResult {
    let mut records = Records::open(&settings.audit.folder, 0)?;
    let mut found = VecDeque::new();
    each_of(&mut records, asked, |ending| {
        if found.len() == most {
            found.pop_front();
        }
        found.push_back(ending);
    })?;
    if follow {
        return show_as_they_come(&mut records, asked, found, output);
    }
    let mut rows = vec![row(["TIME", "OUTCOME", "ACTION", "TARGET", "USER", "PROJECT", "ADDRESS", "REASON"])];
    rows.extend(found.iter().map(cells));
    let records: Vec<_> = found.iter().map(|ending| &ending.0).collect();
    print::result(output, &records, &rows)?;
    Ok(Ended::Well)
}

/// Shows each by itself, for as long as somebody reads.
fn show_as_they_come(
    records: &mut Records,
    asked: &Filter,
    mut found: VecDeque<Ending>,
    output: Output,
) -> CommandResult {
    loop {
        for ending in found.drain(..) {
            if !print::one(output, &ending.0, &cells(&ending))? {
                return Ok(Ended::Well);
            }
        }
        thread::sleep(LOOK_EVERY);
        records.look_again()?;
        each_of(records, asked, |ending| found.push_back(ending))?;
    }
}

fn cells(ending: &Ending) -> Vec<String> {
    let [user, project, address] = ending.caller();
    let reason = [ending.text(&["reason", "code"]), ending.text(&["reason", "rule"])].join(" ");
    let [at, outcome, action, target] =
        ["at", "outcome", "action", "target"].map(|name| ending.text(&[name]));
    row([at, outcome, action, target, user, project, address, reason.trim()])
}
