use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_alerts::{By, Rule, RuleKind};
use strongroom_core::SecretId;
use strongroom_edge::Networks;

use super::edge::networks;
use super::reader::Reader;

const KEY: &str = "alerts.rules";
const SECONDS_A_DAY: u64 = 86_400;

/// What operators are told at once, and who is locked out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AlertsSection {
    /// What looks like an attack.
    pub rules: Vec<Rule>,
    /// Where those come from who are never locked out.
    pub never_lock_out: Networks,
}

/// One table of `[[alerts.rules]]`, as given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: String,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Counted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    older_than_days: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<String>>,
    #[serde(default = "a_quarter_of_an_hour")]
    quiet_seconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lock_out_seconds: Option<u64>,
}

fn a_quarter_of_an_hour() -> u64 {
    900
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Refusals,
    PayloadReads,
    FirstReader,
    Decoy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Counted {
    Caller,
    Source,
    Secret,
}

pub(super) fn alerts(reader: &mut Reader) -> AlertsSection {
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for given in reader.tables::<Given>(KEY) {
        let name = given.name.clone();
        match given.check() {
            Ok(_) if !names.insert(name.clone()) => {
                reader.refuse(KEY, format!("two rules have the name {name:?}"));
            }
            Ok(rule) => rules.push(rule),
            Err(problem) => reader.refuse(KEY, format!("in {name:?}: {problem}")),
        }
    }
    AlertsSection { rules, never_lock_out: networks(reader, "alerts.never_lock_out") }
}

impl Given {
    /// Checks what the kind needs, and that nothing is given that it ignores.
    fn check(mut self) -> Result<Rule, String> {
        let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(sound) {
            return Err("a name has 1 to 32 of a to z, 0 to 9 and -".to_owned());
        }
        let kind = match self.kind {
            Kind::Refusals => RuleKind::Refusals {
                by: match self.by.take().ok_or("by is missing: \"caller\", \"source\" or \"secret\"")? {
                    Counted::Caller => By::Caller,
                    Counted::Source => By::Source,
                    Counted::Secret if self.lock_out_seconds.is_some() => {
                        return Err("lock_out_seconds needs somebody to lock out; count by caller or source"
                            .to_owned());
                    }
                    Counted::Secret => By::Secret,
                },
                times: self.times()?,
                within: self.within()?,
            },
            Kind::PayloadReads => RuleKind::PayloadReads { times: self.times()?, within: self.within()? },
            Kind::FirstReader if self.lock_out_seconds.is_some() => {
                return Err(
                    "lock_out_seconds has no meaning for this kind: everybody reads a first time".to_owned()
                );
            }
            Kind::FirstReader => {
                let days = self.older_than_days.take().ok_or("older_than_days is missing")?;
                RuleKind::FirstReader { older_than: Duration::from_secs(u64::from(days) * SECONDS_A_DAY) }
            }
            Kind::Decoy => {
                let ids = self.secrets.take().unwrap_or_default();
                let secrets: Result<HashSet<_>, _> = ids.iter().map(|id| SecretId::parse(id)).collect();
                let secrets = secrets.map_err(|error| format!("a secret's id is {error}"))?;
                if secrets.is_empty() {
                    return Err("secrets is missing: the ids of the decoys".to_owned());
                }
                RuleKind::Decoy { secrets }
            }
        };
        self.nothing_left()?;
        if self.quiet_seconds == 0 || self.lock_out_seconds == Some(0) {
            return Err("quiet_seconds and lock_out_seconds are whole numbers above 0".to_owned());
        }
        let lock_out = self.lock_out_seconds.map(Duration::from_secs);
        Ok(Rule { name: self.name, kind, quiet: Duration::from_secs(self.quiet_seconds), lock_out })
    }

    fn times(&mut self) -> Result<u32, String> {
        let times = self.times.take().filter(|times| *times > 0);
        times.ok_or_else(|| "times is missing: a whole number above 0".to_owned())
    }

    /// A day at most: what is longer is no burst.
    fn within(&mut self) -> Result<Duration, String> {
        let seconds = self.within_seconds.take().filter(|seconds| (1..=SECONDS_A_DAY).contains(seconds));
        let missing = || format!("within_seconds is missing: a whole number from 1 to {SECONDS_A_DAY}");
        seconds.map(Duration::from_secs).ok_or_else(missing)
    }

    fn nothing_left(&self) -> Result<(), String> {
        let left = [
            ("by", self.by.is_some()),
            ("times", self.times.is_some()),
            ("within_seconds", self.within_seconds.is_some()),
            ("older_than_days", self.older_than_days.is_some()),
            ("secrets", self.secrets.is_some()),
        ];
        match left.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(format!("{name} has no meaning for this kind of rule")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources};
    use super::*;

    fn load(text: &str) -> Result<AlertsSection, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("strongroom.toml");
        std::fs::write(&file, text).unwrap();
        let sources = Sources { file: Some(file), ..Sources::default() };
        Settings::load(&sources).map(|(settings, _)| settings.alerts).map_err(|error| error.to_string())
    }

    fn table(fields: &str) -> String {
        format!("[[alerts.rules]]\nname = 'r'\n{fields}\n")
    }

    #[test]
    fn each_kind_has_what_it_needs() {
        let id = SecretId::random();
        let section = load(&format!(
            "[alerts]\nnever_lock_out = ['10.0.0.0/8']\n\
             [[alerts.rules]]\nname = 'a'\nkind = 'refusals'\nby = 'source'\ntimes = 20\nwithin_seconds = 60\n\
             lock_out_seconds = 300\nquiet_seconds = 5\n\
             [[alerts.rules]]\nname = 'b'\nkind = 'payload-reads'\ntimes = 9\nwithin_seconds = 1\n\
             [[alerts.rules]]\nname = 'c'\nkind = 'first-reader'\nolder_than_days = 2\n\
             [[alerts.rules]]\nname = 'd'\nkind = 'decoy'\nsecrets = ['{id}']\n"
        ))
        .unwrap();
        let quiet = Duration::from_mins(15);
        let rule = |name: &str, kind| Rule { name: name.to_owned(), kind, quiet, lock_out: None };
        let (within, second) = (Duration::from_mins(1), Duration::from_secs(1));
        let expected = [
            Rule {
                quiet: Duration::from_secs(5),
                lock_out: Some(Duration::from_mins(5)),
                ..rule("a", RuleKind::Refusals { by: By::Source, times: 20, within })
            },
            rule("b", RuleKind::PayloadReads { times: 9, within: second }),
            rule("c", RuleKind::FirstReader { older_than: Duration::from_hours(48) }),
            rule("d", RuleKind::Decoy { secrets: [id].into() }),
        ];
        assert_eq!(section.rules, expected);
        assert!(section.never_lock_out.contains([10, 1, 2, 3].into()));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (fields, told) in [
            ("kind = 'gut-feeling'", "gut-feeling"),
            ("kind = 'refusals'\ntimes = 1\nwithin_seconds = 1", "by is missing"),
            ("kind = 'refusals'\nby = 'caller'\nwithin_seconds = 1", "times is missing"),
            ("kind = 'refusals'\nby = 'caller'\ntimes = 1", "within_seconds is missing"),
            ("kind = 'refusals'\nby = 'caller'\ntimes = 0\nwithin_seconds = 1", "times is missing"),
            (
                "kind = 'refusals'\nby = 'secret'\ntimes = 1\nwithin_seconds = 1\nlock_out_seconds = 1",
                "somebody to lock out",
            ),
            ("kind = 'payload-reads'\ntimes = 1\nwithin_seconds = 1\nby = 'caller'", "by has no meaning"),
            ("kind = 'first-reader'", "older_than_days is missing"),
            ("kind = 'first-reader'\nolder_than_days = 1\nlock_out_seconds = 1", "no meaning"),
            ("kind = 'decoy'", "secrets is missing"),
            ("kind = 'decoy'\nsecrets = ['x']", "UUID"),
            ("kind = 'decoy'\nsecrets = []\nquiet_seconds = 0", "secrets is missing"),
        ] {
            let refused = load(&table(fields)).unwrap_err();
            assert!(refused.contains("alerts.rules") && refused.contains(told), "{fields}: {refused}");
        }
        let one = table("kind = 'first-reader'\nolder_than_days = 1");
        assert!(load(&format!("{one}{one}")).unwrap_err().contains("two rules"));
        assert!(load("[alerts]\nnever_lock_out = ['here']").unwrap_err().contains("alerts.never_lock_out"));
    }
}
