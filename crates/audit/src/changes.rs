//! Which changes are under way: an intent is on record, and no outcome that settles it.

use std::collections::BTreeMap;

use memchr::memmem;
use serde::{Deserialize, Serialize};
use strongroom_core::ChangeId;
use strongroom_core::audit::{Event, Outcome, Phase};
use strongroom_core::ports::OpenChange;

/// What one event says about a change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is about to be made.
    Opens(ChangeId, Intended),
    /// It has ended, but whether it was made is not known: another outcome will tell.
    Tells(ChangeId),
    /// It has ended.
    Closes(ChangeId),
}

/// What a change is meant to do, as named in its intent's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Intended {
    action: String,
    target: Option<String>,
}

impl Step {
    /// What this event says about a change; `None` when it is about none.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let change = event.change?;
        Some(match (event.phase, event.outcome) {
            (Phase::Intent, _) => {
                let action = serde_json::to_value(event.action).ok()?.as_str()?.to_owned();
                let target = event.target.as_ref().map(ToString::to_string);
                Self::Opens(change, Intended { action, target })
            }
            (Phase::Outcome, Some(Outcome::Unknown)) => Self::Tells(change),
            (Phase::Outcome, _) => Self::Closes(change),
        })
    }

    /// What the event on this line says about a change; `None` when it is about none.
    ///
    /// In JSON a quote inside a value is escaped, so a field with its quotes can only be that field. A start
    /// would spend most of its time on reading whole lines as JSON; only intents need that.
    pub(crate) fn on_line(line: &[u8]) -> Option<Self> {
        let at = memmem::find(line, CHANGE)? + CHANGE.len();
        let change = line.get(at..at + CHANGE_ID)?;
        let change = ChangeId::parse(std::str::from_utf8(change).ok()?).ok()?;
        if memmem::find(line, b"\"phase\":\"intent\"").is_some() {
            let Told { action, target } = serde_json::from_slice(line).ok()?;
            Some(Self::Opens(change, Intended { action, target }))
        } else if memmem::find(line, b"\"outcome\":\"unknown\"").is_some() {
            Some(Self::Tells(change))
        } else {
            Some(Self::Closes(change))
        }
    }

    /// The change it is about.
    pub(crate) fn change(&self) -> ChangeId {
        match self {
            Self::Opens(change, _) | Self::Tells(change) | Self::Closes(change) => *change,
        }
    }

    /// Whether it is a change's outcome.
    pub(crate) fn is_outcome(&self) -> bool {
        !matches!(self, Self::Opens(..))
    }
}

/// How the id of a change begins in a line.
const CHANGE: &[u8] = b"\"change\":\"";
/// Characters in the id of a change.
const CHANGE_ID: usize = 36;

/// What an intent's record tells of the change.
#[derive(Deserialize)]
struct Told {
    action: String,
    target: Option<String>,
}

/// All changes under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OpenChanges(BTreeMap<ChangeId, Intended>);

impl OpenChanges {
    /// Takes in what a durable record says.
    pub(crate) fn apply(&mut self, step: Step) {
        match step {
            Step::Opens(change, intended) => {
                self.0.insert(change, intended);
            }
            Step::Tells(_) => {}
            Step::Closes(change) => {
                self.0.remove(&change);
            }
        }
    }

    /// Whether that change is under way.
    pub(crate) fn contains(&self, change: ChangeId) -> bool {
        self.0.contains_key(&change)
    }

    /// As the port gives them.
    pub(crate) fn to_port(&self) -> Vec<OpenChange> {
        let open = self.0.iter();
        open.map(|(change, Intended { action, target })| OpenChange {
            change: *change,
            action: action.clone(),
            target: target.clone(),
        })
        .collect()
    }

    /// As a segment's header lists them.
    pub(crate) fn to_header(&self) -> Vec<Listed> {
        let open = self.0.iter();
        open.map(|(change, Intended { action, target })| Listed {
            change: change.to_string(),
            action: action.clone(),
            target: target.clone(),
        })
        .collect()
    }

    /// From a segment's header; `None` when a change's id is none.
    pub(crate) fn from_header(listed: Vec<Listed>) -> Option<Self> {
        let open = listed.into_iter().map(|Listed { change, action, target }| {
            Some((ChangeId::parse(&change).ok()?, Intended { action, target }))
        });
        open.collect::<Option<_>>().map(Self)
    }
}

/// One change under way, in a segment's header.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listed {
    change: String,
    action: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    target: Option<String>,
}

#[cfg(test)]
mod tests {
    use strongroom_core::audit::{Action, Origin, Target};
    use strongroom_core::{SecretId, Timestamp};

    use super::*;

    fn event(phase: Phase, outcome: Option<Outcome>, change: ChangeId) -> Event {
        Event {
            at: Timestamp::from_micros(0).unwrap(),
            phase,
            change: Some(change),
            action: Action::SecretCreate,
            target: Some(Target::ProjectKey("a \"change\":\"b\"".to_owned())),
            caller: None,
            origin: Origin::default(),
            outcome,
            reason: None,
            access: None,
        }
    }

    #[test]
    fn an_event_and_its_line_tell_the_same() {
        let change = ChangeId::random();
        for (phase, outcome) in [
            (Phase::Intent, None),
            (Phase::Outcome, Some(Outcome::Success)),
            (Phase::Outcome, Some(Outcome::Unknown)),
            (Phase::Outcome, Some(Outcome::SettledUndone)),
        ] {
            let event = event(phase, outcome, change);
            let line = serde_json::to_vec(&event).unwrap();
            assert_eq!(Step::of(&event), Step::on_line(&line));
            assert_eq!(Step::of(&event).unwrap().is_outcome(), phase == Phase::Outcome);
            let aside = Event { change: None, target: Some(Target::Secret(SecretId::random())), ..event };
            assert_eq!(Step::of(&aside), None);
            assert_eq!(Step::on_line(&serde_json::to_vec(&aside).unwrap()), None);
        }
    }

    #[test]
    fn an_unknown_outcome_leaves_the_change_open() {
        let change = ChangeId::random();
        let mut open = OpenChanges::default();
        open.apply(Step::of(&event(Phase::Intent, None, change)).unwrap());
        open.apply(Step::of(&event(Phase::Outcome, Some(Outcome::Unknown), change)).unwrap());
        assert!(open.contains(change));
        assert_eq!(OpenChanges::from_header(open.to_header()), Some(open.clone()));
        assert_eq!(open.to_port()[0].action, "secret.create");
        open.apply(Step::of(&event(Phase::Outcome, Some(Outcome::SettledDone), change)).unwrap());
        assert_eq!(open, OpenChanges::default());
    }
}
