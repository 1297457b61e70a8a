use std::fs;

use serde_json::json;
use strongroom_audit::{SignedReport, read_report};

use super::verify::keys;
use super::{CommandResult, Ended, row};
use crate::flags::{Output, VerifyReport};
use crate::print;

/// `audit verify-report`.
pub(super) fn run(asked: &VerifyReport, output: Output) -> CommandResult {
    let file = asked.file.display();
    let text = fs::read_to_string(&asked.file).map_err(|error| format!("{file} can't be read: {error}"))?;
    match read_report(&text, &keys(&asked.public_keys)?) {
        Ok(SignedReport { report, statement }) => {
            let mut rows = vec![row(["verdict", "as it was signed"])];
            rows.push(row(["signed by", &statement.key.to_string()]));
            rows.push(row(["signed", &statement.at]));
            rows.push(row(["journal", &statement.node]));
            rows.push(row(["through record", &statement.through.to_string()]));
            for (name, value) in report.as_object().into_iter().flatten() {
                rows.push(row([name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned)]));
            }
            print::result(output, &json!({"intact": true, "report": report, "statement": statement}), &rows)?;
            Ok(Ended::Well)
        }
        Err(refusal) => {
            let finding = refusal.to_string();
            let rows = [row(["verdict", "REFUSED"]), row(["finding", &finding])];
            print::result(output, &json!({"intact": false, "finding": finding}), &rows)?;
            Ok(Ended::Unsound)
        }
    }
}
