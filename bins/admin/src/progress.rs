//! How far a long act has come: one line that is written over on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often a line is written where lines stay.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Columns of the bar.
const BAR: u64 = 30;

/// Shows progress on standard error, so that results can be piped.
pub(crate) struct Progress {
    terminal: bool,
    /// What is being done, since when, and how much of it was done then.
    stage: Option<(String, Instant, u64)>,
    written: Option<Instant>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), stage: None, written: None }
    }

    /// Shows that so much of a stage is done.
    pub(crate) fn show(&mut self, stage: &str, done: u64, total: u64) {
        let now = Instant::now();
        if self.stage.as_ref().is_none_or(|(known, ..)| known != stage) {
            self.stage = Some((stage.to_owned(), now, done));
            self.written = None;
        }
        let due = self.written.is_none_or(|last| now.duration_since(last) >= LINE_EVERY);
        if !self.terminal && !due {
            return;
        }
        self.written = Some(now);
        let (since, at_begin) = self.stage.as_ref().map_or((now, done), |(_, since, begun)| (*since, *begun));
        let line = line(stage, done, total, done.saturating_sub(at_begin), now.duration_since(since));
        let mut output = io::stderr();
        // Whether anybody sees it does not matter.
        let written = if self.terminal {
            write!(output, "\r\x1b[2K{} {line}", bar(done, total))
        } else {
            writeln!(output, "{line}")
        };
        written.and_then(|()| output.flush()).ok();
    }

    /// Ends the line that was written over.
    pub(crate) fn end(&mut self) {
        if self.terminal && self.stage.take().is_some() {
            writeln!(io::stderr()).ok();
        }
    }
}

fn bar(done: u64, total: u64) -> String {
    let filled = done.min(total).saturating_mul(BAR).checked_div(total).unwrap_or(0);
    let cells = |count: u64| usize::try_from(count).unwrap_or(0);
    format!("[{}{}]", "#".repeat(cells(filled)), " ".repeat(cells(BAR - filled)))
}

/// `new` of `done` were done within `spent`.
fn line(stage: &str, done: u64, total: u64, new: u64, spent: Duration) -> String {
    let millis = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
    if total == 0 {
        return stage.to_owned();
    }
    let line = format!("{stage}: {done} of {total}");
    let rate = new.saturating_mul(1000).checked_div(millis);
    let left = total.saturating_sub(done).saturating_mul(millis).checked_div(new);
    match rate.zip(left) {
        Some((rate, left)) => format!("{line}, {rate} a second, {} left", time(left / 1000)),
        None => line,
    }
}

fn time(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_come_from_what_was_done_since_the_begin() {
        let minute = Duration::from_mins(1);
        assert_eq!(
            line("rewrapping", 700, 1300, 600, minute),
            "rewrapping: 700 of 1300, 10 a second, 1 min 0 s left"
        );
        assert_eq!(line("verifying", 0, 10, 0, Duration::ZERO), "verifying: 0 of 10");
        assert_eq!(line("staging", 0, 0, 0, minute), "staging");
        assert_eq!((time(59), time(7384)), ("59 s".to_owned(), "2 h 3 min".to_owned()));
    }

    #[test]
    fn the_bar_is_never_longer_than_itself() {
        for (done, total, filled) in [(0, 0, 0), (0, 9, 0), (5, 10, 15), (10, 10, 30), (11, 10, 30)] {
            let bar = bar(done, total);
            assert_eq!((bar.len(), bar.matches('#').count()), (32, filled), "{done}/{total}");
        }
    }
}
