use std::path::Path;

use serde_json::json;
use strongroom_runtime::{Finding, Settings, Verdict, examine, note_milestone};

use super::{CommandResult, Ended, row};
use crate::flags::{DoctorFormat, Operator, Output};
use crate::print;

/// `doctor`.
pub(crate) fn run(
    settings: &Settings,
    credentials: Option<&Path>,
    probe: bool,
    format: Option<DoctorFormat>,
    output: Output,
) -> CommandResult {
    let output = match format {
        Some(DoctorFormat::Json) => Output::Json,
        Some(DoctorFormat::Table | DoctorFormat::Markdown) => Output::Table,
        None => output,
    };
    let prober = if probe { Some(Operator::default().name()?) } else { None };
    let findings = examine(settings, credentials, prober);
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
    if format == Some(DoctorFormat::Markdown) {
        print::text(&markdown(&findings))?;
    } else {
        let mut rows = vec![row(["CONTROL", "SEVERITY", "VERDICT", "EVIDENCE"])];
        for found in &findings {
            rows.push(row([found.id, found.severity.as_str(), found.verdict.as_str(), &found.evidence]));
            if let Some(remedy) = &found.remedy {
                rows.push(row(["", "", "  remedy:", remedy]));
            }
        }
        print::result(output, &json!({"sound": failed == 0, "findings": findings}), &rows)?;
    }
    Ok(if failed == 0 { Ended::Well } else { Ended::Unsound })
}

/// `attest`.
pub(crate) fn attest(settings: &Settings, name: &str, detail: &str, output: Output) -> CommandResult {
    note_milestone(settings, name, detail)?;
    print::result(output, &json!({"noted": name}), &[row(["noted", name])])?;
    Ok(Ended::Well)
}

fn markdown(findings: &[Finding]) -> String {
    const HEAD: &str =
        "| Control | Severity | Verdict | What is asked | Evidence | Remedy |\n|---|---|---|---|---|---|\n";
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let line = |found: &Finding| {
        let remedy = found.remedy.as_deref().map_or(String::new(), |remedy| format!("`{}`", cell(remedy)));
        let (severity, verdict) = (found.severity.as_str(), found.verdict.as_str());
        format!(
            "| {} | {severity} | {verdict} | {} | {} | {remedy} |\n",
            found.id,
            found.title,
            cell(&found.evidence)
        )
    };
    HEAD.to_owned() + &findings.iter().map(line).collect::<String>()
}

#[cfg(test)]
mod tests {
    use strongroom_runtime::Severity;

    use super::*;

    #[test]
    fn no_evidence_breaks_the_table() {
        let finding = Finding {
            id: "X-01",
            severity: Severity::Low,
            title: "t",
            verdict: Verdict::Fail,
            evidence: "a|b\nc".to_owned(),
            remedy: Some("run | this".to_owned()),
        };
        let text = markdown(&[finding]);
        assert_eq!(text.lines().last(), Some("| X-01 | low | fail | t | a\\|b c | `run \\| this` |"));
    }
}
