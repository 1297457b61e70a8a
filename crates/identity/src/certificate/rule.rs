use serde::{Deserialize, Serialize};
use strongroom_core::access::IdentitySource;
use strongroom_core::{Caller, ProjectId, Roles, UserId};
use thiserror::Error;

use super::names::Names;
use super::pattern::Pattern;

/// A rule as the settings give it: which certificates it is about, and whom they stand for. A name that is left
/// out does not matter; at least one has to be given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSettings {
    /// The subject's common name; `*` in it stands for any text, as in the other names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
    /// An organizational unit of the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organizational_unit: Option<String>,
    /// A URI among the subject's alternative names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// A host's name among the subject's alternative names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<String>,
    /// An email address among the subject's alternative names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The user's id. `{common_name}` and the like stand for the name that the rule has found.
    pub user: String,
    /// The project's id, likewise.
    pub project: String,
    /// The roles.
    pub roles: Vec<String>,
}

/// A rule that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidRule {
    /// It is about every certificate.
    #[error("the rule names none of common_name, organizational_unit, uri, dns and email")]
    NoName,
    /// A pattern is empty or has several `*`.
    #[error("{0} has to be a text with at most one * in it")]
    Pattern(&'static str),
    /// It does not say whom the certificate stands for.
    #[error(
        "{0} has to be a text of 1 to 255 characters; {{name}} in it has to be a name that the rule is about"
    )]
    Text(&'static str),
    /// It gives no role.
    #[error("roles has to name at least one role")]
    NoRoles,
}

/// Which certificates a rule is about, and whom they stand for.
#[derive(Debug, Clone)]
pub struct CertificateRule {
    names: Vec<(Field, Pattern)>,
    user: String,
    project: String,
    roles: Roles,
}

/// A kind of name.
#[derive(Debug, Clone, Copy)]
enum Field {
    CommonName,
    OrganizationalUnit,
    Uri,
    Dns,
    Email,
}

impl Field {
    fn key(self) -> &'static str {
        match self {
            Self::CommonName => "common_name",
            Self::OrganizationalUnit => "organizational_unit",
            Self::Uri => "uri",
            Self::Dns => "dns",
            Self::Email => "email",
        }
    }

    fn of(self, names: &Names) -> &[String] {
        match self {
            Self::CommonName => &names.common_name,
            Self::OrganizationalUnit => &names.organizational_unit,
            Self::Uri => &names.uri,
            Self::Dns => &names.dns,
            Self::Email => &names.email,
        }
    }
}

impl CertificateRule {
    /// Checks a rule of the settings.
    pub fn new(settings: &RuleSettings) -> Result<Self, InvalidRule> {
        let given = [
            (Field::CommonName, &settings.common_name),
            (Field::OrganizationalUnit, &settings.organizational_unit),
            (Field::Uri, &settings.uri),
            (Field::Dns, &settings.dns),
            (Field::Email, &settings.email),
        ];
        let mut names = Vec::new();
        for (name, text) in given {
            let Some(text) = text else { continue };
            let text = if matches!(name, Field::Dns) { text.to_ascii_lowercase() } else { text.clone() };
            names.push((name, Pattern::new(&text).ok_or(InvalidRule::Pattern(name.key()))?));
        }
        if names.is_empty() {
            return Err(InvalidRule::NoName);
        }
        let roles = Roles::new(settings.roles.iter().map(String::as_str));
        if roles.names().is_empty() {
            return Err(InvalidRule::NoRoles);
        }
        let rule = Self { names, user: settings.user.clone(), project: settings.project.clone(), roles };
        let sample: Vec<_> = rule.names.iter().map(|(name, _)| (*name, "x")).collect();
        let whole = |text: &str| fill(text, &sample).filter(|text| !text.contains(['{', '}']));
        whole(&rule.user).and_then(|text| UserId::new(text).ok()).ok_or(InvalidRule::Text("user"))?;
        whole(&rule.project)
            .and_then(|text| ProjectId::new(text).ok())
            .ok_or(InvalidRule::Text("project"))?;
        Ok(rule)
    }

