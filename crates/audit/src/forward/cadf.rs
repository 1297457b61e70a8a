//! A record as an event of the Cloud Auditing Data Federation (DMTF DSP0262), shaped as OpenStack's audit
//! middleware and pycadf shape theirs.

use serde_json::{Value, json};

use super::receiver::Outgoing;

const EVENT: &str = "http://schemas.dmtf.org/cloud/audit/1.0/event";
const KEY_MANAGER: &str = "service/security/keymanager";

/// The event. Everything that CADF has no field for is in its attachment, the journal's own record.
pub(super) fn event(record: &Outgoing, node: &str) -> Value {
    let outcome = match record.text(&["outcome"]) {
        "success" | "settleddone" => "success",
        "refused" | "failed" | "settledundone" => "failure",
        _ if record.text(&["phase"]) == "intent" => "pending",
        _ => "unknown",
    };
    let action = record.text(&["action"]);
    let (kind, id) = record.text(&["target"]).split_once('/').unwrap_or_default();
    let user = record.text(&["caller", "user"]);
    let mut event = json!({
        "typeURI": EVENT,
        "eventType": "activity",
        "id": format!("strongroom:{node}:{}", record.seq()),
        "eventTime": format!("{}+0000", record.text(&["at"])),
        "action": verb(action),
        "outcome": outcome,
        "initiator": {
            "typeURI": "service/security/account/user",
            "id": if user.is_empty() { "unknown" } else { user },
            "project_id": record.text(&["caller", "project"]),
            "host": {"address": record.text(&["origin", "address"])},
        },
        "target": {
            "typeURI": if kind.is_empty() { KEY_MANAGER.to_owned() } else { format!("{KEY_MANAGER}/{kind}") },
            "id": if id.is_empty() { node } else { id },
        },
        "observer": {"typeURI": KEY_MANAGER, "id": node, "name": "strongroom"},
        "attachments": [{"name": "record", "typeURI": "application/json", "content": record.fields}],
    });
    let code = record.text(&["reason", "code"]);
    if !code.is_empty()
        && let Some(event) = event.as_object_mut()
    {
        let policy = record.text(&["reason", "rule"]);
        event.insert(
            "reason".to_owned(),
            json!({"reasonType": "strongroom", "reasonCode": code, "policyId": policy}),
        );
    }
    let tags = [("request", "request_id"), ("correlation_id", "global_request_id")];
    let tags = tags.map(|(tag, field)| (tag, record.text(&["origin", field])));
    let tags: Vec<_> =
        tags.iter().filter(|(_, id)| !id.is_empty()).map(|(tag, id)| format!("{tag}?value={id}")).collect();
    if !tags.is_empty()
        && let Some(event) = event.as_object_mut()
    {
        event.insert("tags".to_owned(), json!(tags));
    }
    event
}

/// The action's name in CADF's taxonomy (DSP0262 annex A.2).
fn verb(action: &str) -> String {
    let (object, act) = action.rsplit_once('.').unwrap_or(("", action));
    let verb = match act {
        "list" => "read/list",
        "read" | "create" | "update" | "delete" => act,
        "store" => "update",
        "add" => "update/add",
        "remove" => "update/remove",
        "complete" => "create",
        "register" => "enable",
        "settle" => "evaluate",
        "authenticate" => "authenticate",
        _ => return "monitor".to_owned(),
    };
    match object {
        "" | "secret" | "container" | "order" => verb.to_owned(),
        _ => format!("{verb}/{}", object.rsplit('.').next().unwrap_or(object)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_read_is_a_failure_with_initiator_target_and_reason() {
        let fields = json!({
            "seq": 9, "kind": "event", "at": "2026-11-24T08:59:35.700332", "phase": "outcome",
            "action": "secret.payload.read", "target": "secret/94c3", "outcome": "refused",
            "caller": {"user": "u", "project": "p"}, "origin": {"address": "192.0.2.1", "global_request_id": "req-1"},
            "reason": {"code": "forbidden", "rule": "secret:decrypt"},
        });
        let event = event(&Outgoing::new(fields.to_string().as_bytes()), "n");
        assert_eq!((&event["action"], &event["outcome"]), (&json!("read/payload"), &json!("failure")));
        assert_eq!(
            (&event["initiator"]["id"], &event["initiator"]["host"]["address"]),
            (&json!("u"), &json!("192.0.2.1"))
        );
        assert_eq!(event["target"], json!({"typeURI": "service/security/keymanager/secret", "id": "94c3"}));
        assert_eq!(event["reason"]["policyId"], "secret:decrypt");
        assert_eq!(
            (&event["tags"], &event["id"]),
            (&json!(["correlation_id?value=req-1"]), &json!("strongroom:n:9"))
        );
        assert_eq!(event["attachments"][0]["content"], fields);
    }

    #[test]
    fn actions_have_names_of_the_taxonomy() {
        for (action, expected) in [
            ("secret.create", "create"),
            ("secret.list", "read/list"),
            ("acl.update", "update/acl"),
            ("container.member.add", "update/add/member"),
            ("authenticate", "authenticate"),
            ("request", "monitor"),
            ("", "monitor"),
        ] {
            assert_eq!(verb(action), expected, "{action}");
        }
    }
}
