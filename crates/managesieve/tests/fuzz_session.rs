//! Whole sessions, mutated and cut anywhere, against the state machine: it never panics, answers the same however the octets are cut, asks
//! for no script before a log-in, holds little, and writes nothing but lines of RFC 5804.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

#[path = "../../message/tests/mutation/mod.rs"]
mod mutation;

use managesieve::server::{Event, Offer, Security, Session};
use managesieve::{Command, Response, ScriptName};
use mutation::{cuts, mutated, pieces};
use proptest::prelude::*;

const LARGEST: usize = 1000;
/// What a session writes for one command: capabilities, or a script, or a line for each script.
const MOST_OUTPUT: usize = 64 * 1024;

/// An owner who takes one password and keeps scripts in memory.
struct Owner {
    session: Session,
    scripts: Vec<(ScriptName, Vec<u8>)>,
    output: Vec<u8>,
    logged_in: bool,
}

impl Owner {
    fn new() -> Owner {
        let offer = Offer {
            sieve: "fileinto".into(),
            notify: "mailto".into(),
            redirects: 4,
            largest_script: LARGEST,
        };
        Owner {
            session: Session::new(offer, Security::Clear, Vec::new()),
            scripts: Vec::new(),
            output: Vec::new(),
            logged_in: false,
        }
    }

    fn logged_in() -> Owner {
        let mut owner = Owner::new();
        for piece in ["STARTTLS\r\n", "AUTHENTICATE \"PLAIN\" \"c2VjcmV0\"\r\n"] {
            assert!(owner.feed(piece.as_bytes()));
        }
        assert!(owner.logged_in);
        owner
    }

    /// Feeds one piece; false when the session is over.
    fn feed(&mut self, piece: &[u8]) -> bool {
        self.session.feed(piece);
        loop {
            let event = self.session.next_event();
            let over = matches!(event, Event::Close(_));
            if over || event == Event::NeedInput {
                let written = self.session.take_output();
                assert!(
                    written.len() < MOST_OUTPUT + 40 * piece.len(),
                    "{} octets",
                    written.len()
                );
                self.output.extend(written);
                return !over;
            }
            self.answer(event);
        }
    }

    fn answer(&mut self, event: Event) {
        match event {
            Event::StartTls => {
                assert!(!self.logged_in);
                self.session.secured(vec!["PLAIN"]);
            }
            Event::Authenticate { initial: None, .. } => self.session.challenge(b""),
            Event::Authenticate {
                initial: Some(response),
                ..
            }
            | Event::AuthResponse(response) => {
                self.logged_in = response == b"secret";
                match self.logged_in {
                    true => self.session.logged_in("alice@example.com", None),
                    false => self.session.login_failed(&Response::no("Wrong.")),
                }
            }
            Event::Unauthenticated => self.logged_in = false,
            Event::Command(command) => {
                assert!(self.logged_in, "{command:?} before a log-in");
                self.command(command);
            }
            _ => {}
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::PutScript(name, content) => {
                assert!(content.len() <= LARGEST + 4096, "{} octets", content.len());
                self.scripts.truncate(5);
                self.scripts.push((name, content));
            }
            Command::ListScripts => {
                for (index, (name, _)) in self.scripts.iter().enumerate() {
                    self.session.listed(name, index == 0);
                }
            }
            Command::GetScript(name) => {
                let found = self.scripts.iter().find(|(known, _)| *known == name);
                if let Some((_, content)) = found {
                    self.session.script(&content[..content.len().min(10)]);
                }
            }
            _ => {}
        }
        self.session.respond(&Response::ok());
    }
}

/// Conversations as programs have them.
fn sessions() -> Vec<Vec<u8>> {
    let login = "STARTTLS\r\nAUTHENTICATE \"PLAIN\" \"c2VjcmV0\"\r\n";
    let rest = [
        "CAPABILITY\r\nHAVESPACE \"mine\" 100\r\nPUTSCRIPT \"mine\" {12+}\r\n# c\r\nkeep;\r\n\r\nLISTSCRIPTS\r\nSETACTIVE \"mine\"\r\n",
        "PUTSCRIPT \"a \\\"b\\\\\" \"keep;\"\r\nGETSCRIPT \"a \\\"b\\\\\"\r\nDELETESCRIPT \"a\"\r\nRENAMESCRIPT \"a\" \"b\"\r\n",
        "CHECKSCRIPT {5}\r\nkeep;\r\nNOOP {3+}\r\na\"b\r\nUNAUTHENTICATE\r\nAUTHENTICATE \"PLAIN\"\r\n\"*\"\r\nLOGOUT\r\n",
        "putscript \"\u{e4}\u{f6}\" {1200+}\r\n",
    ];
    let clear = "NOOP \"x\"\r\nPUTSCRIPT \"a\" \"keep;\"\r\nAUTHENTICATE \"PLAIN\"\r\nLOGOUT\r\n";
    let whole = rest
        .iter()
        .flat_map(|rest| [format!("{login}{rest}"), (*rest).to_owned()]);
    whole
        .chain([clear.to_owned()])
        .map(String::into_bytes)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn h36_sessions_survive(octets in mutated(sessions()), cuts in cuts()) {
        let mut owner = Owner::new();
        let _ = pieces(&octets, &cuts).all(|piece| owner.feed(piece));
    }

    /// After a log-in it does not matter how a network cuts what is sent.
    #[test]
    fn h36_commands_do_not_depend_on_the_pieces(octets in mutated(sessions()), cuts in cuts()) {
        let (mut whole, mut cut) = (Owner::logged_in(), Owner::logged_in());
        let goes_on = whole.feed(&octets);
        let went_on = pieces(&octets, &cuts).all(|piece| cut.feed(piece));
        prop_assert_eq!(goes_on, went_on);
        prop_assert_eq!(whole.output, cut.output);
        prop_assert_eq!(whole.scripts, cut.scripts);
    }
}
