//! Regular expressions (draft-ietf-sieve-regex: POSIX extended ones), in time linear in the value whatever the pattern.
//!
//! They are rewritten for the `regex` crate, which never backtracks. What differs from POSIX: of two alternatives that both fit, the
//! first is taken, not the longest. Back references inside a pattern do not exist here nor in POSIX extended expressions.

use super::{Captures, Comparator, MAX_CAPTURES};
use regex::{Regex, RegexBuilder};

/// # Errors
///
/// What is wrong with it, in a few words.
pub(crate) fn compile(pattern: &str, comparator: Comparator, size: usize) -> Result<Regex, String> {
    let insensitive = matches!(
        comparator,
        Comparator::AsciiCasemap | Comparator::UnicodeCasemap
    );
    RegexBuilder::new(&rewrite(pattern))
        .case_insensitive(insensitive)
        .dot_matches_new_line(true)
        .size_limit(size)
        .dfa_size_limit(size)
        .nest_limit(100)
        .build()
        .map_err(|error| explain(&error))
}

fn explain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it needs too much memory".into(),
        other => {
            // The last line says what is wrong; those before it draw the pattern.
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    }
}

/// The whole match and its groups; a group that took no part is empty.
pub(crate) fn captures(regex: &Regex, value: &str) -> Option<Captures> {
    let found = regex.captures(value)?;
    let group = |m: Option<regex::Match<'_>>| m.map_or(String::new(), |m| m.as_str().to_owned());
    Some(found.iter().take(MAX_CAPTURES + 1).map(group).collect())
}

/// A POSIX extended expression in the syntax of the `regex` crate.
fn rewrite(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '[' => rest = bracket(rest, &mut out),
            '\\' => rest = escape(rest, &mut out),
            // `a{` and `a{x` are literal; a count is a count.
            '{' if !is_count(rest) => out.push_str("\\{"),
            // `(?…` would be an extension of the crate's.
            '(' if rest.starts_with('?') => out.push_str("(\\"),
            '(' if rest.starts_with('*') => out.push_str("(\\"),
            c => out.push(c),
        }
    }
    out
}

fn is_count(rest: &str) -> bool {
    let Some((count, _)) = rest.split_once('}') else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|o| o.is_ascii_digit());
    match count.split_once(',') {
        None => !count.is_empty() && digits(count),
        Some((from, to)) => !from.is_empty() && digits(from) && digits(to),
    }
}

/// Outside of brackets: the escapes of GNU, everything else stands for itself.
fn escape<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let Some(c) = rest.chars().next() else {
        out.push_str("\\\\");
        return rest;
    };
    match c {
        'w' | 'W' | 's' | 'S' | 'b' | 'B' | 'd' | 'D' => {
            out.push('\\');
            out.push(c);
        }
        '<' => out.push_str("\\b{start}"),
        '>' => out.push_str("\\b{end}"),
        '`' => out.push_str("\\A"),
        '\'' => out.push_str("\\z"),
        c => literal(c, out),
    }
    &rest[c.len_utf8()..]
}

fn literal(c: char, out: &mut String) {
    // `\\<` and `\\>` would be word boundaries.
    if c.is_ascii_punctuation() && !matches!(c, '<' | '>') {
        out.push('\\');
    }
    out.push(c);
}

/// A bracket expression, behind its `[`: a backslash in it is a backslash (POSIX 9.3.5). Returns what follows it.
fn bracket<'a>(rest: &'a str, out: &mut String) -> &'a str {
    out.push('[');
    let mut rest = rest;
    if let Some(negated) = rest.strip_prefix('^') {
        out.push('^');
        rest = negated;
    }
    let mut first = true;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        match c {
            ']' if !first => {
                out.push(']');
                return tail;
            }
            '[' if tail.starts_with(':') => match class(tail, out) {
                Some(behind) => {
                    rest = behind;
                    first = false;
                    continue;
                }
                None => literal(c, out),
            },
            // A range, unless it stands at an end.
            '-' if !first && !tail.starts_with(']') => out.push('-'),
            c => literal(c, out),
        }
        rest = tail;
        first = false;
    }
    // Without an end it is an error, which the crate reports.
    rest
}

/// `[:name:]`, behind its `[`.
fn class<'a>(tail: &'a str, out: &mut String) -> Option<&'a str> {
    let (name, behind) = tail[1..].split_once(":]")?;
    name.bytes()
        .all(|o| o.is_ascii_alphabetic())
        .then_some(())?;
    out.push_str("[:");
    out.push_str(name);
    out.push_str(":]");
    Some(behind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn find(pattern: &str, value: &str) -> Option<Captures> {
        let regex = compile(pattern, Comparator::AsciiCasemap, 512 * 1024).unwrap();
        captures(&regex, value)
    }

    #[test]
    fn posix_brackets() {
        assert!(find(r"^[][]+$", "][").is_some());
        assert!(find(r"^[^]x]$", "y").is_some());
        assert!(find(r"^[\.]$", "\\").is_some());
        assert!(find(r"^[[:digit:]-]+$", "1-2").is_some());
        assert!(find(r"^[a-c]$", "B").is_some());
        assert!(find(r"^[-a]$", "-").is_some());
        assert!(find(r"^[a&&b]$", "&").is_some());
        assert!(find(r"a{,}", "a{,}").is_some());
        assert!(find(r"^a{2}$", "aa").is_some());
        assert!(find(r"\<foo\>", "a foo b").is_some());
        assert!(find(r"\<foo\>", "afoo b").is_none());
    }

    #[test]
    fn groups() {
        assert_eq!(
            find(r"^\[([^]]+)\] (re: )?(.*)$", "[List] hello").unwrap(),
            ["[List] hello", "List", "", "hello"]
        );
    }

    #[test]
    fn errors_are_short() {
        let error = |pattern: &str| compile(pattern, Comparator::Octet, 100_000).unwrap_err();
        assert_eq!(error("(a"), "unclosed group");
        assert_eq!(error("[a"), "unclosed character class");
        assert_eq!(error("(a{1000}){1000}"), "it needs too much memory");
    }

    /// H13
    #[test]
    fn h13_no_pattern_stalls() {
        let value = format!("{}b", "a".repeat(10_000));
        assert!(find("^(a+)+$", &value).is_none());
        assert!(find("^(a|aa)+$", &value).is_none());
        assert!(find("(.*)(.*)(.*)(.*)[^ab]$", &value).is_none());
    }

    proptest! {
        #[test]
        fn never_panics(pattern in any::<String>(), value in any::<String>()) {
            if let Ok(regex) = compile(&pattern, Comparator::Octet, 100_000) {
                let _ = captures(&regex, &value);
            }
        }

        #[test]
        fn never_panics_near_the_grammar(pattern in "[]\\[\\\\^$a-c(){},0-9*+?.|:<-]{0,20}", value in "[a-c]{0,10}") {
            if let Ok(regex) = compile(&pattern, Comparator::AsciiCasemap, 100_000) {
                let _ = captures(&regex, &value);
            }
        }
    }
}
