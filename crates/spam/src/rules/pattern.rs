//! Finds the patterns of all rules in a text, in one pass.
//!
//! Whatever a pattern matches begins with one of a few texts (`work at`, `work from`, …), which are taken out of it. One automaton
//! looks for all of them at once, and only where it finds one the pattern itself is tried, from there. What a mail says is so looked
//! through at about a nanosecond an octet, whatever the number of rules. Patterns and texts are in small letters.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Hir, HirKind};

/// Octets of a beginning that are looked for; longer ones make the automaton larger and save little.
const BEGINNING: usize = 10;
/// Beginnings of one alternative, above which it is tried everywhere.
const MOST: usize = 400;

/// Patterns to be found.
pub(super) struct Patterns {
    /// `None` if there is nothing to be found.
    finder: Option<AhoCorasick>,
    /// Which patterns begin with each text of `finder`.
    begun: Vec<Vec<usize>>,
    patterns: Vec<Option<Regex>>,
    /// Alternatives whose beginning says too little, with the pattern that each belongs to.
    anywhere: Vec<(usize, Regex)>,
}

impl Patterns {
    /// Prepares patterns. One that is none is never found; the tests of the rules see to it that there is none.
    pub(super) fn new(patterns: &[&str]) -> Patterns {
        let mut collected = Collected::default();
        for (index, pattern) in patterns.iter().enumerate() {
            collected.add(index, &pattern.to_ascii_lowercase());
        }
        let (texts, begun): (Vec<_>, Vec<_>) = collected.beginnings.into_iter().unzip();
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(texts);
        Patterns {
            // Only far more texts than there are make it fail.
            finder: finder.ok(),
            begun,
            patterns: collected.patterns,
            anywhere: collected.anywhere,
        }
    }

    /// Which patterns are in a text in small letters, in their order.
    pub(super) fn find(&self, text: &str) -> Vec<usize> {
        let mut found = vec![false; self.patterns.len()];
        let finder = self.finder.as_ref();
        for hit in finder
            .into_iter()
            .flat_map(|finder| finder.find_overlapping_iter(text))
        {
            for &index in &self.begun[hit.pattern().as_usize()] {
                found[index] = found[index] || self.holds(index, text, hit.start());
            }
        }
        for (index, regex) in &self.anywhere {
            found[*index] = found[*index] || regex.is_match(text);
        }
        let indexes = found.iter().enumerate().filter(|(_, found)| **found);
        indexes.map(|(index, _)| index).collect()
    }

    fn holds(&self, index: usize, text: &str, start: usize) -> bool {
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        let pattern = self.patterns[index].as_ref();
        pattern.is_some_and(|pattern| pattern.is_match(input))
    }

    /// Which patterns do not compile.
    #[cfg(test)]
    pub(super) fn broken(&self) -> Vec<usize> {
        let all = self.patterns.iter().enumerate();
        all.filter(|(_, pattern)| pattern.is_none())
            .map(|(index, _)| index)
            .collect()
    }
}

/// What is prepared so far.
#[derive(Default)]
struct Collected {
    /// By text, sorted.
    beginnings: std::collections::BTreeMap<Vec<u8>, Vec<usize>>,
    patterns: Vec<Option<Regex>>,
    anywhere: Vec<(usize, Regex)>,
}

impl Collected {
    fn add(&mut self, index: usize, pattern: &str) {
        let parsed = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .dot_matches_new_line(true)
            .build()
            .parse(pattern);
        let whole = parsed.as_ref().ok().and_then(compile);
        self.patterns.push(whole);
        let Ok(hir) = parsed else { return };
        for alternative in alternatives(&hir) {
            match beginnings(alternative) {
                Some(texts) => {
                    for text in texts {
                        let begun = self.beginnings.entry(text).or_default();
                        if !begun.contains(&index) {
                            begun.push(index);
                        }
                    }
                }
                None => self
                    .anywhere
                    .extend(compile(alternative).map(|regex| (index, regex))),
            }
        }
    }
}

fn compile(hir: &Hir) -> Option<Regex> {
    let builder = Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(
            Regex::config()
                .utf8_empty(false)
                .hybrid_cache_capacity(256 * 1024),
        )
        .build_from_hir(hir);
    builder.ok()
}

fn alternatives(hir: &Hir) -> &[Hir] {
    match hir.kind() {
        HirKind::Alternation(all) => all,
        _ => std::slice::from_ref(hir),
    }
}

/// All texts with which something begins that this matches; `None` if there are too many, or they say too little.
fn beginnings(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let mut found = Extractor::new().limit_total(MOST).extract(hir);
    found.keep_first_bytes(BEGINNING);
    found.dedup();
    let literals = found.literals()?;
    let tells = |text: &[u8]| text.len() >= 2 && text != b"  ";
    let texts = literals.iter().map(|literal| literal.as_bytes().to_vec());
    let texts: Vec<Vec<u8>> = texts.collect();
    texts.iter().all(|text| tells(text)).then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::bytes::RegexBuilder;

    const PATTERNS: [&str; 5] = [
        r"work (?:at|from) home|\bmlm\b|get rich",
        r"^[^a-z]{0,5}dear (?:sir|friend)",
        r"(?:send|pay)[^.]{0,20}\bbitcoin",
        r"\d{2}% off|FREE!",
        r"a|!.*!",
    ];

    #[test]
    fn patterns_are_found_where_they_are() {
        let patterns = Patterns::new(&PATTERNS);
        assert!(patterns.broken().is_empty());
        for (text, found) in [
            ("you work from home", vec![0]),
            ("xmlm mlmx", vec![]),
            ("so mlm.", vec![0]),
            (" * dear friend", vec![1, 4]),
            ("send us some bitcoin", vec![2]),
            ("send it. or bitcoin", vec![]),
            ("50% off", vec![3]),
            ("free!", vec![3]),
            ("no! yes!", vec![4]),
        ] {
            assert_eq!(patterns.find(text), found, "{text}");
        }
        assert_eq!(Patterns::new(&["(", "b c"]).broken(), [0]);
    }

    proptest! {
        /// The way of finding changes nothing about what is found.
        #[test]
        fn all_that_matches_is_found(text in "(work|at|from|home|mlm|dear|sir|send|pay|bitcoin|5|0|%| |\\.|off|free|!|a){0,20}") {
            let expected: Vec<usize> = (0..PATTERNS.len())
                .filter(|index| {
                    let mut builder = RegexBuilder::new(PATTERNS[*index]);
                    builder.unicode(false).case_insensitive(true).dot_matches_new_line(true);
                    builder.build().unwrap().is_match(text.as_bytes())
                })
                .collect();
            prop_assert_eq!(Patterns::new(&PATTERNS).find(&text), expected);
        }
    }
}
