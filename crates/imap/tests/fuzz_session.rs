//! Whole IMAP sessions of clients, mutated and cut anywhere: the framer and the parser never panic, hold no more than their limits
//! allow, and find the same commands however the network cuts the octets.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

#[path = "../../message/tests/mutation/mod.rs"]
mod mutation;

use imap::Command;
use imap::framer::{Event, Framer, Limits, Message};
use mutation::{cuts, mutated, pieces, seeds};
use proptest::prelude::*;
use std::path::Path;

/// What a session amounts to, without how it was cut.
#[derive(Debug, Default, PartialEq)]
struct Found {
    commands: Vec<String>,
    messages: Vec<Vec<u8>>,
}

/// Reads a session as a server would: commands, the messages of APPENDs (every second is refused), and what follows them.
fn read(limits: Limits, octets: &[u8], cuts: &[usize]) -> Found {
    let mut found = Found::default();
    let mut framer = Framer::new(limits);
    let mut reading = Reading::Commands;
    for piece in pieces(octets, cuts) {
        framer.feed(piece);
        while let Some(next) = step(&mut framer, reading, &mut found) {
            reading = next;
        }
    }
    found
}

#[derive(Clone, Copy)]
enum Reading {
    Commands,
    Message,
}

/// One event; `None` when the framer wants more octets.
fn step(framer: &mut Framer, reading: Reading, found: &mut Found) -> Option<Reading> {
    match reading {
        Reading::Message => match framer.message() {
            Message::Wait => None,
            Message::End => Some(Reading::Commands),
            Message::Octets(octets) => {
                found.messages.last_mut()?.extend(octets);
                Some(reading)
            }
        },
        Reading::Commands => event(framer.next_command(), framer, found),
    }
}

fn event(event: Event, framer: &mut Framer, found: &mut Found) -> Option<Reading> {
    match event {
        Event::Wait => return None,
        Event::Command(octets) => found
            .commands
            .push(format!("{:?}", Command::parse(&octets))),
        Event::Line(octets) => found.commands.push(format!("line {octets:?}")),
        Event::Refused(refusal) => found.commands.push(format!("{refusal:?}")),
        Event::Continue => {}
        Event::Append(head) => {
            found.commands.push(format!("{head:?}"));
            return take_or_refuse(
                framer,
                found,
                imap::append::announced(&head.append.steps).is_some(),
            );
        }
        Event::Steps(steps) => {
            found.commands.push(format!("{steps:?}"));
            return take_or_refuse(framer, found, imap::append::announced(&steps).is_some());
        }
    }
    Some(Reading::Commands)
}

fn take_or_refuse(framer: &mut Framer, found: &mut Found, octets_follow: bool) -> Option<Reading> {
    if octets_follow {
        if found.commands.len().is_multiple_of(2) {
            framer.refuse_message();
        } else {
            framer.accept_message();
            found.messages.push(Vec::new());
            return Some(Reading::Message);
        }
    }
    Some(Reading::Commands)
}

fn corpus() -> Vec<Vec<u8>> {
    seeds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn sessions_are_read_the_same_however_they_are_cut(octets in mutated(corpus()), cuts in cuts()) {
        for limits in [Limits::BEFORE_LOGIN, Limits::AFTER_LOGIN] {
            prop_assert_eq!(read(limits, &octets, &cuts), read(limits, &octets, &[usize::MAX]));
        }
    }
}

/// The corpus itself is right: every command in it is understood.
#[test]
fn the_corpus_is_understood() {
    for seed in corpus() {
        let found = read(Limits::AFTER_LOGIN, &seed, &[usize::MAX]);
        assert!(!found.commands.is_empty());
        for command in &found.commands {
            assert!(
                !command.starts_with("Err") && !command.contains("Refus"),
                "{command}"
            );
        }
    }
}
