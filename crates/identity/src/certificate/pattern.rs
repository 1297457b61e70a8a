/// A text, or two with a `*` between them that stands for one or more characters of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    Exact(String),
    Around(String, String),
}

impl Pattern {
    /// Reads a pattern; `None` when it is empty or has several `*`.
    pub(super) fn new(text: &str) -> Option<Self> {
        match text.split_once('*') {
            None => (!text.is_empty()).then(|| Self::Exact(text.to_owned())),
            Some((_, end)) if end.contains('*') => None,
            Some((start, end)) => Some(Self::Around(start.to_owned(), end.to_owned())),
        }
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        match self {
            Self::Exact(wanted) => text == wanted,
            Self::Around(start, end) => text
                .strip_prefix(start.as_str())
                .and_then(|rest| rest.strip_suffix(end.as_str()))
                .is_some_and(|middle| !middle.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_at_least_one_character() {
        for (pattern, text, fits) in [
            ("nova", "nova", true),
            ("nova", "nova2", false),
            ("nova", "Nova", false),
            ("nova-*", "nova-1", true),
            ("nova-*", "nova-", false),
            ("*.example", "a.example", true),
            ("*.example", ".example", false),
            ("*.example", "a.example.evil", false),
            ("a*a", "aa", false),
            ("a*a", "aba", true),
            ("*", "x", true),
            ("*", "", false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().fits(text), fits, "{pattern} {text}");
        }
        assert_eq!(Pattern::new(""), None);
        assert_eq!(Pattern::new("a*b*"), None);
    }
}
