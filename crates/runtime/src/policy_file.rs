//! The operator's own access rules: a `policy.yaml` in the oslo.policy language.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};
use strongroom_core::RuleSet;
use strongroom_core::access::{Policy, PolicyError, PolicyRules};
use thiserror::Error;

/// Largest policy file in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// The rules of a policy file, and where each stands.
#[derive(Debug, Default)]
pub struct PolicyFile {
    path: PathBuf,
    rules: PolicyRules,
    lines: HashMap<String, usize>,
}

/// Why a policy file can't be used. None of its rules is then in force, and the service does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyFileError {
    /// It can't be read.
    #[error("the policy file {} can't be read", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It is larger than any sensible one.
    #[error("the policy file {} is larger than {MAX_SIZE} bytes", .0.display())]
    TooLarge(PathBuf),
    /// It is not YAML.
    #[error("{}, line {line}: {reason}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A rule is not one.
    #[error("{}, line {line}", .path.display())]
    Rule {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with the rule.
        source: PolicyError,
    },
}

impl PolicyFile {
    /// Reads the file and checks that its rules fit the default ones of that set.
    pub fn load(path: &Path, rule_set: RuleSet) -> Result<Self, PolicyFileError> {
        let io = |source| PolicyFileError::Io { path: path.to_owned(), source };
        if fs::metadata(path).map_err(io)?.len() > MAX_SIZE {
            return Err(PolicyFileError::TooLarge(path.to_owned()));
        }
        let file = Self::parse(path, &fs::read_to_string(path).map_err(io)?)?;
        match Policy::new(rule_set, &file.rules) {
            Ok(_) => Ok(file),
            Err(source) => {
                let line = file.lines.get(source.rule()).copied().unwrap_or(1);
                Err(PolicyFileError::Rule { path: file.path, line, source })
            }
        }
    }

    /// Name and text of each rule, in the file's order.
    pub fn rules(&self) -> &PolicyRules {
        &self.rules
    }

    fn parse(path: &Path, text: &str) -> Result<Self, PolicyFileError> {
        let refuse = |line, reason: &str| {
            Err(PolicyFileError::Syntax { path: path.to_owned(), line, reason: reason.to_owned() })
        };
        let documents = match MarkedYaml::load_from_str(text) {
            Ok(documents) => documents,
            Err(error) => return refuse(error.marker().line(), error.info()),
        };
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        let mut documents = documents.into_iter();
        let Some(document) = documents.next() else { return Ok(file) };
        if let Some(second) = documents.next() {
            return refuse(second.span.start.line(), "a policy file is one document");
        }
        let rules = match document.data {
            YamlData::Mapping(rules) => rules,
            // Nothing but comments.
            YamlData::Value(Scalar::Null) => return Ok(file),
            _ => return refuse(document.span.start.line(), "a policy file maps rule names to rules"),
        };
        for (name, rule) in rules {
            let line = name.span.start.line();
            let YamlData::Value(Scalar::String(name)) = name.data else {
                return refuse(line, "a rule's name is a text");
            };
            let YamlData::Value(Scalar::String(rule)) = rule.data else {
                return refuse(line, "a rule is a text in quotes; lists of checks are not supported");
            };
            file.lines.insert(name.to_string(), line);
            file.rules.push((name.into_owned(), rule.into_owned()));
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<PolicyFile, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        fs::write(&path, text).unwrap();
        PolicyFile::load(&path, RuleSet::Current).map_err(|error| {
            let shown = crate::chain(&error);
            shown.rsplit_once('/').map_or(shown.clone(), |(_, name)| name.to_owned())
        })
    }

    #[test]
    fn rules_are_read_in_order_from_yaml_or_json() {
        let file = load("# ours\n\"secrets:post\": \"role:creator\"\n\"secrets:get\": ''\n").unwrap();
        let names: Vec<_> = file.rules().iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(names, [("secrets:post", "role:creator"), ("secrets:get", "")]);
        assert_eq!(load("{\"secrets:post\": \"!\"}").unwrap().rules().len(), 1);
        assert!(load("").unwrap().rules().is_empty());
        assert!(load("# nothing yet\n").unwrap().rules().is_empty());
    }

    #[test]
    fn refusals_name_line_and_reason() {
        for (text, told) in [
            ("a: 'role:x'\nb: [", "line"),
            ("- a\n", "line 1: a policy file maps"),
            ("a: 'role:x'\nb: 5\n", "line 2: a rule is a text"),
            ("a: 'role:x'\nb: [['role:y']]\n", "line 2: a rule is a text"),
            ("a: 'role:x'\n\nb: 'role:y and'\n", "line 3: rule 'b' does not parse"),
            ("a: 'rule:nowhere'\n", "line 1: rule 'a' refers to 'nowhere'"),
            ("a: 'role:x'\nb: 'http://decide'\n", "line 2: rule 'b' does not parse"),
            ("a: 'role:x'\na: 'role:y'\n", "line"),
        ] {
            let error = load(text).unwrap_err();
            assert!(error.contains(told), "{text:?}: {error}");
        }
    }
}
