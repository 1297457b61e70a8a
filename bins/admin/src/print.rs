//! How results and errors are shown.
#![expect(clippy::print_stderr, reason = "this is what the terminal is for")]

use std::io::{self, ErrorKind, Write as _};

use serde::Serialize;

use crate::flags::Output;

/// Shows a result: as rows of columns, the first row being the head, or as JSON.
pub(crate) fn result(output: Output, value: &impl Serialize, rows: &[Vec<String>]) -> io::Result<()> {
    match output {
        Output::Json => text(&format!("{}\n", serde_json::json!(value))),
        Output::Table => text(&rows.iter().map(|row| line(row, rows) + "\n").collect::<String>()),
    }
}

/// Writes to standard output. A reader that has seen enough, such as `head`, is no error.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut output = io::stdout();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
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
