use std::path::Path;

use serde::Deserialize;
use strongroom_alerts::{Readers, Who};
use strongroom_audit::Records;
use strongroom_core::{ProjectId, SecretId, Timestamp, UserId};

/// What a record has to have in it to tell of a payload that was read.
const MARK: &str = "\"secret.payload.read\"";

#[derive(Deserialize)]
struct Read {
    at: String,
    action: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    caller: ReadBy,
}

#[derive(Default, Deserialize)]
struct ReadBy {
    user: Option<String>,
    project: Option<String>,
}

/// Who has read which secret before that time, as far back as the journal goes. A journal that can't be read to its
/// end makes more readers first ones, and nothing worse.
pub(super) fn readers(journal: &Path, until: Timestamp) -> Readers {
    let mut readers = Readers::default();
    let read = Records::open(journal, 0).and_then(|records| {
        for record in records {
            let record = record?;
            if let Some((secret, who)) = reading(&record.json, until) {
                readers.note(secret, who.as_ref());
            }
        }
        Ok(())
    });
    if let Err(error) = read {
        tracing::warn!(%error, "the journal can't be read to learn who has read secrets before");
    }
    readers
}

fn reading(line: &str, until: Timestamp) -> Option<(SecretId, Option<Who>)> {
    if !line.contains(MARK) {
        return None;
    }
    let read: Read = serde_json::from_str(line).ok()?;
    let before = Timestamp::parse(&read.at).is_ok_and(|at| at < until);
    if !before || read.action != "secret.payload.read" || read.outcome != "success" {
        return None;
    }
    let secret = SecretId::parse(read.target.strip_prefix("secret/")?).ok()?;
    let user = read.caller.user.and_then(|user| UserId::new(user).ok());
    let project = read.caller.project.and_then(|project| ProjectId::new(project).ok());
    Some((secret, (user.is_some() || project.is_some()).then_some(Who { user, project })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_read_before_counts() {
        let secret = SecretId::random();
        let line = |at: &str, outcome: &str| {
            format!(
                "{{\"at\":\"{at}\",\"action\":\"secret.payload.read\",\"target\":\"secret/{secret}\",\
                 \"caller\":{{\"user\":\"u\",\"project\":\"p\"}},\"outcome\":\"{outcome}\"}}"
            )
        };
        let until = Timestamp::parse("2026-01-02").unwrap();
        let who = Who { user: UserId::new("u").ok(), project: ProjectId::new("p").ok() };
        let found = reading(&line("2026-01-01T00:00:00", "success"), until);
        assert_eq!(found, Some((secret, Some(who))));
        assert_eq!(reading(&line("2026-01-01T00:00:00", "refused"), until), None);
        assert_eq!(reading(&line("2026-01-02T00:00:00", "success"), until), None);
        assert_eq!(reading("{\"action\":\"secret.payload.read\"", until), None);
    }
}
