//! What would make a rule allow a caller, for an operator.

use super::caller::Caller;
use super::explain::Telling;
use super::policy::Policy;
use super::rule::Rule;
use super::target::PolicyTarget;

/// Most ways that are told. Alternatives below alternatives multiply.
const MOST: usize = 16;

impl Policy {
    /// Each way in which the rule would allow the caller: the checks that do not hold now and would have to,
    /// the shortest way first. A way without checks means that it allows already. None when nothing would do,
    /// and when there is no such rule.
    pub fn ways(&self, rule: &str, caller: &Caller, target: &PolicyTarget<'_>) -> Vec<Vec<String>> {
        let Some(found) = self.rule(rule) else { return Vec::new() };
        Telling::new(self, caller, target).ways(found)
    }
}

impl Telling<'_> {
    fn ways(&self, rule: &Rule) -> Vec<Vec<String>> {
        let ways = match rule {
            Rule::All(rules) => rules.iter().fold(vec![Vec::new()], |ways, rule| {
                let more = self.ways(rule);
                let joined =
                    ways.iter().flat_map(|way| more.iter().map(|more| [way.as_slice(), more].concat()));
                shortest(joined.collect())
            }),
            Rule::Any(rules) => rules.iter().flat_map(|rule| self.ways(rule)).collect(),
            Rule::Named(name) => self.policy.rule(name).map(|found| self.ways(found)).unwrap_or_default(),
            Rule::Never => Vec::new(),
            _ if self.holds(rule) => vec![Vec::new()],
            _ => {
                let because = self.because(rule).map_or(String::new(), |because| format!(" ({because})"));
                vec![vec![format!("{rule}{because}")]]
            }
        };
        shortest(ways)
    }
}

fn shortest(mut ways: Vec<Vec<String>>) -> Vec<Vec<String>> {
    for way in &mut ways {
        way.sort();
        way.dedup();
    }
    ways.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    ways.dedup();
    ways.truncate(MOST);
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Roles, RuleSet};

    #[test]
    fn each_alternative_is_told_without_what_holds_already() {
        let rules = [
            ("admin", "role:admin"),
            ("mine", "role:member and (role:lead or not role:guest)"),
            ("post", "rule:admin or rule:mine or (! and role:x)"),
        ];
        let rules: Vec<_> = rules.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
        let policy = Policy::new(RuleSet::Current, &rules).unwrap();
        let ways = |roles: &[&str]| {
            let caller = Caller { roles: Roles::new(roles.iter().copied()), ..Caller::anonymous() };
            policy.ways("post", &caller, &PolicyTarget::none())
        };
        let admin = vec!["role:admin (roles guest)".to_owned()];
        let lead = vec!["role:lead (roles guest)".to_owned(), "role:member (roles guest)".to_owned()];
        let no_guest = vec!["not role:guest".to_owned(), "role:member (roles guest)".to_owned()];
        assert_eq!(ways(&["guest"]), [admin, no_guest, lead]);
        assert_eq!(ways(&["member"]).first(), Some(&Vec::new()));
        assert!(policy.ways("no:such", &Caller::anonymous(), &PolicyTarget::none()).is_empty());
    }

    #[test]
    fn alternatives_do_not_multiply_without_bound() {
        let pair = |n: usize| format!("(role:a{n} or role:b{n})");
        let text = (0..30).map(pair).collect::<Vec<_>>().join(" and ");
        let policy = Policy::new(RuleSet::Current, &[("many".to_owned(), text)]).unwrap();
        assert_eq!(policy.ways("many", &Caller::anonymous(), &PolicyTarget::none()).len(), MOST);
    }
}
