use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use strongroom_audit::{PublicKey, Statement, Trust};
use strongroom_runtime::Settings;

use super::{CommandResult, Ended, row};
use crate::flags::{Output, Verify};
use crate::print;

/// `audit verify`.
pub(super) fn run(settings: &Settings, asked: &Verify, output: Output) -> CommandResult {
    let report = strongroom_audit::verify(&settings.audit.folder, &trust(asked)?)?;
    let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    let last_hash = report.last_hash.map(|hash| hash.to_string());
    let signed = report.checkpoint.as_ref().map(|checkpoint| checkpoint.through);
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let number = |value: Option<u64>| text(value.map(|number| number.to_string()));
    let mut rows = vec![
        row(["node", &text(report.node.clone())]),
        row(["segments", &report.segments.to_string()]),
        row(["records", &report.records.to_string()]),
        row(["checkpoints", &report.checkpoints.to_string()]),
        row(["first", &text(report.first.map(|at| at.to_string()))]),
        row(["last", &text(report.last.map(|at| at.to_string()))]),
        row(["pruned through", &number(report.pruned_through)]),
        row(["signed through", &number(signed)]),
        row(["last record", &number(report.last_seq)]),
        row(["last hash", &text(last_hash.clone())]),
        row(["verdict", if report.is_intact() { "intact" } else { "TAMPERED" }]),
    ];
    rows.extend(findings.iter().map(|finding| row(["finding", finding])));
    let value = json!({
        "intact": report.is_intact(),
        "node": report.node,
        "segments": report.segments,
        "records": report.records,
        "checkpoints": report.checkpoints,
        "bytes": report.bytes,
        "first": report.first,
        "last": report.last,
        "pruned_through": report.pruned_through,
        "last_seq": report.last_seq,
        "last_hash": last_hash,
        "checkpoint": report.checkpoint,
        "keys": report.keys,
        "unfinished_bytes": report.unfinished,
        "findings": findings,
    });
    print::result(output, &value, &rows)?;
    Ok(if report.is_intact() { Ended::Well } else { Ended::Unsound })
}

/// What the operator has kept elsewhere.
fn trust(asked: &Verify) -> Result<Trust, Box<dyn std::error::Error>> {
    let mut trust = Trust::default();
    trust.keys = keys(&asked.public_keys)?;
    if let Some(path) = &asked.checkpoint {
        let statement = Statement::parse(&read(path)?);
        trust.checkpoint = Some(statement.ok_or_else(|| format!("{} holds no checkpoint", path.display()))?);
    }
    Ok(trust)
}

/// The keys in these files.
pub(super) fn keys(files: &[PathBuf]) -> Result<Vec<PublicKey>, String> {
    let key = |path: &PathBuf| {
        PublicKey::from_pem(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
    };
    files.iter().map(key).collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{} can't be read: {error}", path.display()))
}
