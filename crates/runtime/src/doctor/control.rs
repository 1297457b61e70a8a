use serde::Serialize;

use super::Site;

/// One thing that a sound installation has.
pub struct Control {
    /// Its name, which stays the same in all versions.
    pub id: &'static str,
    /// How bad it is when it is missing.
    pub severity: Severity,
    /// What is asked, in words.
    pub title: &'static str,
    /// Whether a server looks at it before it serves.
    pub at_start: bool,
    /// How it is proved.
    pub examine: fn(&Site<'_>) -> Examined,
}

/// How bad it is when a control fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// An inconvenience later.
    Low,
    /// A rule of good order.
    Medium,
    /// Secrets may be lost, or seen by those who shouldn't, once something else happens too.
    High,
    /// Secrets may be lost or seen now.
    Critical,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is as it should be.
    Pass,
    /// It could be better.
    Warn,
    /// It is not as it should be.
    Fail,
    /// There is no such thing here.
    NotApplicable,
}

impl Verdict {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl Severity {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What looking at a control gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    verdict: Verdict,
    evidence: String,
    remedy: Option<String>,
}

impl Examined {
    /// It is as it should be, as this shows.
    pub fn pass(evidence: impl Into<String>) -> Self {
        Self { verdict: Verdict::Pass, evidence: evidence.into(), remedy: None }
    }

    /// It could be better; this command would do it.
    pub fn warn(evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, evidence: evidence.into(), remedy: Some(remedy.into()) }
    }

    /// It is not as it should be; this command mends it.
    pub fn fail(evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, evidence: evidence.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn is_pass(&self) -> bool {
        self.verdict == Verdict::Pass
    }

    /// There is no such thing here, because.
    pub fn not_applicable(because: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotApplicable, evidence: because.into(), remedy: None }
    }
}

/// A control and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The control's name.
    pub id: &'static str,
    /// How bad it is when it fails.
    pub severity: Severity,
    /// What is asked.
    pub title: &'static str,
    /// What was found.
    pub verdict: Verdict,
    /// What shows it.
    pub evidence: String,
    /// The command that mends it, or what to do.
    pub remedy: Option<String>,
}

impl Control {
    /// Looks at this control.
    pub fn look(&self, site: &Site<'_>) -> Finding {
        let Examined { verdict, evidence, remedy } = (self.examine)(site);
        Finding { id: self.id, severity: self.severity, title: self.title, verdict, evidence, remedy }
    }
}
