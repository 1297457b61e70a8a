use futures_channel::oneshot;
use strongroom_core::ChangeId;
use strongroom_core::audit::Event;
use strongroom_core::ports::AuditError;

use crate::changes::Step;
use crate::line::{Body, EVENT};

/// No record is added to a write that has this many bytes.
const FULL: usize = 1 << 20;
/// Longest text of one record, in bytes. The widest caller that core lets through needs less than half.
const LONGEST_RECORD: usize = 256 << 10;
/// More bytes than a line has besides the record's own text.
const LINE_OVERHEAD: usize = 128;
/// No write is longer, in bytes: it tells a write that a crash cut short from a cut that goes further back.
pub(crate) const LARGEST_WRITE: u64 = 2 << 20;

/// How a caller learns what became of its record.
pub(crate) type Answer = oneshot::Receiver<Result<(), AuditError>>;

/// A record on its way into the journal, and who waits for it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) body: Body,
    pub(crate) step: Option<Step>,
    reply: Option<oneshot::Sender<Result<(), AuditError>>>,
}

impl Entry {
    /// Does all of the work on a record that does not need to know its place in the chain.
    pub(crate) fn new(event: &Event) -> Result<(Self, Answer), AuditError> {
        let body = Body::new(EVENT, event).map_err(|error| AuditError { reason: error.to_string() })?;
        if body.len() > LONGEST_RECORD {
            let reason = format!("the record has {} bytes, more than {LONGEST_RECORD}", body.len());
            return Err(AuditError { reason });
        }
        let (reply, answer) = oneshot::channel();
        Ok((Self { body, step: Step::of(event), reply: Some(reply) }, answer))
    }

    /// A record of the journal's own, which nobody waits for.
    pub(crate) fn own(body: Body) -> Self {
        Self { body, step: None, reply: None }
    }

    /// Tells the caller. One that stopped waiting misses nothing it could act on.
    pub(crate) fn answer(&mut self, result: Result<(), AuditError>) {
        if let Some(reply) = self.reply.take() {
            reply.send(result).ok();
        }
    }

    /// The change whose outcome this record tells.
    pub(crate) fn outcome_of(&self) -> Option<ChangeId> {
        self.step.as_ref().filter(|step| step.is_outcome()).map(Step::change)
    }
}

/// How many of these, from the front, go into one write.
pub(crate) fn fitting(entries: &[Entry]) -> usize {
    let lengths = entries.iter().map(|entry| entry.body.len() + LINE_OVERHEAD);
    let before = lengths.scan(0, |sum, length| Some(std::mem::replace(sum, *sum + length)));
    before.take_while(|sum| *sum < FULL).count()
}

#[cfg(test)]
mod tests {
    use strongroom_core::Timestamp;
    use strongroom_core::audit::{Action, Origin, Phase};

    use super::*;

    fn event(padding: usize) -> Event {
        Event {
            at: Timestamp::from_micros(0).unwrap(),
            phase: Phase::Outcome,
            change: None,
            action: Action::Request,
            target: None,
            caller: None,
            origin: Origin { request_id: Some("r".repeat(padding)), ..Origin::default() },
            outcome: None,
            reason: None,
            access: None,
        }
    }

    #[test]
    fn a_write_is_bounded_and_takes_at_least_one_record() {
        assert!(u64::try_from(FULL + LONGEST_RECORD + LINE_OVERHEAD).unwrap() <= LARGEST_WRITE);
        let entries: Vec<Entry> = (0..20).map(|_| Entry::new(&event(200_000)).unwrap().0).collect();
        assert_eq!(fitting(&entries), 6);
        assert_eq!(fitting(&entries[..2]), 2);
        assert_eq!(fitting(&[]), 0);
        assert!(Entry::new(&event(300_000)).is_err());
    }
}
