//! How results and errors are shown.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what the terminal is for")]

use serde::Serialize;

use crate::flags::Output;

/// Shows a result: as rows of columns, the first row being the head, or as JSON.
pub(crate) fn result(output: Output, value: &impl Serialize, rows: &[Vec<String>]) {
    match output {
        Output::Json => println!("{}", serde_json::json!(value)),
        Output::Table => rows.iter().for_each(|row| println!("{}", line(row, rows))),
    }
}

fn line(row: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<0$}", width(column)));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// Why the command ends.
pub(crate) fn error(message: &str) {
    eprintln!("strongroom-admin: {message}");
}
