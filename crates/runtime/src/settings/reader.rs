use std::fmt;

use figment::value::{Dict, Value};
use figment::{Figment, Metadata, Provider as _, Source};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Reads settings one by one and keeps every problem, so that an operator mends them all at once. The
/// keys asked for are the keys there are: whatever else was given is unknown.
pub(super) struct Reader {
    figment: Figment,
    shown: Vec<Shown>,
    problems: Vec<Problem>,
}

/// An effective setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Section and key, such as `api.listen`.
    pub key: &'static str,
    /// The value in effect, as JSON.
    pub value: serde_json::Value,
    /// Where it came from.
    pub source: String,
}

/// What is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Section and key.
    pub key: String,
    /// Where the value came from.
    pub source: String,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (from {}): {}", self.key, self.source, self.reason)
    }
}

/// The settings can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the settings can't be used:{}", one_a_line(.0))]
pub struct SettingsError(
    /// Every problem found.
    pub Vec<Problem>,
);

fn one_a_line(problems: &[Problem]) -> String {
    problems.iter().fold(String::new(), |text, problem| text + "\n  " + &problem.to_string())
}

impl SettingsError {
    /// A source can't be read at all.
    pub(super) fn unreadable(source: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self(vec![Self::problem(source, error)])
    }

    fn problem(source: impl fmt::Display, error: impl fmt::Display) -> Problem {
        let reason = format!("{error}; it has to be a readable TOML file");
        Problem { key: "settings".to_owned(), source: source.to_string(), reason }
    }
}

impl Reader {
    /// Fails at once when a source can't be read at all.
    pub(super) fn new(figment: Figment) -> Result<Self, SettingsError> {
        if let Err(error) = figment.data() {
            let problems = error.into_iter().map(|error| {
                SettingsError::problem(describe(error.metadata.as_ref()), error.kind.to_string().trim())
            });
            return Err(SettingsError(problems.collect()));
        }
        Ok(Self { figment, shown: Vec::new(), problems: Vec::new() })
    }

    /// The value of a key, or its default. A value of the wrong kind is a problem; `allowed` tells what
    /// would be right.
    pub(super) fn get<T>(&mut self, key: &'static str, default: T, allowed: &str) -> T
    where
        T: DeserializeOwned + Serialize,
    {
        let found = self.figment.find_value(key).ok();
        let (value, source) = match found {
            None => (default, "default".to_owned()),
            Some(found) => {
                let source = describe(self.figment.find_metadata(key));
                if let Ok(value) = found.deserialize() {
                    (value, source)
                } else {
                    self.problems.push(Problem {
                        key: key.to_owned(),
                        source: source.clone(),
                        reason: format!("{} is not allowed here; give {allowed}", brief(&found)),
                    });
                    (default, source)
                }
            }
        };
        let shown = serde_json::to_value(&value).unwrap_or(serde_json::Value::Null);
        self.shown.push(Shown { key, value: shown, source });
        value
    }

    /// The tables of an array, none unless given. Each one that can't be read is a problem of its own, told as
    /// the reading of it tells.
    pub(super) fn tables<T: DeserializeOwned + Serialize>(&mut self, key: &'static str) -> Vec<T> {
        let given: Vec<Value> =
            self.get(key, Vec::new(), "tables, each begun by its name in double brackets");
        let mut tables = Vec::new();
        for (number, value) in (1..).zip(&given) {
            match value.deserialize() {
                Ok(table) => tables.push(table),
                Err(error) => self.refuse(key, format!("in table {number}: {}", error.kind)),
            }
        }
        if let Some(shown) = self.shown.iter_mut().find(|shown| shown.key == key) {
            shown.value = serde_json::to_value(&tables).unwrap_or(serde_json::Value::Null);
        }
        tables
    }

    /// Whether a key was given by any source.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.figment.contains(key)
    }

    /// A value that is of the right kind and still not allowed.
    pub(super) fn refuse(&mut self, key: &'static str, reason: impl Into<String>) {
        let source =
            self.shown.iter().find(|shown| shown.key == key).map_or("default", |shown| &shown.source);
        let source = source.to_owned();
        self.problems.push(Problem { key: key.to_owned(), source, reason: reason.into() });
    }

    /// The effective settings, unless there was any problem or unknown key.
    pub(super) fn finish(mut self) -> Result<Vec<Shown>, SettingsError> {
        let data = self.figment.extract::<Dict>().unwrap_or_default();
        let mut given = Vec::new();
        flatten("", &data, &mut given);
        for key in given {
            if self.shown.iter().any(|shown| shown.key == key || key.starts_with(&format!("{}.", shown.key)))
            {
                continue;
            }
            let source = describe(self.figment.find_metadata(&key));
            let reason = format!("there is no such setting; {}", self.nearest(&key));
            self.problems.push(Problem { key, source, reason });
        }
        if self.problems.is_empty() { Ok(self.shown) } else { Err(SettingsError(self.problems)) }
    }

    fn nearest(&self, key: &str) -> String {
        let section = key.split('.').next().unwrap_or_default();
        let prefix = format!("{section}.");
        let siblings: Vec<_> =
            self.shown.iter().map(|shown| shown.key).filter(|known| known.starts_with(&prefix)).collect();
        let offered =
            if siblings.is_empty() { self.shown.iter().map(|shown| shown.key).collect() } else { siblings };
        format!("there are {}", offered.join(", "))
    }
}

fn flatten(prefix: &str, dict: &Dict, keys: &mut Vec<String>) {
    for (name, value) in dict {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Dict(_, inner) if !inner.is_empty() => flatten(&key, inner, keys),
            _ => keys.push(key),
        }
    }
}

/// A value as it was given, cut short.
fn brief(value: &Value) -> String {
    let text = match value {
        Value::String(_, text) => format!("{text:?}"),
        other => serde_json::to_string(other).unwrap_or_default(),
    };
    text.chars().take(80).collect()
}

fn describe(metadata: Option<&Metadata>) -> String {
    let Some(metadata) = metadata else { return "the settings".to_owned() };
    match &metadata.source {
        Some(Source::File(path)) => path.display().to_string(),
        _ if metadata.name.contains("environment") => "the environment".to_owned(),
        _ => metadata.name.to_string(),
    }
}
