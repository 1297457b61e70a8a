use serde_json::json;
use strongroom_runtime::Settings;

use super::{CommandResult, Ended, row};
use crate::flags::Output;
use crate::print;

/// `audit verify`.
pub(crate) fn verify(settings: &Settings, output: Output) -> CommandResult {
    let report = strongroom_audit::verify(&settings.audit.folder)?;
    let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    let last_hash = report.last_hash.map(|hash| hash.to_string());
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let mut rows = vec![
        row(["node", &text(report.node.clone())]),
        row(["segments", &report.segments.to_string()]),
        row(["records", &report.records.to_string()]),
        row(["first", &text(report.first.map(|at| at.to_string()))]),
        row(["last", &text(report.last.map(|at| at.to_string()))]),
        row(["last record", &text(report.last_seq.map(|seq| seq.to_string()))]),
        row(["last hash", &text(last_hash.clone())]),
        row(["verdict", if report.is_intact() { "intact" } else { "TAMPERED" }]),
    ];
    rows.extend(findings.iter().map(|finding| row(["finding", finding])));
    let value = json!({
        "intact": report.is_intact(),
        "node": report.node,
        "segments": report.segments,
        "records": report.records,
        "bytes": report.bytes,
        "first": report.first,
        "last": report.last,
        "last_seq": report.last_seq,
        "last_hash": last_hash,
        "unfinished_bytes": report.unfinished,
        "findings": findings,
    });
    print::result(output, &value, &rows)?;
    Ok(if report.is_intact() { Ended::Well } else { Ended::Unsound })
}
