//! Whole POP3 sessions of clients, mutated and cut anywhere: the state machine never panics, holds little, answers the same however the
//! network cuts the octets, and removes nothing but what was marked.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

#[path = "../../message/tests/mutation/mod.rs"]
mod mutation;

use mutation::{cuts, mutated, pieces, seeds};
use pop3::server::{Code, Event, Security, Session};
use pop3::{Listed, Maildrop};
use proptest::prelude::*;
use std::path::Path;

const MESSAGES: u32 = 5;
const MOST_OUTPUT: usize = 64 * 1024;

/// Plays the server's owner; gives what was said and what was removed.
fn play(octets: &[u8], cuts: &[usize]) -> (Vec<u8>, Vec<u32>) {
    let mut session = Session::new(Security::Tls, vec!["PLAIN"]);
    // The greeting comes unasked.
    let (mut said, mut removed) = (session.take_output(), Vec::new());
    for piece in pieces(octets, cuts) {
        session.feed(piece);
        loop {
            let event = session.next_event();
            answer(&mut session, &event, &mut removed);
            let output = session.take_output();
            assert!(output.len() <= MOST_OUTPUT);
            said.extend(output);
            match event {
                Event::NeedInput => break,
                Event::Close(_) => return (said, removed),
                _ => {}
            }
        }
    }
    (said, removed)
}

fn answer(session: &mut Session, event: &Event, removed: &mut Vec<u32>) {
    match event {
        Event::Password { .. } | Event::AuthResponse(_) => session.logged_in(maildrop()),
        Event::Authenticate { initial: None, .. } => session.challenge(b""),
        Event::Authenticate { .. } => session.login_failed(Code::Auth, "No."),
        Event::Retrieve { message, .. } if message.uid == 4 => session.refuse(Code::None, "Gone."),
        Event::Retrieve { message, lines } => {
            session.begin_message(*message, *lines);
            session.message(b"Subject: x\r\n\r\n.a\nb\r\n..\r\n");
            session.end_message();
        }
        Event::Update(uids) => {
            removed.extend(uids);
            session.updated(Ok(()));
        }
        Event::StartTls => session.secured(vec!["PLAIN"]),
        Event::NeedInput | Event::Flush | Event::AuthCancelled | Event::Close(_) => {}
    }
}

fn maildrop() -> Maildrop {
    let listed = |uid| Listed { uid, size: 26 };
    Maildrop::new(7, (1..=MESSAGES).map(listed).collect())
}

fn corpus() -> Vec<Vec<u8>> {
    seeds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn sessions_go_the_same_way_however_they_are_cut(octets in mutated(corpus()), cuts in cuts()) {
        let (said, removed) = play(&octets, &cuts);
        prop_assert_eq!(play(&octets, &[usize::MAX]), (said.clone(), removed.clone()));
        prop_assert!(removed.iter().all(|uid| (1..=MESSAGES).contains(uid)));
        prop_assert!(said.ends_with(b"\r\n"));
        if !octets.windows(4).any(|four| four.eq_ignore_ascii_case(b"DELE")) {
            prop_assert_eq!(removed, Vec::<u32>::new());
        }
    }
}

/// The corpus itself is right: every command in it is understood.
#[test]
fn the_corpus_is_understood() {
    for seed in corpus() {
        let (said, _) = play(&seed, &[usize::MAX]);
        let said = String::from_utf8(said).unwrap();
        assert!(
            said.contains("+OK 5 messages") && !said.contains("-ERR"),
            "{said}"
        );
    }
}
