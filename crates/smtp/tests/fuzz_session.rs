//! Whole sessions, mutated and cut anywhere, against the receiving state machine: it never panics, never takes a message that breaks
//! the rules of lines, never takes one without an accepted recipient, holds little, and writes nothing but replies.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

#[path = "../../message/tests/mutation/mod.rs"]
mod mutation;

use mutation::{cuts, mutated, pieces, seeds};
use proptest::prelude::*;
use smtp::server::{Clear, Event, Role, Security, Service, Session, refusal_of};
use smtp::{Enhanced, Reply};
use std::path::Path;

/// An owner who takes everything but what holds `nobody`, and who looks at what he is told.
#[derive(Default)]
struct Owner {
    output: Vec<u8>,
    recipients: usize,
    message: Option<Vec<u8>>,
    messages: usize,
}

impl Owner {
    /// Feeds one piece; false when the session is over.
    fn feed(&mut self, session: &mut Session, piece: &[u8]) -> bool {
        let mut input = piece;
        loop {
            let event = session.next_event(&mut input);
            let over = matches!(event, Event::Close(_));
            if over || matches!(event, Event::NeedInput | Event::Flush) {
                let output = session.take_output();
                assert!(output.len() < 16 * 1024, "{} octets", output.len());
                self.output.extend(output);
            }
            match event {
                Event::Close(_) => return false,
                Event::NeedInput => {
                    assert!(input.is_empty());
                    return true;
                }
                event => self.answer(session, event),
            }
        }
    }

    fn answer(&mut self, session: &mut Session, event: Event<'_>) {
        match event {
            Event::Hello { .. } | Event::Reset => self.forget(),
            Event::StartTls => {
                self.forget();
                session.secured(vec!["PLAIN", "LOGIN"]);
            }
            Event::Mail(_) => {
                self.forget();
                session.accept();
            }
            Event::Rcpt(rcpt) if rcpt.forward_path.to_string().contains("nobody") => {
                session.refuse(Reply::new(550, Enhanced(5, 1, 1), "unknown"));
            }
            Event::Rcpt(_) => {
                self.recipients += 1;
                session.accept();
            }
            Event::Begin => {
                assert!(self.recipients > 0, "a message for nobody");
                self.message = Some(Vec::new());
            }
            Event::Content(octets) => {
                assert!(!octets.is_empty());
                self.message.as_mut().unwrap().extend_from_slice(octets);
            }
            Event::EndOfMessage(Some(fault)) => {
                self.forget();
                session.refuse(refusal_of(fault));
            }
            Event::EndOfMessage(None) => {
                check_lines(&self.message.take().unwrap());
                self.messages += 1;
                let reply = Reply::new(250, Enhanced(2, 0, 0), "stored");
                session.finish(&vec![reply; self.recipients]);
                self.forget();
            }
            Event::Auth { initial: None, .. } => session.challenge(b"Username:"),
            Event::AuthResponse(response) if response != b"secret" => {
                session.challenge(b"Password:")
            }
            Event::EndOfChunk | Event::Auth { .. } | Event::AuthResponse(_) => session.accept(),
            Event::MailRefused(..)
            | Event::RcptRefused(..)
            | Event::AuthCancelled
            | Event::NeedInput
            | Event::Flush
            | Event::Close(_) => {}
        }
    }

    fn forget(&mut self) {
        self.recipients = 0;
        self.message = None;
    }
}

/// U1: what is taken is lines that end with CRLF, without NUL.
fn check_lines(message: &[u8]) {
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        let text = line.strip_suffix(b"\r\n").expect("a line ends with CRLF");
        assert!(
            !text.contains(&b'\r') && !text.contains(&0),
            "{}",
            line.escape_ascii()
        );
    }
}

fn session(role: Role) -> Session {
    let service = Service {
        role,
        hostname: "mx1.example.com".to_owned(),
        max_size: 10_000,
        max_recipients: 10,
        max_messages: Some(10),
        dsn: true,
        starttls: true,
        clear: Clear::Allowed,
    };
    let mechanisms = match role {
        Role::Submission => vec!["PLAIN", "LOGIN"],
        Role::Mx | Role::Lmtp | Role::Local => Vec::new(),
    };
    Session::new(service, Security::Clear, mechanisms)
}

/// The seeds are written with LF, so that they can be read; on the wire it is CRLF.
fn sessions() -> Vec<Vec<u8>> {
    seeds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions"))
        .into_iter()
        .map(|text| {
            String::from_utf8(text)
                .unwrap()
                .replace('\n', "\r\n")
                .into_bytes()
        })
        .collect()
}

/// A client that waits where it must: after DATA and STARTTLS.
fn polite(octets: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = octets;
    while let Some(at) = ["DATA\r\n", "STARTTLS\r\n"]
        .iter()
        .filter_map(|verb| {
            let at = rest.windows(verb.len()).position(|w| w == verb.as_bytes());
            at.map(|at| at + verb.len())
        })
        .min()
    {
        let (piece, left) = rest.split_at(at);
        pieces.push(piece);
        rest = left;
    }
    pieces.push(rest);
    pieces
}

fn converse<'a>(role: Role, pieces: impl IntoIterator<Item = &'a [u8]>) -> Owner {
    let mut owner = Owner::default();
    let mut session = session(role);
    for piece in pieces {
        if !owner.feed(&mut session, piece) {
            break;
        }
    }
    owner
}

fn check_replies(output: &[u8]) {
    let text = std::str::from_utf8(output).expect("ASCII");
    for line in text.split_inclusive("\r\n") {
        let code: u16 = line[..3].parse().expect("a code");
        assert!((200..560).contains(&code) && line.ends_with("\r\n") && line.is_ascii());
        assert!(line.len() <= 512 && !line[..line.len() - 2].contains(['\r', '\n']));
    }
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Mx), Just(Role::Submission), Just(Role::Lmtp)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn y22_mutated_sessions(octets in mutated(sessions()), role in role(), cuts in cuts(), polite_client in any::<bool>()) {
        let owner = match polite_client {
            true => converse(role, polite(&octets)),
            false => converse(role, pieces(&octets, &cuts)),
        };
        check_replies(&owner.output);
    }
}

/// The seeds themselves are sessions that succeed.
#[test]
fn the_seeds_are_understood() {
    let messages: Vec<usize> = sessions()
        .iter()
        .map(|octets| {
            let taken = [Role::Mx, Role::Submission, Role::Lmtp].map(|role| {
                let owner = converse(role, polite(octets));
                check_replies(&owner.output);
                owner.messages
            });
            taken.into_iter().max().unwrap_or(0)
        })
        .collect();
    assert_eq!(messages, [2, 2, 2, 1]);
}
