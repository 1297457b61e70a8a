use super::caller::Caller;
use super::target::PolicyTarget;

/// A parsed access rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    /// `@` or the empty rule.
    Always,
    /// `!`
    Never,
    /// `not x`
    Not(Box<Rule>),
    /// `x and y …`
    All(Vec<Rule>),
    /// `x or y …`
    Any(Vec<Rule>),
    /// `role:name`
    Role(Template),
    /// `rule:name`, by its place in the policy once compiled.
    Named(String),
    /// `left:right` of anything else: the caller's attribute or a literal against a text.
    Equal(Operand, Template),
}

/// The left side of a generic check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    /// A quoted text, a number, or a Python constant.
    Literal(String),
    /// An attribute of the caller, such as `project_id`.
    Caller(String),
}

/// The right side of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Template {
    /// The text itself.
    Literal(String),
    /// `%(name)s`: the target's attribute of that name.
    Target(String),
}

impl Template {
    fn matches(&self, target: &PolicyTarget<'_>, check: impl FnOnce(&str) -> bool) -> bool {
        match self {
            Self::Literal(text) => check(text),
            Self::Target(name) => target.attribute(name).is_some_and(|value| check(&value)),
        }
    }
}

impl Operand {
    fn equals(&self, caller: &Caller, wanted: &str) -> bool {
        match self {
            Self::Literal(text) => text == wanted,
            Self::Caller(name) => match name.as_str() {
                "user_id" | "user" => caller.user.as_ref().is_some_and(|id| id.as_str() == wanted),
                "project_id" | "project" | "tenant" | "tenant_id" => {
                    caller.project.as_ref().is_some_and(|id| id.as_str() == wanted)
                }
                "roles" => caller.roles.contains(wanted),
                "is_admin" => caller.roles.contains("admin") == (wanted == "True"),
                _ => false,
            },
        }
    }
}

impl Rule {
    /// Whether the rule holds. `named` answers for a rule of another name.
    pub(super) fn holds(
        &self,
        caller: &Caller,
        target: &PolicyTarget<'_>,
        named: &dyn Fn(&str) -> bool,
    ) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Not(rule) => !rule.holds(caller, target, named),
            Self::All(rules) => rules.iter().all(|rule| rule.holds(caller, target, named)),
            Self::Any(rules) => rules.iter().any(|rule| rule.holds(caller, target, named)),
            Self::Role(name) => name.matches(target, |name| caller.roles.contains(name)),
            Self::Named(name) => named(name),
            Self::Equal(left, right) => right.matches(target, |wanted| left.equals(caller, wanted)),
        }
    }

    /// Every other rule that this one names.
    pub(super) fn references<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Named(name) => found.push(name),
            Self::Not(rule) => rule.references(found),
            Self::All(rules) | Self::Any(rules) => rules.iter().for_each(|rule| rule.references(found)),
            Self::Always | Self::Never | Self::Role(_) | Self::Equal(..) => {}
        }
    }
}
