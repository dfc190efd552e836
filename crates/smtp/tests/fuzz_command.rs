//! Lines of SMTP clients, mutated: the grammar never panics, and what it takes it writes again in a form that it takes the same way.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

#[path = "../../message/tests/mutation/mod.rs"]
mod mutation;

use mutation::{mutated, seeds};
use proptest::prelude::*;
use smtp::Command;
use smtp::command::sasl_response;
use std::path::Path;

fn lines() -> Vec<Vec<u8>> {
    let files = seeds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"));
    let lines = files
        .iter()
        .flat_map(|file| file.split(|&octet| octet == b'\n'));
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec());
    lines.filter(|line| !line.is_empty()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_line_makes_the_grammar_panic(line in mutated(lines())) {
        let _ = Command::parse(&line);
        let _ = sasl_response(&line);
        if let Ok(text) = std::str::from_utf8(&line) {
            let _ = smtp::Mailbox::parse(text);
            let _ = smtp::path::forward_path(text);
            let _ = smtp::path::reverse_path(text);
        }
    }

    /// An address that the grammar takes is written in a form that it takes again, and means the same.
    #[test]
    fn addresses_survive_being_written(line in mutated(lines())) {
        let text = String::from_utf8_lossy(&line);
        let inside = text.split(['<', '>']).nth(1).unwrap_or(&text);
        if let Ok(mailbox) = smtp::Mailbox::parse(inside) {
            let again = smtp::Mailbox::parse(&mailbox.to_string());
            prop_assert_eq!(again.ok(), Some(mailbox));
        }
    }
}

/// The corpus itself is right: every line of it is a command.
#[test]
fn the_corpus_is_understood() {
    for line in lines() {
        let parsed = Command::parse(&line);
        assert!(parsed.is_ok(), "{}: {parsed:?}", line.escape_ascii());
    }
}
