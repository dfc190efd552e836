//! Values and keys (RFC 5228 §2.7): which value matches which key, and what the match variables become.

use super::lists;
use super::machine::{Budget, Done, Failure, Machine};
use crate::code::Criterion;
use crate::compare::{Captures, Matching, Prepared, matches};
use crate::host::Host;

/// One test's comparison, to be fed with values.
pub(super) struct Comparison<'c> {
    criterion: &'c Criterion,
    /// Keys that are not constant, prepared; empty if all are.
    made: Vec<Prepared>,
    wanted: bool,
    values: u64,
    pub(super) found: Option<Found>,
}

/// What matched.
pub(super) struct Found {
    captures: Captures,
    what: String,
}

impl<'c> Comparison<'c> {
    /// With keys that are already known.
    pub(super) fn with_keys(
        criterion: &'c Criterion,
        keys: Vec<String>,
        wanted: bool,
    ) -> Comparison<'c> {
        let prepare = |key: String| prepare(&key, criterion, usize::MAX).ok();
        let made = keys.into_iter().filter_map(prepare).collect();
        Comparison {
            criterion,
            made,
            wanted,
            values: 0,
            found: None,
        }
    }

    /// A match sets no match variables.
    pub(super) fn without_captures(mut self) -> Comparison<'c> {
        self.wanted = false;
        self
    }

    fn keys(&self) -> impl Iterator<Item = &Prepared> {
        let constant = self.criterion.keys.iter().filter(|_| self.made.is_empty());
        constant
            .filter_map(|key| key.ready.as_ref())
            .chain(&self.made)
    }

    /// Compares a value with all keys; true if nothing further needs to be looked at.
    pub(super) fn value(
        &mut self,
        value: &str,
        traced: bool,
        budget: &mut Budget,
        host: &mut dyn Host,
    ) -> Done<bool> {
        self.values += 1;
        let Criterion {
            matching,
            comparator,
            ..
        } = *self.criterion;
        if let Matching::Count(_) = matching {
            return Ok(false);
        }
        let mut found = None;
        for key in self.keys() {
            budget.look(cost(value, key))?;
            let captures = match (matching, key) {
                (Matching::List, Prepared::Plain(list)) => host
                    .list_contains(&lists::whole(list), value)?
                    .then(Captures::new),
                _ => matches(value, key, matching, comparator, self.wanted),
            };
            if let Some(captures) = captures {
                let what = if traced { shown(value) } else { String::new() };
                found = Some(Found { captures, what });
                break;
            }
        }
        self.found = found;
        Ok(self.found.is_some())
    }

    /// `:count` compares how many values there were (RFC 5231 §4.2).
    fn count(&mut self) -> bool {
        let Matching::Count(relation) = self.criterion.matching else {
            return self.found.is_some();
        };
        let count = self.values.to_string();
        let comparator = self.criterion.comparator;
        self.keys().any(|key| match key {
            Prepared::Plain(key) => relation.holds(comparator.order(&count, key)),
            _ => false,
        })
    }
}

/// A pattern with pieces that fit nearly everywhere is looked for at every place.
fn cost(value: &str, key: &Prepared) -> usize {
    match key {
        Prepared::Glob(glob) => value.len().saturating_mul(glob.cost()),
        _ => value.len(),
    }
}

/// A value as a trace shows it.
fn shown(value: &str) -> String {
    let short: String = value.chars().take(80).collect();
    format!("{short:?}")
}

fn prepare(key: &str, criterion: &Criterion, regex_size: usize) -> Done<Prepared> {
    Prepared::new(key, criterion.matching, criterion.comparator, regex_size)
        .map_err(|why| Failure::script(format!("the regular expression {key:?} is wrong: {why}")))
}

impl<'r> Machine<'r> {
    /// Begins a comparison: keys with variables are expanded now.
    pub(super) fn comparison<'c>(&mut self, criterion: &'c Criterion) -> Done<Comparison<'c>> {
        let mut made = Vec::new();
        if criterion.keys.iter().any(|key| key.ready.is_none()) {
            for key in &criterion.keys {
                let text = self.expand(&key.text)?;
                if criterion.matching == Matching::Regex {
                    self.budget.spend(1000)?;
                }
                made.push(prepare(&text, criterion, self.run.limits.regex_size)?);
            }
        }
        Ok(Comparison {
            criterion,
            made,
            wanted: self.frame.has_variables,
            values: 0,
            found: None,
        })
    }

    /// Compares one value; true if nothing further needs to be looked at.
    pub(super) fn feed(&mut self, comparison: &mut Comparison<'_>, value: &str) -> Done<bool> {
        comparison.value(value, self.run.traced, &mut self.budget, self.host)
    }

    /// The result; match variables are set by a match only (RFC 5229 §3.2).
    pub(super) fn settle(&mut self, mut comparison: Comparison<'_>) -> bool {
        let result = comparison.count();
        if let Some(found) = comparison.found {
            if self.run.traced {
                self.note(|| format!("{} matches", found.what));
            }
            if !found.captures.is_empty() {
                self.frame.captures = found.captures;
            }
        }
        result
    }

    /// Does one of the values match?
    pub(super) fn compare<S: AsRef<str>>(
        &mut self,
        criterion: &Criterion,
        values: &[S],
    ) -> Done<bool> {
        let comparison = self.comparison(criterion)?;
        self.compare_with(comparison, values)
    }

    pub(super) fn compare_with<S: AsRef<str>>(
        &mut self,
        mut comparison: Comparison<'_>,
        values: &[S],
    ) -> Done<bool> {
        for value in values {
            if self.feed(&mut comparison, value.as_ref())? {
                break;
            }
        }
        Ok(self.settle(comparison))
    }
}
