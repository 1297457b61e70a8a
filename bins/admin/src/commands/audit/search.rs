use std::collections::VecDeque;

use strongroom_runtime::Settings;

use super::filter::{Ending, each};
use super::{CommandResult, Ended, row};
use crate::flags::{Filter, Output};
use crate::print;

/// `audit search`, and `audit tail`, which shows the last `most` only.
pub(super) fn run(settings: &Settings, asked: &Filter, most: usize, output: Output) -> CommandResult {
    let mut found = VecDeque::new();
    each(settings, asked, |ending| {
        if found.len() == most {
            found.pop_front();
        }
        found.push_back(ending);
    })?;
    let mut rows = vec![row(["TIME", "OUTCOME", "ACTION", "TARGET", "USER", "PROJECT", "ADDRESS", "REASON"])];
    rows.extend(found.iter().map(|ending: &Ending| {
        let [user, project, address] = ending.caller();
        let reason = [ending.text(&["reason", "code"]), ending.text(&["reason", "rule"])].join(" ");
        let [at, outcome, action, target] =
            ["at", "outcome", "action", "target"].map(|name| ending.text(&[name]));
        row([at, outcome, action, target, user, project, address, reason.trim()])
    }));
    let records: Vec<_> = found.iter().map(|ending| &ending.0).collect();
    print::result(output, &records, &rows)?;
    Ok(Ended::Well)
}
