//! What is wrong with a configuration file: where, what, and which valid name is nearest.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong, or worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line and column, counted from 1; `None`: the file as a whole.
    pub place: Option<(usize, usize)>,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// Everything that is wrong with one file. Prints as `file:line:column: message` lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults {
    /// The file.
    pub path: PathBuf,
    /// In the order of the file.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.faults.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            f.write_str(&fault.at(&self.path))?;
        }
        Ok(())
    }
}

impl Fault {
    /// The fault as `file:line:column: message`.
    pub fn at(&self, path: &Path) -> String {
        match self.place {
            Some((line, column)) => format!("{}:{line}:{column}: {}", path.display(), self.message),
            None => format!("{}: {}", path.display(), self.message),
        }
    }
}

/// Line and column (in characters) of an octet offset, both from 1.
pub(super) fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

/// The name most like `wrong`, if one is near enough to be what was meant.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (wrong.len() / 3).clamp(1, 4);
    names
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits (insert, delete, replace, swap neighbours) that make `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names() {
        let names = ["limits.message_size", "limits.recipients", "hostname"];
        let near = |wrong| nearest(wrong, names.iter().copied());
        assert_eq!(near("hostnaem"), Some("hostname"));
        assert_eq!(near("limits.mesage_size"), Some("limits.message_size"));
        assert_eq!(near("colour"), None);
    }

    #[test]
    fn places_count_characters_from_one() {
        assert_eq!(place("ab\ncü d", 0), (1, 1));
        assert_eq!(place("ab\ncü d", 6), (2, 3));
        assert_eq!(place("ab", 99), (1, 3));
    }
}
