//! A record as a syslog message (RFC 5424): what one filters by as structured data, and the whole line of the
//! journal as the message, so that the chain and its signatures can be verified from what was received.

use strongroom_outbound::{SyslogSender, cut};

use super::receiver::Outgoing;

/// Longest value of a parameter, in bytes, and the longest when the message would not fit otherwise.
const LONGEST_VALUE: usize = 512;
const SHORT_VALUE: usize = 32;
/// The smallest bound of a message that always holds the structured data (and what every receiver of RFC 5425
/// has to take).
pub(crate) const SMALLEST_BOUND: usize = 2048;

/// Which field of a record each parameter tells.
const PARAMETERS: [(&str, &[&str]); 13] = [
    ("hash", &["hash"]),
    ("kind", &["kind"]),
    ("phase", &["phase"]),
    ("action", &["action"]),
    ("outcome", &["outcome"]),
    ("reason", &["reason", "code"]),
    ("rule", &["reason", "rule"]),
    ("target", &["target"]),
    ("user", &["caller", "user"]),
    ("project", &["caller", "project"]),
    ("address", &["origin", "address"]),
    ("requestId", &["origin", "request_id"]),
    ("globalRequestId", &["origin", "global_request_id"]),
];

/// Makes messages of one node.
pub(super) struct Formatter {
    sender: SyslogSender,
    node: String,
    most: usize,
}

impl Formatter {
    /// Messages have at most `most` bytes.
    pub(super) fn new(node: &str, most: usize) -> Self {
        Self {
            sender: SyslogSender::of_this_process(),
            node: node.to_owned(),
            most: most.max(SMALLEST_BOUND),
        }
    }

    /// The message of a record.
    pub(super) fn message(&self, record: &Outgoing) -> Vec<u8> {
        let whole = self.head(record, LONGEST_VALUE, false);
        if whole.len() + record.line.len() < self.most {
            return [whole.as_bytes(), b" ", record.line.as_bytes()].concat();
        }
        let head = self.head(record, LONGEST_VALUE, true);
        // The space between head and line needs room as well.
        let head = if head.len() < self.most { head } else { self.head(record, SHORT_VALUE, true) };
        let room = self.most.saturating_sub(head.len() + 1);
        [head.as_bytes(), b" ", cut(&record.line, room).as_bytes()].concat()
    }

    /// Header and structured data.
    fn head(&self, record: &Outgoing, longest: usize, truncated: bool) -> String {
        let severity = match record.text(&["outcome"]) {
            "failed" => 3,
            "refused" => 4,
            _ => 6,
        };
        let at = Some(record.text(&["at"])).filter(|at| !at.is_empty());
        let kind = Some(record.text(&["action"])).filter(|action| !action.is_empty());
        let mut message = self.sender.message(severity, at, kind.unwrap_or(record.text(&["kind"])));
        message.parameter("node", &self.node, longest);
        message.parameter("seq", &record.seq().to_string(), longest);
        for (name, path) in PARAMETERS {
            message.parameter(name, record.text(path), longest.max(if name == "hash" { 64 } else { 0 }));
        }
        if truncated {
            message.parameter("truncated", "yes", longest);
        }
        message.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Takes a message apart as RFC 5424 says.
    fn parse(message: &str) -> (Vec<String>, BTreeMap<String, String>, String) {
        let mut parts = message.splitn(7, ' ').map(str::to_owned);
        let header = parts.by_ref().take(6).collect();
        let rest = parts.next().unwrap();
        let mut characters = rest.strip_prefix('[').unwrap().chars();
        let element: String = characters.by_ref().take_while(|c| *c != ' ').collect();
        assert_eq!(element, "strongroom@32473");
        let mut parameters = BTreeMap::new();
        loop {
            let name: String = characters.by_ref().take_while(|c| *c != '=').collect();
            assert_eq!(characters.next(), Some('"'));
            let mut value = String::new();
            loop {
                match characters.next().unwrap() {
                    '\\' => value.push(characters.next().unwrap()),
                    '"' => break,
                    character => value.push(character),
                }
            }
            parameters.insert(name, value);
            match characters.next() {
                Some(' ') => {}
                Some(']') => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(characters.next(), Some(' '));
        (header, parameters, characters.collect())
    }

    fn record(fields: &serde_json::Value) -> Outgoing {
        Outgoing::new(fields.to_string().as_bytes())
    }

    #[test]
    fn a_refusal_is_a_warning_with_what_one_filters_by() {
        let refused = record(&json!({
            "hash": "ab".repeat(32), "seq": 7, "kind": "event", "at": "2026-11-24T08:59:35.700332",
            "phase": "outcome", "action": "secret.payload.read", "target": "secret/1", "outcome": "refused",
            "caller": {"user": "o\"]\\k", "project": "p\n1", "roles": []},
            "origin": {"address": "192.0.2.1"}, "reason": {"code": "forbidden", "rule": "secret:decrypt"},
        }));
        let message = String::from_utf8(Formatter::new("n", 8192).message(&refused)).unwrap();
        let (header, parameters, text) = parse(&message);
        assert_eq!((header[0].as_str(), header[1].as_str()), ("<108>1", "2026-11-24T08:59:35.700332Z"));
        assert_eq!((header[3].as_str(), header[5].as_str()), ("strongroom", "secret.payload.read"));
        for (name, value) in [
            ("node", "n"),
            ("seq", "7"),
            ("reason", "forbidden"),
            ("rule", "secret:decrypt"),
            ("user", "o\"]\\k"),
            ("project", "p 1"),
            ("address", "192.0.2.1"),
        ] {
            assert_eq!(parameters[name], value);
        }
        assert_eq!(text, refused.line);
    }

    #[test]
    fn the_space_before_the_line_is_counted() {
        let long = "x".repeat(LONGEST_VALUE);
        let record = record(&json!({
            "hash": "ab".repeat(32), "kind": "event", "action": long, "target": long, "reason": {"code": long, "rule": long},
            "caller": {"user": long, "project": long}, "origin": {"request_id": long, "global_request_id": long},
        }));
        let head = Formatter::new("n", 9000).head(&record, LONGEST_VALUE, true).len();
        for most in head - 2..head + 3 {
            let message = Formatter::new("n", most).message(&record);
            assert!(message.len() <= most, "{} > {most}", message.len());
        }
    }

    proptest! {
        #[test]
        fn whatever_a_record_holds_its_message_is_sound_and_bounded(
            texts in proptest::collection::vec("\\PC{0,900}|[\\]\\\\\"\n]{0,900}", 8),
            most in SMALLEST_BOUND..9000,
        ) {
            let record = record(&json!({
                "hash": "ab".repeat(32), "seq": 7, "kind": texts[0], "at": texts[1], "action": texts[2],
                "target": texts[3], "caller": {"user": texts[4], "project": texts[5]},
                "origin": {"request_id": texts[6], "global_request_id": texts[7]},
                "reason": {"code": texts[0], "rule": texts[1]}, "phase": texts[2], "outcome": texts[3],
            }));
            let message = Formatter::new("0f7b", most).message(&record);
            prop_assert!(message.len() <= most, "{} > {most}", message.len());
            let (header, parameters, text) = parse(std::str::from_utf8(&message).unwrap());
            prop_assert_eq!(header.len(), 6);
            prop_assert_eq!(&parameters["hash"], &"ab".repeat(32));
            prop_assert!(record.line.starts_with(&text));
            prop_assert_eq!(text.len() < record.line.len(), parameters.contains_key("truncated"));
        }
    }
}
