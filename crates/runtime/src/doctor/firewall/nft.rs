//! What `nft -j list ruleset` prints (libnftables-json(5)), as far as it is about a packet to this machine.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::ruleset::{Applies, Chain, Family, Packet, Policy, Rule, Ruleset, Then};

#[derive(Deserialize)]
struct Listing {
    nftables: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    chain: Option<NamedChain>,
    rule: Option<NamedRule>,
    set: Option<NamedSet>,
}

#[derive(Deserialize)]
struct NamedChain {
    family: String,
    table: String,
    name: String,
    hook: Option<String>,
    policy: Option<String>,
}

#[derive(Deserialize)]
struct NamedRule {
    family: String,
    table: String,
    chain: String,
    #[serde(default)]
    expr: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
struct NamedSet {
    table: String,
    name: String,
    #[serde(default)]
    elem: Value,
}

/// What rules are read for: the packet, and what the sets that they name hold.
struct Reading {
    packet: Packet,
    sets: HashMap<(String, String), Value>,
}

/// The rules for that packet.
pub(super) fn read(text: &str, packet: Packet) -> Result<Ruleset, String> {
    let listing: Listing = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut reading = Reading { packet, sets: HashMap::new() };
    let mut found = Ruleset::default();
    for object in listing.nftables {
        let Object { chain, rule, set } = object;
        if let Some(set) = set {
            reading.sets.insert((set.table, set.name), set.elem);
        }
        if let Some(chain) = chain.filter(|chain| is_about(packet, &chain.family)) {
            let name = full_name(&chain.family, &chain.table, &chain.name);
            let policy = match chain.policy.as_deref() {
                Some("drop") => Policy::Drop,
                _ => Policy::Accept,
            };
            let policy = (chain.hook.as_deref() == Some("input")).then_some(policy);
            found.chains.insert(name, Chain { policy, rules: Vec::new() });
        }
        if let Some(rule) = rule.filter(|rule| is_about(packet, &rule.family)) {
            let name = full_name(&rule.family, &rule.table, &rule.chain);
            found.chains.entry(name).or_default().rules.push(reading.rule(&rule));
        }
    }
    Ok(found)
}

fn is_about(packet: Packet, family: &str) -> bool {
    match packet.family {
        Family::V4 => matches!(family, "inet" | "ip"),
        Family::V6 => matches!(family, "inet" | "ip6"),
    }
}

fn full_name(family: &str, table: &str, chain: &str) -> String {
    format!("{family} {table} {chain}")
}

impl Reading {
    fn rule(&self, rule: &NamedRule) -> Rule {
        let (mut applies, mut then) = (Applies::Always, Then::Nothing);
        for (kind, statement) in rule.expr.iter().flatten() {
            let target = || {
                let name = statement.get("target").and_then(Value::as_str).unwrap_or_default();
                full_name(&rule.family, &rule.table, name)
            };
            match kind.as_str() {
                "match" => applies = applies.min(self.applies(&rule.table, statement)),
                "accept" => then = Then::Accept,
                "drop" | "reject" => then = Then::Drop,
                "return" => then = Then::Return,
                "jump" => then = Then::Jump(target()),
                "goto" => then = Then::Goto(target()),
                "counter" | "log" => {}
                "vmap" | "queue" | "xt" => then = Then::Unknown,
                // Limits, updates of sets, and whatever else may end a rule early.
                _ => applies = applies.min(Applies::Perhaps),
            }
        }
        Rule { applies, then }
    }

    fn applies(&self, table: &str, condition: &Value) -> Applies {
        let (left, right) = (condition.get("left"), condition.get("right").unwrap_or(&Value::Null));
        let of = |kind: &str, key: &str| {
            left.and_then(|left| left.get(kind)?.get(key)).and_then(Value::as_str).unwrap_or_default()
        };
        let is = |texts: &[&str]| self.holds(table, right, &|one| texts.iter().any(|text| one == *text));
        let equal =
            match (of("meta", "key"), of("ct", "key"), of("payload", "protocol"), of("payload", "field")) {
                // It does not come from this machine itself.
                ("iif" | "iifname", ..) if is(&["lo"]) == Applies::Always => Applies::Never,
                ("l4proto", ..) | (_, _, "ip", "protocol") | (_, _, "ip6", "nexthdr") => is(&["tcp"]),
                ("nfproto", ..) => is(&[match self.packet.family {
                    Family::V4 => "ipv4",
                    Family::V6 => "ipv6",
                }]),
                (_, "state", ..) => is(&["new"]),
                (_, _, "tcp" | "th", "dport") => self.holds(table, right, &|one| *one == self.packet.port),
                (_, _, "udp" | "icmp" | "icmpv6" | "sctp" | "dccp", _) => Applies::Never,
                (_, _, "ip" | "ip6", "saddr") => Applies::when(is_everybody(right)),
                _ => return Applies::Perhaps,
            };
        if condition.get("op").and_then(Value::as_str) == Some("!=") { equal.not() } else { equal }
    }

