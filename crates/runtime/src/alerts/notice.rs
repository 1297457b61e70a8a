use strongroom_alerts::{Alert, Observation, Subject, Who};
use strongroom_notify::{Notice, Severity, Topic};

/// What operators are told of an alert.
pub(super) fn of(alert: &Alert) -> Notice {
    let Alert { rule, kind, at, subject, .. } = alert;
    Notice {
        id: format!("alert/{rule}/{at}/{subject}"),
        topic: Topic::Alert,
        severity: if *kind == "decoy" { Severity::Critical } else { Severity::Warning },
        at: *at,
        summary: summary(alert),
        facts: facts(alert),
    }
}

fn summary(alert: &Alert) -> String {
    let count = alert.count.unwrap_or_default();
    let within = alert.within.map_or(0, |within| within.as_secs());
    match (&alert.subject, alert.kind) {
        (Subject::Many, "not-looked-at") => {
            format!("{count} records came faster than the rules for alerts could look at them.")
        }
        (Subject::Many, kind) => {
            format!(
                "{kind}: more than can be told one by one, up to {count} within {within} s for one of them."
            )
        }
        (subject @ Subject::Reading(..), "decoy") => format!("Somebody came to a decoy: {subject}."),
        (subject @ Subject::Reading(..), _) => {
            format!("An old secret was read by somebody who never had read it: {subject}.")
        }
        (subject @ Subject::Caller(_), "payload-reads") => {
            format!("{count} payloads were read within {within} s: {subject}.")
        }
        (subject, _) => format!("{count} requests were refused within {within} s: {subject}."),
    }
}

fn facts(alert: &Alert) -> Vec<(&'static str, String)> {
    let mut facts = vec![("rule", alert.rule.clone()), ("kind", alert.kind.to_owned())];
    facts.extend(alert.count.map(|count| ("count", count.to_string())));
    facts.extend(alert.within.map(|within| ("within_seconds", within.as_secs().to_string())));
    match &alert.subject {
        Subject::Source(network) => facts.push(("source", network.to_string())),
        Subject::Secret(id) => facts.push(("secret", id.to_string())),
        Subject::Caller(_) | Subject::Reading(..) | Subject::Many => {}
    }
    // The last of many, told as such.
    let Some(last) = &alert.last else { return facts };
    let Observation { action, secret, caller, address, request_id, .. } = last;
    if let Some(Who { user, project }) = caller {
        facts.extend(user.as_ref().map(|user| ("last_user", user.to_string())));
        facts.extend(project.as_ref().map(|project| ("last_project", project.to_string())));
    }
    facts.extend(address.map(|address| ("last_address", address.to_string())));
    facts.extend(secret.map(|secret| ("last_secret", secret.to_string())));
    let action = serde_json::to_value(action).ok();
    facts.extend(action.and_then(|action| Some(("last_action", action.as_str()?.to_owned()))));
    facts.extend(request_id.clone().map(|id| ("last_request_id", id)));
    facts
}
