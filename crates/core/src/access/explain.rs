//! Why a rule says what it says, for an operator.

use std::fmt;

use super::caller::Caller;
use super::policy::Policy;
use super::rule::{Operand, Rule, Template};
use super::target::PolicyTarget;

/// How a rule came to its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether the caller is allowed.
    pub allowed: bool,
    /// Every check that was made, in order, the rule itself first.
    pub steps: Vec<Step>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How deep it is nested.
    pub depth: usize,
    /// The check, as it is written.
    pub check: String,
    /// Whether it holds.
    pub holds: bool,
    /// What it compared, when that is not plain from the check.
    pub because: Option<String>,
}

impl Policy {
    /// Decides as [`Policy::allows`] does, and tells each check on the way. Checks that could not change the
    /// outcome any more are left out, as they are when deciding. `None` when there is no such rule.
    pub fn explain(&self, rule: &str, caller: &Caller, target: &PolicyTarget<'_>) -> Option<Explanation> {
        let found = self.rule(rule)?;
        let mut telling = Telling::new(self, caller, target);
        let allowed = telling.tell_as(0, rule, found);
        Some(Explanation { allowed, steps: telling.steps })
    }
}

pub(super) struct Telling<'a> {
    pub(super) policy: &'a Policy,
    caller: &'a Caller,
    target: &'a PolicyTarget<'a>,
    steps: Vec<Step>,
}

impl<'a> Telling<'a> {
    pub(super) fn new(policy: &'a Policy, caller: &'a Caller, target: &'a PolicyTarget<'a>) -> Self {
        Self { policy, caller, target, steps: Vec::new() }
    }

    pub(super) fn holds(&self, rule: &Rule) -> bool {
        rule.holds(self.caller, self.target, &|name| self.policy.allows(name, self.caller, self.target))
    }

    /// Tells a rule under its name.
    fn tell_as(&mut self, depth: usize, name: &str, rule: &Rule) -> bool {
        let place = self.begin(depth, format!("{name}: {rule}"));
        let holds = self.tell(depth + 1, rule);
        self.end(place, holds)
    }

    fn tell(&mut self, depth: usize, rule: &Rule) -> bool {
        match rule {
            Rule::All(rules) => rules.iter().all(|rule| self.tell(depth, rule)),
            Rule::Any(rules) => rules.iter().any(|rule| self.tell(depth, rule)),
            Rule::Named(name) => match self.policy.rule(name) {
                Some(found) => self.tell_as(depth, name, found),
                None => false,
            },
            Rule::Not(inner) => {
                let place = self.begin(depth, rule.to_string());
                let holds = !self.tell(depth + 1, inner);
                self.end(place, holds)
            }
            Rule::Always | Rule::Never | Rule::Role(_) | Rule::Equal(..) => {
                let holds = rule.holds(self.caller, self.target, &|_| false);
                let because = self.because(rule);
                self.steps.push(Step { depth, check: rule.to_string(), holds, because });
                holds
            }
        }
    }

    /// What a check compares.
    pub(super) fn because(&self, rule: &Rule) -> Option<String> {
        let (left, right) = match rule {
            Rule::Role(right) => (format!("roles {}", self.caller.roles.names().join(", ")), right),
            Rule::Equal(Operand::Caller(name), right) => {
                let value = match name.as_str() {
                    "user_id" => self.caller.user.as_ref().map(ToString::to_string),
                    "project_id" => self.caller.project.as_ref().map(ToString::to_string),
                    _ => None,
                };
                (format!("{name} is {}", value.unwrap_or_else(|| "not given".to_owned())), right)
            }
            Rule::Equal(Operand::Literal(text), right) => (text.clone(), right),
            _ => return None,
        };
        let right = match right {
            Template::Literal(_) => String::new(),
            Template::Target(name) => match self.target.attribute(name) {
                Some(value) => format!("; {name} is {value}"),
                None => format!("; the target has no {name}"),
            },
        };
        Some(left + &right)
    }

    fn begin(&mut self, depth: usize, check: String) -> usize {
        self.steps.push(Step { depth, check, holds: false, because: None });
        self.steps.len() - 1
    }

    fn end(&mut self, place: usize, holds: bool) -> bool {
        if let Some(step) = self.steps.get_mut(place) {
            step.holds = holds;
        }
        holds
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("@"),
            Self::Never => f.write_str("!"),
            Self::Not(rule) => write!(f, "not {}", Nested(rule)),
            Self::All(rules) => joined(f, rules, " and "),
            Self::Any(rules) => joined(f, rules, " or "),
            Self::Role(name) => write!(f, "role:{name}"),
            Self::Named(name) => write!(f, "rule:{name}"),
            Self::Equal(Operand::Caller(left), right) => write!(f, "{left}:{right}"),
            Self::Equal(Operand::Literal(left), right) => write!(f, "'{left}':{right}"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, rules: &[Rule], word: &str) -> fmt::Result {
    for (index, rule) in rules.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        write!(f, "{}", Nested(rule))?;
    }
    Ok(())
}

/// A rule as part of another one.
struct Nested<'a>(&'a Rule);

impl fmt::Display for Nested<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Rule::All(_) | Rule::Any(_) => write!(f, "({})", self.0),
            _ => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Target(name) => write!(f, "%({name})s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::defaults::{RuleSet, default_rules};
    use super::super::parse::parse;
    use super::*;
    use crate::access::Roles;

    #[test]
    fn a_printed_rule_reads_back_as_itself() {
        for set in [RuleSet::Current, RuleSet::Legacy] {
            for (name, text) in default_rules(set) {
                let rule = parse(text).unwrap();
                assert_eq!(parse(&rule.to_string()).as_ref(), Ok(&rule), "{name}");
            }
        }
        let nested = parse("not (role:a or not role:b) and @").unwrap();
        assert_eq!(parse(&nested.to_string()), Ok(nested));
    }

    #[test]
    fn an_explanation_decides_as_the_policy_does_and_names_the_check() {
        let policy = Policy::new(RuleSet::Current, &[]).unwrap();
        let reader = Caller { roles: Roles::new(["reader"]), ..Caller::anonymous() };
        let member = Caller { roles: Roles::new(["member"]), ..Caller::anonymous() };
        for caller in [&reader, &member] {
            for (rule, _) in default_rules(RuleSet::Current) {
                let told = policy.explain(rule, caller, &PolicyTarget::none()).unwrap();
                assert_eq!(told.allowed, policy.allows(rule, caller, &PolicyTarget::none()), "{rule}");
            }
        }
        let told = policy.explain("secrets:post", &reader, &PolicyTarget::none()).unwrap();
        assert_eq!(told.steps[1].check, "role:member");
        assert!(!told.steps[1].holds);
        assert_eq!(told.steps[1].because.as_deref(), Some("roles reader"));
        assert_eq!(policy.explain("no:such", &reader, &PolicyTarget::none()), None);
    }
}
