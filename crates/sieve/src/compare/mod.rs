//! How a value is compared with a key: match types (RFC 5228 §2.7.1, RFC 5231, the regex draft) over comparators (RFC 4790, RFC 5051).

mod comparator;
mod glob;
mod regular;

pub(crate) use comparator::Comparator;
pub(crate) use glob::Glob;
pub(crate) use regular::compile as compile_regex;

use regex::Regex;
use std::cmp::Ordering;

/// A match type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    Is,
    Contains,
    Matches,
    Regex,
    Value(Relation),
    Count(Relation),
    /// RFC 6134
    List,
}

/// RFC 5231 §4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Gt,
    Ge,
    Lt,
    Le,
    Eq,
    Ne,
}

impl Relation {
    pub(crate) fn by_name(name: &str) -> Option<Relation> {
        Some(match name.to_ascii_lowercase().as_str() {
            "gt" => Relation::Gt,
            "ge" => Relation::Ge,
            "lt" => Relation::Lt,
            "le" => Relation::Le,
            "eq" => Relation::Eq,
            "ne" => Relation::Ne,
            _ => return None,
        })
    }

    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Gt => order.is_gt(),
            Relation::Ge => order.is_ge(),
            Relation::Lt => order.is_lt(),
            Relation::Le => order.is_le(),
            Relation::Eq => order.is_eq(),
            Relation::Ne => order.is_ne(),
        }
    }
}

/// A key, ready to be compared with many values.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// As written: equality and order.
    Plain(Box<str>),
    /// Folded: to be found in a folded value.
    Folded(Box<str>),
    Glob(Glob),
    Regex(Box<Regex>),
}

impl Prepared {
    /// # Errors
    ///
    /// What is wrong with a regular expression.
    pub(crate) fn new(
        key: &str,
        matching: Matching,
        comparator: Comparator,
        regex_size: usize,
    ) -> Result<Prepared, String> {
        Ok(match matching {
            Matching::Is | Matching::Value(_) | Matching::Count(_) | Matching::List => {
                Prepared::Plain(key.into())
            }
            Matching::Contains => Prepared::Folded(comparator.fold(key).into()),
            Matching::Matches => Prepared::Glob(Glob::new(key, comparator)),
            Matching::Regex => {
                Prepared::Regex(Box::new(compile_regex(key, comparator, regex_size)?))
            }
        })
    }
}

/// What the wildcards or groups of a match stood for: `${0}`, `${1}`, …
pub(crate) type Captures = Vec<String>;

/// Groups of a match that scripts can name (RFC 5229 §3.2 asks for nine at least).
pub(crate) const MAX_CAPTURES: usize = 32;

/// Does the value match the key? With `wanted`, what the wildcards stood for comes back too.
pub(crate) fn matches(
    value: &str,
    key: &Prepared,
    matching: Matching,
    comparator: Comparator,
    wanted: bool,
) -> Option<Captures> {
    let found = |yes: bool| yes.then(Captures::new);
    match key {
        Prepared::Plain(key) => match matching {
            Matching::Value(relation) => found(relation.holds(comparator.order(value, key))),
            _ => found(comparator.equal(value, key)),
        },
        Prepared::Folded(key) => found(comparator.contains(value, key)),
        Prepared::Glob(glob) => glob.matches(value, wanted),
        Prepared::Regex(regex) if !wanted => found(regex.is_match(value)),
        Prepared::Regex(regex) => regular::captures(regex, value),
    }
}
