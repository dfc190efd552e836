//! What commands print: JSON for programs, tables for people.

use serde::Serialize;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// Exit code of a program whose reader went away: 128 + SIGPIPE, as shells count it.
const READER_GONE: i32 = 141;

/// Prints a line on standard output, as `println!` does; but a reader that has seen enough (`| head`) is no fault of ours.
macro_rules! say {
    ($($line:tt)*) => { $crate::output::line(format_args!($($line)*)) };
}
pub(crate) use say;

/// Writes one line; see [`say`].
pub(crate) fn line(line: fmt::Arguments<'_>) {
    finish(writeln!(io::stdout().lock(), "{line}"));
}

/// Writes a text as it is.
pub(crate) fn text(text: &str) {
    finish(io::stdout().lock().write_all(text.as_bytes()));
}

/// There is nobody to tell more if standard output does not take it.
fn finish(written: io::Result<()>) {
    match written {
        Ok(()) => {}
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => std::process::exit(READER_GONE),
        Err(why) => {
            eprintln!("pennyblack: cannot write the answer: {why}");
            std::process::exit(1);
        }
    }
}

/// Prints one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> ExitCode {
    match serde_json::to_string(value) {
        Ok(text) => {
            say!("{text}");
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Rows under headings, each column as wide as its widest cell.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// The first row is that of the headings.
    headed: bool,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Table {
        Table {
            rows: vec![
                headings
                    .iter()
                    .map(|heading| heading.to_uppercase())
                    .collect(),
            ],
            headed: true,
        }
    }

    /// More rows of a table whose headings have been printed.
    pub(crate) fn continued() -> Table {
        Table {
            rows: Vec::new(),
            headed: false,
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// Prints the rows, or the sentence if there are none.
    pub(crate) fn print(&self, empty: &str) {
        if self.headed && self.rows.len() == 1 {
            say!("{empty}");
            return;
        }
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
        };
        let widths: Vec<usize> = (0..columns)
            .map(|column| width(column).unwrap_or(0))
            .collect();
        for row in &self.rows {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            say!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
}

/// `name: value` lines with the values in one column.
pub(crate) fn facts(facts: &[(&str, String)]) {
    let width = facts
        .iter()
        .map(|(name, _)| name.len() + 1)
        .max()
        .unwrap_or(0);
    for (name, value) in facts {
        say!("{:width$}  {}", format!("{name}:"), printable(value));
    }
}

/// Texts from outside must not steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Octets as people say them.
pub(crate) fn size(octets: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut rest = octets as f64;
    let mut unit = 0;
    while rest >= 1024.0 && unit + 1 < UNITS.len() {
        rest /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{octets} B")
    } else {
        format!("{rest:.1} {}", UNITS[unit])
    }
}
