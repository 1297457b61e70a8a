//! Query parameters.

use percent_encoding::percent_decode_str;

/// A request's query, in its order. Of a parameter given twice the last counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: Option<&str>) -> Self {
        Self(form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The value of a parameter; empty when it was given without one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter; one that is empty is as good as none.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Like [`Self::filled`], decoded once more, as the reference does with names (spec section 6.5).
    pub(crate) fn decoded_twice(&self, name: &str) -> Option<String> {
        let once = self.filled(name)?.replace('+', " ");
        Some(percent_decode_str(&once).decode_utf8_lossy().into_owned())
    }

    /// All parameters but the named ones, encoded again.
    pub(crate) fn without(&self, names: &[&str]) -> String {
        let kept = self.0.iter().filter(|(key, _)| !names.contains(&key.as_str()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_repeated_parameter_counts_and_all_are_kept_for_links() {
        let query = Query::parse(Some("name=a&x=1%202&name=b&limit=3&empty="));
        assert_eq!(query.get("name"), Some("b"));
        assert_eq!(query.get("empty"), Some(""));
        assert_eq!(query.filled("empty"), None);
        assert_eq!(query.without(&["limit"]), "name=a&x=1+2&name=b&empty=");
    }

    #[test]
    fn names_are_decoded_twice() {
        assert_eq!(Query::parse(Some("name=al%25")).decoded_twice("name").as_deref(), Some("al%"));
        assert_eq!(Query::parse(Some("name=al%2525")).decoded_twice("name").as_deref(), Some("al%"));
        assert_eq!(Query::parse(Some("name=a%2Bb")).decoded_twice("name").as_deref(), Some("a b"));
    }
}