    /// Whether a value is one of those that a rule names: one, several, a range, or a set that has a name.
    fn holds(&self, table: &str, named: &Value, is: &dyn Fn(&Value) -> bool) -> Applies {
        let any = |all: &Vec<Value>| {
            all.iter().map(|one| self.holds(table, one, is)).max().unwrap_or(Applies::Never)
        };
        match named {
            Value::String(name) if name.starts_with('@') => {
                let name = name.trim_start_matches('@').to_owned();
                let elements = self.sets.get(&(table.to_owned(), name));
                elements.map_or(Applies::Perhaps, |elements| self.holds(table, elements, is))
            }
            Value::String(_) | Value::Number(_) => Applies::when(is(named)),
            Value::Array(all) => any(all),
            Value::Object(object) => match (object.get("set"), object.get("range")) {
                (Some(Value::Array(all)), _) => any(all),
                (_, Some(Value::Array(ends))) => self.within(ends),
                _ => Applies::Perhaps,
            },
            Value::Null => Applies::Never,
            Value::Bool(_) => Applies::Perhaps,
        }
    }

    fn within(&self, ends: &[Value]) -> Applies {
        let ends: Vec<_> = ends.iter().filter_map(Value::as_u64).collect();
        match *ends {
            [low, high] => Applies::when((low..=high).contains(&u64::from(self.packet.port))),
            _ => Applies::Perhaps,
        }
    }
}

/// Whether these are all addresses there are.
fn is_everybody(named: &Value) -> bool {
    named.get("prefix").and_then(|prefix| prefix.get("len")) == Some(&Value::from(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PACKET: Packet = Packet { port: 9311, family: Family::V4 };

    /// As nft 1.0.6 prints it for `docs/examples/nftables.conf`.
    const SAMPLE: &str = include_str!("sample.json");

    fn keeps_out(text: &str, packet: Packet) -> bool {
        read(text, packet).unwrap().keeps_out()
    }

    #[test]
    fn the_sample_firewall_keeps_strangers_out_of_every_port() {
        for family in [Family::V4, Family::V6] {
            assert!(keeps_out(SAMPLE, Packet { family, ..PACKET }));
        }
        assert!(keeps_out(SAMPLE, Packet { port: 22, ..PACKET }));
        let open = SAMPLE.replace("\"policy\": \"drop\"", "\"policy\": \"accept\"");
        assert_ne!(open, SAMPLE);
        assert!(!keeps_out(&open, PACKET));
        assert!(!keeps_out("{\"nftables\": []}", PACKET));
        assert!(read("no json", PACKET).is_err());
    }

    /// One chain that accepts at its end, with one rule that drops under a condition.
    fn with_drop(condition: &Value) -> String {
        let chain =
            json!({"family": "inet", "table": "t", "name": "in", "hook": "input", "policy": "accept"});
        let rule = json!({"family": "inet", "table": "t", "chain": "in", "expr": [{"match": condition}, {"drop": null}]});
        let set =
            json!({"family": "inet", "table": "t", "name": "ports", "elem": [80, {"range": [9000, 9400]}]});
        json!({"nftables": [{"set": set}, {"chain": chain}, {"rule": rule}]}).to_string()
    }

    #[test]
    fn conditions_are_understood_or_in_doubt() {
        let payload =
            |protocol: &str, field: &str| json!({"payload": {"protocol": protocol, "field": field}});
        let meta = |key: &str| json!({"meta": {"key": key}});
        for (expected, left, op, right) in [
            (true, payload("tcp", "dport"), "==", json!(9311)),
            (false, payload("tcp", "dport"), "==", json!(443)),
            (true, payload("tcp", "dport"), "==", json!({"set": [443, {"range": [9300, 9320]}]})),
            (true, payload("tcp", "dport"), "==", json!("@ports")),
            (false, payload("tcp", "dport"), "==", json!("@gone")),
            (false, payload("tcp", "dport"), "!=", json!("@ports")),
            (true, payload("ip", "saddr"), "!=", json!("@clients")),
            (true, payload("ip", "saddr"), "!=", json!({"prefix": {"addr": "10.0.0.0", "len": 8}})),
            (false, payload("ip", "saddr"), "==", json!("10.0.0.1")),
            (true, payload("ip", "saddr"), "==", json!({"prefix": {"addr": "0.0.0.0", "len": 0}})),
            (false, payload("udp", "dport"), "==", json!(9311)),
            (true, meta("iifname"), "!=", json!("lo")),
            (false, meta("iifname"), "==", json!("eth1")),
            (true, meta("l4proto"), "==", json!({"set": ["tcp", "udp"]})),
            (false, meta("l4proto"), "==", json!("udp")),
            (false, meta("nfproto"), "==", json!("ipv6")),
            (false, meta("mark"), "==", json!(7)),
            (true, json!({"ct": {"key": "state"}}), "in", json!(["new", "untracked"])),
            (false, json!({"ct": {"key": "state"}}), "in", json!("invalid")),
        ] {
            let condition = json!({"left": left, "op": op, "right": right});
            assert_eq!(keeps_out(&with_drop(&condition), PACKET), expected, "{condition}");
        }
    }
}
