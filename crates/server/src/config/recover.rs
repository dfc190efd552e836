//! Reading TOML past its syntax errors, so that all of a file's errors can be reported at once.
//!
//! The TOML parser stops at the first error. Here the line of the error is blanked out (which keeps every other place in the file
//! where it is) and the rest parsed again.

use super::fault::{Fault, place};
use toml_edit::{Document, TomlError};

/// More syntax errors than this are not worth reading.
const MOST: usize = 20;

/// What could be read of a file.
pub(super) struct Recovered {
    /// The document without the lines that are wrong; a wrong heading goes with its section. `None`: nothing could be read.
    pub(super) document: Option<Document<String>>,
    /// The errors of syntax, in the order they were found.
    pub(super) faults: Vec<Fault>,
}

/// Parses `text`.
pub(super) fn parse(text: &str) -> Recovered {
    let mut faults = Vec::new();
    let mut rest = text.to_owned();
    loop {
        let error = match Document::parse(rest.clone()) {
            Ok(document) => {
                return Recovered {
                    document: Some(document),
                    faults,
                };
            }
            Err(error) => error,
        };
        let offset = error.span().map_or(0, |span| span.start.min(rest.len()));
        faults.push(fault(text, offset, &error));
        if faults.len() >= MOST || !blank_line(&mut rest, offset) {
            return Recovered {
                document: None,
                faults,
            };
        }
    }
}

/// Blanks the line at `offset`, and if it is a heading the section below it; false if that cannot help since it is blank already.
fn blank_line(text: &mut String, offset: usize) -> bool {
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let heading = text[start..line_end].trim_start().starts_with('[');
    let end = match text[line_end..].find("\n[") {
        _ if !heading => line_end,
        Some(next) => line_end + next,
        None => text.len(),
    };
    if text[start..end].trim().is_empty() {
        return false;
    }
    let blank = text[start..end].replace(|c: char| c != '\n', " ");
    // A character of several octets becomes one blank: make up for it, so that offsets stay what they were.
    let lost = end - start - blank.len();
    text.replace_range(start..end, &(blank + &" ".repeat(lost)));
    true
}

fn fault(text: &str, offset: usize, error: &TomlError) -> Fault {
    let message = match error.message() {
        "duplicate key" => duplicate(text, offset),
        other => format!("syntax: {}", other.trim()),
    };
    Fault {
        place: Some(place(text, offset)),
        message,
    }
}

/// Names the key that is there twice, and the line of its first (L14).
fn duplicate(text: &str, offset: usize) -> String {
    let key: String = text[offset..]
        .chars()
        .take_while(|c| !"=].\n ".contains(*c))
        .collect();
    match first_line_with(text, &key, offset) {
        Some(line) => {
            format!("`{key}` is set twice; the first is on line {line}: keep one of them")
        }
        None => format!("`{key}` is set twice: keep one of them"),
    }
}

/// The line of the section of `offset` that sets `key` before it; for a heading, the line of the same heading.
fn first_line_with(text: &str, key: &str, offset: usize) -> Option<usize> {
    let own = text[..offset].matches('\n').count();
    let lines: Vec<&str> = text.lines().collect();
    let sets = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
    };
    if lines.get(own)?.trim_start().starts_with('[') {
        return lines[..own]
            .iter()
            .position(|line| line.trim() == lines[own].trim())
            .map(|at| at + 1);
    }
    (0..own)
        .rev()
        .take_while(|at| !lines[*at].trim_start().starts_with('['))
        .find(|at| sets(lines[*at]))
        .map(|at| at + 1)
}
