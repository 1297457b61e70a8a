//! Which of the journal's records are asked for. Every request and every act ends in one outcome; intents only
//! announce it, and are left out.

use serde_json::Value;
use strongroom_audit::Records;
use strongroom_core::Timestamp;
use strongroom_runtime::Settings;

use crate::flags::Filter;

/// How something ended, as it is on record.
pub(in crate::commands) struct Ending(pub(super) Value);

impl Ending {
    /// A text below these names; `""` when there is none.
    pub(in crate::commands) fn text(&self, path: &[&str]) -> &str {
        let found = path.iter().try_fold(&self.0, |value, name| value.get(name));
        found.and_then(Value::as_str).unwrap_or_default()
    }

    /// Who: user, project and address.
    pub(super) fn caller(&self) -> [&str; 3] {
        [self.text(&["caller", "user"]), self.text(&["caller", "project"]), self.text(&["origin", "address"])]
    }

    /// The request's id, and the one that its caller carries across services.
    fn request_ids(&self) -> [&str; 2] {
        ["request_id", "global_request_id"].map(|name| self.text(&["origin", name]))
    }

    fn matches(&self, asked: &Filter) -> bool {
        let same = |wanted: &Option<String>, path: &[&str]| {
            wanted.as_deref().is_none_or(|wanted| wanted == self.text(path))
        };
        let secret = asked.secret.as_deref().map(|id| format!("secret/{}", id.to_ascii_lowercase()));
        self.text(&["phase"]) == "outcome"
            && same(&asked.user, &["caller", "user"])
            && same(&asked.project, &["caller", "project"])
            && asked.request.as_deref().is_none_or(|wanted| self.request_ids().contains(&wanted))
            && same(&asked.action, &["action"])
            && same(&asked.outcome, &["outcome"])
            && same(&secret, &["target"])
            && (asked.since.is_none() && asked.until.is_none() || self.is_within(asked))
    }

    fn is_within(&self, asked: &Filter) -> bool {
        Timestamp::parse(self.text(&["at"])).is_ok_and(|at| {
            asked.since.is_none_or(|since| at >= since) && asked.until.is_none_or(|until| at < until)
        })
    }
}

/// Shows every ending that is asked for to `seen`, oldest first.
pub(in crate::commands) fn each(
    settings: &Settings,
    asked: &Filter,
    seen: impl FnMut(Ending),
) -> Result<(), Box<dyn std::error::Error>> {
    each_of(&mut Records::open(&settings.audit.folder, 0)?, asked, seen)
}

/// The same, of these records.
pub(super) fn each_of(
    records: &mut Records,
    asked: &Filter,
    mut seen: impl FnMut(Ending),
) -> Result<(), Box<dyn std::error::Error>> {
    for record in records {
        let record = record?;
        // A line that can't be read is the verifier's to tell of.
        let read =
            serde_json::from_str(&record.json).ok().filter(|_| record.kind.as_deref() == Some("event"));
        if let Some(ending) = read.map(Ending).filter(|ending| ending.matches(asked)) {
            seen(ending);
        }
    }
    Ok(())
}
