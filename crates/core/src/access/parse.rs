use thiserror::Error;

use super::rule::{Operand, Rule, Template};

/// Deepest nesting of `not` and parentheses.
const MAX_DEPTH: usize = 32;

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The text ends where a check was expected.
    #[error("a check is missing at the end")]
    Incomplete,
    /// Something stands where it can't.
    #[error("'{0}' is not expected there")]
    Unexpected(String),
    /// A word is not of the form `kind:match`.
    #[error("'{0}' is not a check of the form kind:match")]
    NotACheck(String),
    /// A kind of check that asks another server, which would be trusted with every decision.
    #[error("'{0}' checks are not supported: decisions are never left to another server")]
    Remote(String),
    /// A `%(…)s` that is not the whole right side, or not closed.
    #[error("'{0}' is not a literal and not %(attribute)s")]
    Template(String),
    /// Parentheses and `not` are nested too deeply.
    #[error("nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

/// Reads a rule of the oslo.policy language: `not` binds tighter than `and`, `and` tighter than `or`.
pub(super) fn parse(text: &str) -> Result<Rule, RuleError> {
    let words = words(text);
    let mut parser = Parser { words: &words };
    if words.is_empty() {
        return Ok(Rule::Always);
    }
    let rule = parser.any(0)?;
    match parser.words.first() {
        None => Ok(rule),
        Some(extra) => Err(RuleError::Unexpected(extra.clone())),
    }
}

/// Splits at white space and takes leading and trailing parentheses off each word, keeping those that
/// belong to a `%(…)s`.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let inner = word.trim_start_matches('(');
        words.extend(std::iter::repeat_n("(".to_owned(), word.len() - inner.len()));
        let bare = inner.trim_end_matches(')');
        if !bare.is_empty() {
            words.push(bare.to_owned());
        }
        words.extend(std::iter::repeat_n(")".to_owned(), inner.len() - bare.len()));
    }
    words
}

struct Parser<'a> {
    words: &'a [String],
}

impl Parser<'_> {
    fn take(&mut self) -> Option<&str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn take_if(&mut self, keyword: &str) -> bool {
        let found = self.words.first().is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        if found {
            self.take();
        }
        found
    }

    fn any(&mut self, depth: usize) -> Result<Rule, RuleError> {
        let first = self.all(depth)?;
        let mut rules = vec![first];
        while self.take_if("or") {
            rules.push(self.all(depth)?);
        }
        Ok(single_or(rules, Rule::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Rule, RuleError> {
        let first = self.one(depth)?;
        let mut rules = vec![first];
        while self.take_if("and") {
            rules.push(self.one(depth)?);
        }
        Ok(single_or(rules, Rule::All))
    }

    fn one(&mut self, depth: usize) -> Result<Rule, RuleError> {
        if depth > MAX_DEPTH {
            return Err(RuleError::TooDeep);
        }
        if self.take_if("not") {
            return Ok(Rule::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take_if("(") {
            let rule = self.any(depth + 1)?;
            return match self.take() {
                Some(")") => Ok(rule),
                Some(other) => Err(RuleError::Unexpected(other.to_owned())),
                None => Err(RuleError::Incomplete),
            };
        }
        match self.take() {
            None => Err(RuleError::Incomplete),
            Some(")") => Err(RuleError::Unexpected(")".to_owned())),
            Some(word) if word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or") => {
                Err(RuleError::Unexpected(word.to_owned()))
            }
            Some(word) => check(word),
        }
    }
}

fn single_or(mut rules: Vec<Rule>, many: fn(Vec<Rule>) -> Rule) -> Rule {
    if rules.len() == 1 { rules.pop().unwrap_or(Rule::Never) } else { many(rules) }
}

fn check(word: &str) -> Result<Rule, RuleError> {
    match word {
        "@" => return Ok(Rule::Always),
        "!" => return Ok(Rule::Never),
        _ => {}
    }
    let (kind, text) = word.split_once(':').ok_or_else(|| RuleError::NotACheck(word.to_owned()))?;
    match kind {
        "" => Err(RuleError::NotACheck(word.to_owned())),
        "rule" => Ok(Rule::Named(text.to_owned())),
        "role" => Ok(Rule::Role(template(text)?)),
        "http" | "https" => Err(RuleError::Remote(kind.to_owned())),
        _ => Ok(Rule::Equal(operand(kind), template(text)?)),
    }
}

fn operand(text: &str) -> Operand {
    let unquoted = ['\'', '"'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    match unquoted {
        Some(inner) => Operand::Literal(inner.to_owned()),
        None if matches!(text, "True" | "False" | "None") || text.parse::<i64>().is_ok() => {
            Operand::Literal(text.to_owned())
        }
        None => Operand::Caller(text.to_owned()),
    }
}

fn template(text: &str) -> Result<Template, RuleError> {
    // The closing parenthesis of `%(name)s` is followed by `s`, so the word splitter leaves it alone.
    match text.strip_prefix("%(") {
        Some(rest) => match rest.strip_suffix(")s") {
            Some(name) if !name.contains('%') => Ok(Template::Target(name.to_owned())),
            _ => Err(RuleError::Template(text.to_owned())),
        },
        None if text.contains("%(") => Err(RuleError::Template(text.to_owned())),
        None => Ok(Template::Literal(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn precedence_and_parentheses() {
        let role = |name: &str| Rule::Role(Template::Literal(name.to_owned()));
        assert_eq!(
            parse("role:a or role:b and not role:c"),
            Ok(Rule::Any(vec![role("a"), Rule::All(vec![role("b"), Rule::Not(Box::new(role("c")))])]))
        );
        assert_eq!(
            parse("(role:a or role:b) and rule:x"),
            Ok(Rule::All(vec![Rule::Any(vec![role("a"), role("b")]), Rule::Named("x".to_owned())]))
        );
        assert_eq!(parse(""), Ok(Rule::Always));
        assert_eq!(
            parse("(project_id:%(target.secret.project_id)s)"),
            Ok(Rule::Equal(
                Operand::Caller("project_id".to_owned()),
                Template::Target("target.secret.project_id".to_owned())
            ))
        );
    }

    #[test]
    fn what_does_not_parse_is_named() {
        for bad in [
            "role:a and",
            "or role:a",
            "role:a role:b",
            "(role:a",
            "role:a)",
            "nonsense",
            "http://decide",
            "not",
            "user_id:%(target",
            "user_id:x%(a)s",
            ":x",
            "()",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(parse(&"not ".repeat(100)), Err(RuleError::TooDeep));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[()%a-z:!@ \"']*|\\PC*") {
            parse(&text).ok();
        }
    }
}
