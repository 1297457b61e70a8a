use std::collections::HashMap;

use thiserror::Error;

use super::caller::Caller;
use super::defaults::{RuleSet, default_rules};
use super::parse::{RuleError, parse};
use super::rule::Rule;
use super::target::PolicyTarget;

/// Rule texts by name, as a policy file holds them.
pub type PolicyRules = Vec<(String, String)>;

/// Compiled access rules. Deciding never fails: what is not defined is not allowed.
#[derive(Debug, Clone)]
pub struct Policy {
    rules: HashMap<String, Rule>,
}

/// Why a set of rules can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A rule does not parse.
    #[error("rule '{name}' does not parse: {source}")]
    Syntax {
        /// The rule.
        name: String,
        /// What is wrong with it.
        source: RuleError,
    },
    /// A rule refers to one that is not defined.
    #[error("rule '{name}' refers to '{missing}', which is not defined")]
    Undefined {
        /// The rule.
        name: String,
        /// What it refers to.
        missing: String,
    },
    /// Rules refer to each other in a circle.
    #[error("rule '{name}' refers to itself through others")]
    Circular {
        /// One rule of the circle.
        name: String,
    },
}

impl PolicyError {
    /// The rule at fault.
    pub fn rule(&self) -> &str {
        match self {
            Self::Syntax { name, .. } | Self::Undefined { name, .. } | Self::Circular { name } => name,
        }
    }
}

impl Policy {
    /// The default rules of one set, with `overrides` replacing rules of the same name or adding new ones.
    pub fn new(set: RuleSet, overrides: &[(String, String)]) -> Result<Self, PolicyError> {
        let defaults = default_rules(set).map(|(name, text)| (name.to_owned(), text.to_owned()));
        let mut rules = HashMap::new();
        for (name, text) in defaults.chain(overrides.iter().cloned()) {
            let rule = parse(&text).map_err(|source| PolicyError::Syntax { name: name.clone(), source })?;
            rules.insert(name, rule);
        }
        let policy = Self { rules };
        for name in policy.rules.keys() {
            policy.follow(name, &mut Vec::new())?;
        }
        Ok(policy)
    }

    /// Whether the rule of that name lets the caller act on the target.
    pub fn allows(&self, rule: &str, caller: &Caller, target: &PolicyTarget<'_>) -> bool {
        self.rules
            .get(rule)
            .is_some_and(|found| found.holds(caller, target, &|name| self.allows(name, caller, target)))
    }

    /// The rule of that name.
    pub(super) fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.get(name)
    }

    /// Walks every reference from `name`, so that deciding later always ends and never meets a gap.
    fn follow<'a>(&'a self, name: &'a str, path: &mut Vec<&'a str>) -> Result<(), PolicyError> {
        if path.contains(&name) {
            return Err(PolicyError::Circular { name: name.to_owned() });
        }
        let Some(rule) = self.rules.get(name) else {
            let from = path.last().copied().unwrap_or(name);
            return Err(PolicyError::Undefined { name: from.to_owned(), missing: name.to_owned() });
        };
        let mut references = Vec::new();
        rule.references(&mut references);
        path.push(name);
        for reference in references {
            self.follow(reference, path)?;
        }
        path.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{IdentitySource, Roles};

    fn with(overrides: &[(&str, &str)]) -> Result<Policy, PolicyError> {
        let owned: Vec<_> =
            overrides.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Policy::new(RuleSet::Current, &owned)
    }

    #[test]
    fn overrides_replace_rules_and_bad_ones_are_named() {
        let caller = Caller { roles: Roles::new(["Creator"]), ..Caller::anonymous() };
        let policy = with(&[("secrets:post", "role:creator")]).unwrap();
        assert!(policy.allows("secrets:post", &caller, &PolicyTarget::none()));
        assert!(!policy.allows("secrets:get", &caller, &PolicyTarget::none()));
        assert!(!policy.allows("no:such", &caller, &PolicyTarget::none()));
        assert!(with(&[("x", "role:")]).is_ok());
        assert!(matches!(with(&[("x", "and")]), Err(PolicyError::Syntax { .. })));
        assert!(matches!(with(&[("x", "rule:y")]), Err(PolicyError::Undefined { .. })));
        assert!(matches!(with(&[("x", "rule:y"), ("y", "not rule:x")]), Err(PolicyError::Circular { .. })));
    }

    #[test]
    fn both_default_sets_compile_and_are_never_a_union() {
        let member = Caller {
            roles: Roles::new(["member"]),
            source: IdentitySource::Unauthenticated,
            ..Caller::anonymous()
        };
        let creator = Caller { roles: Roles::new(["creator"]), ..member.clone() };
        let current = Policy::new(RuleSet::Current, &[]).unwrap();
        let legacy = Policy::new(RuleSet::Legacy, &[]).unwrap();
        let none = PolicyTarget::none();
        assert!(current.allows("secrets:post", &member, &none));
        assert!(!current.allows("secrets:post", &creator, &none));
        assert!(legacy.allows("secrets:post", &creator, &none));
        assert!(!legacy.allows("secrets:post", &member, &none));
    }
}
