//! Messages, mutated and cut anywhere: the scanner never panics, finds the same however the octets are cut, and all it finds lies
//! inside the message; what reads with its help never panics either.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod mutation;

use message::seven_bit::Survey;
use message::{Part, PartKind, Scanner, Section, Summary, header, text};
use mutation::{cuts, mutated, pieces, seeds};
use proptest::prelude::*;
use std::path::Path;

fn scan(octets: &[u8], cuts: &[usize]) -> Summary {
    let mut scanner = Scanner::new();
    for piece in pieces(octets, cuts) {
        scanner.feed(piece);
    }
    scanner.finish()
}

/// A part lies inside what holds it, and its parts inside it, in order.
fn check_part(part: &Part, start: u32, end: u32) {
    let places = [
        start,
        part.header_start,
        part.body_start,
        part.body_end,
        end,
    ];
    assert!(places.is_sorted(), "{places:?} in {part:?}");
    match &part.kind {
        PartKind::Leaf => {}
        PartKind::Message(envelope, root) => {
            check_envelope(envelope);
            check_part(root, part.body_start, part.body_end);
        }
        PartKind::Multipart(parts) => {
            assert!(!parts.is_empty());
            let mut from = part.body_start;
            for inner in parts {
                check_part(inner, from, part.body_end);
                from = inner.body_end;
            }
        }
    }
}

/// An envelope can be sent to a client as it is: printable ASCII, parentheses closed, nothing behind them.
fn check_envelope(envelope: &[u8]) {
    let shown = envelope.escape_ascii();
    assert!(
        envelope.iter().all(|octet| (b' '..=b'~').contains(octet)),
        "{shown}"
    );
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, octet) in envelope.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth -= 1,
            _ => {}
        }
        assert_eq!(depth == 0, at + 1 == envelope.len(), "{shown}");
    }
}

fn check(octets: &[u8], summary: &Summary) {
    let size = u32::try_from(octets.len()).expect("small");
    assert_eq!(summary.size, size);
    assert!(summary.header_size <= size);
    assert!(summary.preview.chars().count() <= 200);
    check_envelope(&summary.envelope);
    check_part(summary.root.as_ref().expect("always one"), 0, size);
}

/// What FETCH and SEARCH do with a message.
fn use_it(octets: &[u8], summary: &Summary) {
    for path in [
        &[][..],
        &[1],
        &[2],
        &[1, 1],
        &[1, 2],
        &[2, 1, 1],
        &[0],
        &[u32::MAX],
    ] {
        for section in [
            Section::Content,
            Section::Header,
            Section::Text,
            Section::Mime,
        ] {
            if let Some(range) = summary.section(path, section) {
                let part = &octets[range.start as usize..range.end as usize];
                let _ = header::select(part, &["subject", "TO"], header::Select::Only);
            }
        }
    }
    let _ = text::header_text(&octets[..summary.header_size as usize]);
    let found = text::body_text(summary, octets, 10_000);
    assert!(found.len() <= 10_000 + octets.len() * 4);
}

/// What is left of a message for a server without 8BITMIME: ASCII, or a reason why not; the same however it is cut.
fn seven_bit(octets: &[u8], summary: &Summary, cuts: &[usize]) -> Option<Vec<u8>> {
    let mut survey = Survey::new(summary).ok()?;
    for piece in pieces(octets, cuts) {
        survey.feed(piece);
    }
    let mut converter = survey.finish().ok()?;
    let mut out = Vec::new();
    for piece in pieces(octets, cuts) {
        converter.feed(piece, &mut out).ok()?;
    }
    assert!(out.is_ascii());
    Some(out)
}

fn corpus() -> Vec<Vec<u8>> {
    seeds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn messages_are_scanned_the_same_however_they_are_cut(octets in mutated(corpus()), cuts in cuts()) {
        let summary = scan(&octets, &[usize::MAX]);
        prop_assert_eq!(&summary, &scan(&octets, &cuts));
        check(&octets, &summary);
        use_it(&octets, &summary);
        prop_assert_eq!(seven_bit(&octets, &summary, &[usize::MAX]), seven_bit(&octets, &summary, &cuts));
    }
}

#[test]
fn the_corpus_is_understood() {
    for octets in corpus() {
        let summary = scan(&octets, &[usize::MAX]);
        check(&octets, &summary);
        assert!(
            summary.message_id.is_some() && summary.sent.is_some(),
            "{summary:?}"
        );
        assert!(summary.parts().len() > 1 || octets.len() < 2000);
    }
}
