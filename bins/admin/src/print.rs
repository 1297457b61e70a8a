//! How results and errors are shown.
#![expect(clippy::print_stderr, reason = "this is what the terminal is for")]

use std::io::{self, ErrorKind, Write as _};

use serde::Serialize;

use crate::flags::Output;

/// Shows a result: as rows of columns, the first row being the head, or as JSON.
pub(crate) fn result(output: Output, value: &impl Serialize, rows: &[Vec<String>]) -> io::Result<()> {
    match output {
        Output::Json => text(&format!("{}\n", serde_json::json!(value))),
        Output::Csv => text(&rows.iter().map(|row| record(row)).collect::<String>()),
        Output::Table => text(&rows.iter().map(|row| line(row, rows) + "\n").collect::<String>()),
    }
}

/// Shows one of any number of results, on a line of its own; `false` when nobody reads any more.
pub(crate) fn one(output: Output, value: &impl Serialize, row: &[String]) -> io::Result<bool> {
    write(&match output {
        Output::Json => format!("{}\n", serde_json::json!(value)),
        Output::Csv => record(row),
        Output::Table => row.join("  ").trim_end().to_owned() + "\n",
    })
}

/// Writes to standard output. A reader that has seen enough, such as `head`, is no error.
pub(crate) fn text(text: &str) -> io::Result<()> {
    write(text).map(drop)
}

/// Writes to standard output; `false` when nobody reads any more.
fn write(text: &str) -> io::Result<bool> {
    let mut output = io::stdout();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

fn line(row: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<0$}", width(column)));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// A record of comma-separated values (RFC 4180).
fn record(row: &[String]) -> String {
    row.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// Quoted where it has to be. What a spreadsheet would take for a formula gets an apostrophe before it: callers
/// choose their own names.
fn quoted(cell: &str) -> String {
    let mark = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{mark}{}\"", cell.replace('"', "\"\""))
    } else {
        format!("{mark}{cell}")
    }
}

/// Why the command ends.
pub(crate) fn error(message: &str) {
    eprintln!("strongroom-admin: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_are_never_formulas() {
        let row = ["plain", "a,b", "say \"x\"", "=1+1", "-1,2"].map(str::to_owned);
        assert_eq!(record(&row), "plain,\"a,b\",\"say \"\"x\"\"\",'=1+1,\"'-1,2\"\r\n");
    }
}
