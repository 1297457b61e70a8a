use std::time::Duration;

use strongroom_edge::Rate;

use super::edge::rate;
use super::reader::Reader;
use super::sections::positive;

/// How much the server takes on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoadSection {
    /// Requests at work at once; as many as suit the processors when absent.
    pub at_work: Option<usize>,
    /// How long one may wait for its first turn.
    pub patience: Duration,
    /// How many requests each caller may send; any number when absent.
    pub caller_rate: Option<Rate>,
    /// How many requests the callers of each project may send together; any number when absent.
    pub project_rate: Option<Rate>,
}

pub(super) fn load(reader: &mut Reader) -> LoadSection {
    let at_work = reader.get("load.max_at_work", 0_usize, "a number of requests, or 0 for 128 a processor");
    LoadSection {
        at_work: (at_work > 0).then_some(at_work),
        patience: Duration::from_millis(positive(reader, "load.max_wait_ms", 500)),
        caller_rate: rate(reader, "load.caller_rate", "load.caller_burst"),
        project_rate: rate(reader, "load.project_rate", "load.project_burst"),
    }
}