    /// Whom a certificate with these names stands for, when the rule is about it. Of several names that fit, none
    /// does: which one was meant can't be told.
    pub(super) fn apply(&self, names: &Names) -> Option<Caller> {
        let mut found = Vec::new();
        for (name, pattern) in &self.names {
            let mut fitting = name.of(names).iter().filter(|text| pattern.fits(text));
            match (fitting.next(), fitting.next()) {
                (Some(only), None) => found.push((*name, only.as_str())),
                _ => return None,
            }
        }
        Some(Caller {
            user: Some(UserId::new(fill(&self.user, &found)?).ok()?),
            project: Some(ProjectId::new(fill(&self.project, &found)?).ok()?),
            roles: self.roles.clone(),
            source: IdentitySource::Certificate,
        })
    }
}

/// The text with each `{name}` replaced, once: what a certificate holds is not read again.
fn fill(template: &str, found: &[(Field, &str)]) -> Option<String> {
    let mut parts = template.split('{');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (key, rest) = part.split_once('}')?;
        let (_, value) = found.iter().find(|(name, _)| name.key() == key)?;
        text.push_str(value);
        text.push_str(rest);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> RuleSettings {
        RuleSettings {
            common_name: Some("nova-*".to_owned()),
            user: "{common_name}".to_owned(),
            project: "compute".to_owned(),
            roles: vec!["member".to_owned()],
            ..RuleSettings::default()
        }
    }

    fn named(common_name: &[&str]) -> Names {
        Names { common_name: common_name.iter().map(|&name| name.to_owned()).collect(), ..Names::default() }
    }

    #[test]
    fn a_rule_names_user_project_and_roles() {
        let rule = CertificateRule::new(&settings()).unwrap();
        let caller = rule.apply(&named(&["nova-1"])).unwrap();
        assert_eq!((caller.user.unwrap().as_str(), caller.project.unwrap().as_str()), ("nova-1", "compute"));
        assert_eq!(caller.roles.names(), ["member"]);
        for other in [&[][..], &["cinder"], &["nova-"], &["nova-1", "nova-2"]] {
            assert_eq!(rule.apply(&named(other)), None, "{other:?}");
        }
        // Another name beside the one that fits is no matter.
        assert!(rule.apply(&named(&["nova-1", "cinder"])).is_some());
    }

    #[test]
    fn every_name_of_a_rule_has_to_fit() {
        let both = RuleSettings { dns: Some("*.Example".to_owned()), ..settings() };
        let rule = CertificateRule::new(&both).unwrap();
        assert_eq!(rule.apply(&named(&["nova-1"])), None);
        let names = Names { dns: vec!["a.example".to_owned()], ..named(&["nova-1"]) };
        assert!(rule.apply(&names).is_some());
    }

    #[test]
    fn what_a_certificate_holds_is_not_read_as_a_template() {
        let rule = CertificateRule::new(&settings()).unwrap();
        let caller = rule.apply(&named(&["nova-{common_name}"])).unwrap();
        assert_eq!(caller.user.unwrap().as_str(), "nova-{common_name}");
        assert_eq!(rule.apply(&named(&[&format!("nova-{}", "x".repeat(300))])), None);
    }

    #[test]
    fn rules_that_say_too_little_are_refused() {
        let refused = |change: fn(&mut RuleSettings)| {
            let mut rule = settings();
            change(&mut rule);
            CertificateRule::new(&rule).unwrap_err()
        };
        assert_eq!(refused(|rule| rule.common_name = None), InvalidRule::NoName);
        assert_eq!(
            refused(|rule| rule.common_name = Some(String::new())),
            InvalidRule::Pattern("common_name")
        );
        assert_eq!(refused(|rule| rule.uri = Some("*a*".to_owned())), InvalidRule::Pattern("uri"));
        assert_eq!(refused(|rule| rule.user.clear()), InvalidRule::Text("user"));
        assert_eq!(refused(|rule| rule.user = "{dns}".to_owned()), InvalidRule::Text("user"));
        assert_eq!(refused(|rule| rule.user = "{common_name".to_owned()), InvalidRule::Text("user"));
        assert_eq!(refused(|rule| rule.project = "x}".to_owned()), InvalidRule::Text("project"));
        assert_eq!(refused(|rule| rule.roles.clear()), InvalidRule::NoRoles);
    }
}
