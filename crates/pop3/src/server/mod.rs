//! The server's side of a session (RFC 1939 §3) as a state machine. It has no socket, no clock and no mail.
//!
//! The owner feeds what the client sent and asks for the next [`Event`]. Questions are answered before the next event is asked for.
//! What a maildrop's list can answer is answered here; messages are streamed by the owner ([`Session::begin_message`]). Replies collect
//! in the output, which never grows much: a long listing is handed over in pieces ([`Event::Flush`]).
//!
//! ```
//! use pop3::server::{Event, Security, Session};
//! let mut session = Session::new(Security::Clear, Vec::new());
//! assert_eq!(session.take_output(), b"+OK POP3 ready.\r\n");
//! session.feed(b"STAT\r\n");
//! assert_eq!(session.next_event(), Event::NeedInput);
//! assert!(session.take_output().starts_with(b"-ERR"));
//! ```
//!
//! **Invariants.** What came in clear before STLS is never read after it. Messages are removed at QUIT and at no other time
//! (RFC 1939 §6). What is held for a client that has not logged in stays under 64 KiB (Y14).

mod listing;
mod login;

use crate::command::{Command, Number, Secret};
use crate::dots::Dots;
use crate::line::{Expected, Line, Lines};
use crate::maildrop::{Listed, Maildrop};
use listing::Listing;
use std::fmt::Write as _;

/// Wrong commands before a session is closed.
const MAX_ERRORS: u32 = 20;
/// Failed log-ins in a session.
const MAX_FAILED_LOGINS: u32 = 3;
/// Commands before a log-in.
const MAX_EARLY_COMMANDS: u32 = 50;
/// Octets of output from which the owner is asked to write it.
const FLUSH: usize = 16 * 1024;

/// Whether the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// It is not.
    Clear,
    /// It is.
    Tls,
}

/// What the owner has to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Everything is answered: write the output, then read.
    NeedInput,
    /// Write the output, then ask for the next event.
    Flush,
    /// Write the output, do the TLS handshake, then [`Session::secured`].
    StartTls,
    /// Question: are these name and password right? [`Session::logged_in`] or [`Session::login_failed`].
    Password {
        /// As USER gave it.
        user: String,
        /// As PASS gave it.
        password: Secret,
    },
    /// Question: a log-in begins. [`Session::challenge`], or as for a password.
    Authenticate {
        /// One of those offered.
        mechanism: &'static str,
        /// Decoded, if there was one.
        initial: Option<Vec<u8>>,
    },
    /// Question: the response to a challenge, decoded. The same answers.
    AuthResponse(Vec<u8>),
    /// The log-in was broken off; its state can be thrown away.
    AuthCancelled,
    /// Question: a message is wanted. [`Session::begin_message`] and so on, or [`Session::refuse`].
    Retrieve {
        /// The message.
        message: Listed,
        /// Lines of its body (TOP); none: all of it.
        lines: Option<u32>,
    },
    /// Question: the client is done, and these messages are to be removed (RFC 1939 §6). [`Session::updated`].
    Update(Vec<u32>),
    /// Write the output and close the connection.
    Close(Closing),
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The client said QUIT.
    Quit,
    /// The owner said that it is time to go.
    ShuttingDown,
    /// The account may not be used any more.
    Dismissed,
    /// The client was silent for too long.
    TimedOut,
    /// Too many errors, failed log-ins, or commands before a log-in.
    TooManyErrors,
    /// What the client sends are not lines.
    Nonsense,
}

/// Why something is not done; `[…]` as RFC 2449 §8 and RFC 3206 have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Nothing in particular.
    None,
    /// Name or password is wrong.
    Auth,
    /// It may work later.
    Temporary,
    /// It will not work until somebody repairs it.
    Permanent,
    /// Too many sessions of this account.
    InUse,
}

impl Code {
    fn text(self) -> &'static str {
        match self {
            Code::None => "",
            Code::Auth => "[AUTH] ",
            Code::Temporary => "[SYS/TEMP] ",
            Code::Permanent => "[SYS/PERM] ",
            Code::InUse => "[IN-USE] ",
        }
    }
}

#[derive(Debug)]
enum State {
    /// Nobody has logged in; USER may have given a name.
    Anonymous(Option<String>),
    /// AUTH is under way.
    LoggingIn,
    /// STLS was answered; the handshake is the owner's.
    Securing,
    /// The client works with its maildrop.
    Transaction(Maildrop),
    /// QUIT was said after a log-in; the owner removes what is marked.
    Updating,
    Closed(Closing),
}

/// One client's session.
#[derive(Debug)]
pub struct Session {
    security: Security,
    /// SASL mechanisms that may be used now.
    mechanisms: Vec<&'static str>,
    state: State,
    lines: Lines,
    output: Vec<u8>,
    listing: Option<Listing>,
    message: Option<Dots>,
    errors: u32,
    failed_logins: u32,
    commands: u32,
    /// Commands by name that nobody has counted yet.
    taken: Vec<(&'static str, u64)>,
}

impl Session {
    /// A session that has just begun; the greeting is in the output. `mechanisms` may be used as things are now.
    pub fn new(security: Security, mechanisms: Vec<&'static str>) -> Session {
        let mut session = Session {
            security,
            mechanisms,
            state: State::Anonymous(None),
            lines: Lines::default(),
            output: Vec::new(),
            listing: None,
            message: None,
            errors: 0,
            failed_logins: 0,
            commands: 0,
            taken: Vec::new(),
        };
        session.ok("POP3 ready.");
        session
    }

    /// Takes octets of the client.
    pub fn feed(&mut self, octets: &[u8]) {
        self.lines.feed(octets);
    }

    /// What is to be done next.
    pub fn next_event(&mut self) -> Event {
        loop {
            if let State::Closed(why) = self.state {
                return Event::Close(why);
            }
            if self.output.len() >= FLUSH {
                return Event::Flush;
            }
            if self.goes_on_listing() {
                continue;
            }
            let expected = match self.state {
                State::LoggingIn => Expected::Response,
                _ => Expected::Command,
            };
            let event = match self.lines.next_line(expected) {
                Line::Wait => return Event::NeedInput,
                Line::Whole(line) if expected == Expected::Response => self.response(&line),
                Line::Whole(line) => self.line(&line),
                Line::TooLong => self.too_long(expected),
                Line::Nonsense => {
                    self.close(Closing::Nonsense, "This is not POP3.");
                    None
                }
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    fn too_long(&mut self, expected: Expected) -> Option<Event> {
        self.wrong("The line is too long.");
        match expected {
            Expected::Command => None,
            Expected::Response => {
                self.back_to_anonymous();
                Some(Event::AuthCancelled)
            }
        }
    }

    fn back_to_anonymous(&mut self) {
        if !matches!(self.state, State::Closed(_)) {
            self.state = State::Anonymous(None);
        }
    }

    fn line(&mut self, line: &[u8]) -> Option<Event> {
        self.commands = self.commands.saturating_add(1);
        if !self.is_logged_in() && self.commands > MAX_EARLY_COMMANDS {
            self.close(
                Closing::TooManyErrors,
                "Too many commands without a log-in.",
            );
            return None;
        }
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(error) => {
                self.wrong(&error.to_string());
                return None;
            }
        };
        self.count(command.name());
        let inside = matches!(self.state, State::Transaction(_));
        match command {
            Command::Capa => {
                self.capabilities();
                None
            }
            command if inside => self.transaction(command),
            command => self.authorization(command),
        }
    }

    /// RFC 1939 §5.
    fn transaction(&mut self, command: Command) -> Option<Event> {
        let State::Transaction(maildrop) = &mut self.state else {
            return None;
        };
        match command {
            Command::Stat => {
                let (count, octets) = maildrop.stat();
                self.ok(&format!("{count} {octets}"));
            }
            Command::List(number) => self.list(listing::What::Sizes, number),
            Command::Uidl(number) => self.list(listing::What::UniqueIds, number),
            Command::Retr(number) => return self.retrieve(number, None),
            Command::Top(number, lines) => return self.retrieve(number, Some(lines)),
            Command::Dele(number) => match maildrop.delete(number) {
                true => self.ok("It goes at QUIT."),
                false => self.no_message(),
            },
            Command::Rset => {
                maildrop.reset();
                let (count, octets) = maildrop.stat();
                self.ok(&format!("{count} messages ({octets} octets)"));
            }
            Command::Noop => self.ok("Nothing done."),
            Command::Quit => {
                let deleted = maildrop.deleted();
                self.state = State::Updating;
                return Some(Event::Update(deleted));
            }
            Command::Capa
            | Command::Stls
            | Command::User(_)
            | Command::Pass(_)
            | Command::Auth(..)
            | Command::Mechanisms => self.wrong("You are logged in already."),
        }
        None
    }

    fn retrieve(&mut self, number: Number, lines: Option<u32>) -> Option<Event> {
        let State::Transaction(maildrop) = &self.state else {
            return None;
        };
        match maildrop.message(number) {
            Some(message) => Some(Event::Retrieve { message, lines }),
            None => {
                self.no_message();
                None
            }
        }
    }

    fn no_message(&mut self) {
        self.wrong("There is no such message.");
    }

    /// The message that was asked for follows: so many octets of it.
    pub fn begin_message(&mut self, message: Listed, lines: Option<u32>) {
        match lines {
            None => self.ok(&format!("{} octets", message.size)),
            Some(_) => self.ok("Top of the message follows."),
        }
        self.message = Some(Dots::new(lines));
    }

    /// Octets of it; false if no more are wanted.
    pub fn message(&mut self, octets: &[u8]) -> bool {
        match &mut self.message {
            Some(dots) => {
                dots.write(octets, &mut self.output);
                !dots.is_done()
            }
            None => false,
        }
    }

    /// It is complete.
    pub fn end_message(&mut self) {
        if let Some(mut dots) = self.message.take() {
            dots.finish(&mut self.output);
        }
    }

    /// What was asked for cannot be had.
    pub fn refuse(&mut self, code: Code, text: &str) {
        self.err(code, text);
    }

    /// The marked messages are gone, or not all of them (RFC 1939 §6): the session is over.
    pub fn updated(&mut self, done: Result<(), (Code, &str)>) {
        match done {
            Ok(()) => self.ok("Goodbye."),
            Err((code, text)) => self.err(code, text),
        }
        self.state = State::Closed(Closing::Quit);
    }

    /// RFC 2449 §5; what stands here depends on the state.
    fn capabilities(&mut self) {
        let mut text = String::from(
            "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n",
        );
        if !self.mechanisms.is_empty() {
            let _ = write!(text, "USER\r\nSASL {}\r\n", self.mechanisms.join(" "));
        }
        if self.security == Security::Clear && !self.is_logged_in() {
            text.push_str("STLS\r\n");
        }
        // RFC 2449 §6.9: not told to strangers.
        if self.is_logged_in() {
            text.push_str("IMPLEMENTATION Pennyblack\r\n");
        }
        self.ok("These are the capabilities.");
        self.output.extend_from_slice(text.as_bytes());
        self.output.extend_from_slice(b".\r\n");
    }

    fn ok(&mut self, text: &str) {
        self.output.extend_from_slice(b"+OK ");
        self.output.extend_from_slice(text.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    fn err(&mut self, code: Code, text: &str) {
        self.output.extend_from_slice(b"-ERR ");
        self.output.extend_from_slice(code.text().as_bytes());
        self.output.extend_from_slice(text.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    fn count(&mut self, name: &'static str) {
        match self.taken.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => *times += 1,
            None => self.taken.push((name, 1)),
        }
    }

    /// The commands that came since this was asked last, by name, and how often.
    pub fn take_counts(&mut self) -> Vec<(&'static str, u64)> {
        std::mem::take(&mut self.taken)
    }

    /// Takes the output that is to be written.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Has this client logged in?
    pub fn is_logged_in(&self) -> bool {
        matches!(self.state, State::Transaction(_) | State::Updating)
    }

    /// The server goes down. What was marked stays.
    pub fn shut_down(&mut self) {
        self.err(
            Code::Temporary,
            "The server is stopping; try again in a moment.",
        );
        self.state = State::Closed(Closing::ShuttingDown);
    }

    /// The account may not be used any more. What was marked stays.
    pub fn dismiss(&mut self) {
        self.close(
            Closing::Dismissed,
            "This account was locked, removed or changed; log in again, or ask your administrator.",
        );
    }

    /// The client was silent for too long (RFC 1939 §3). What was marked stays.
    pub fn time_out(&mut self) {
        self.close(Closing::TimedOut, "You were silent for too long.");
    }

    /// Says no to what was wrong, and ends the session when there was too much of it.
    fn wrong(&mut self, text: &str) {
        self.errors += 1;
        let limit = match self.is_logged_in() {
            // A client that is behind may ask for many messages that are gone.
            true => MAX_ERRORS * 100,
            false => MAX_ERRORS,
        };
        match self.errors > limit {
            true => self.close(Closing::TooManyErrors, "Too many errors."),
            false => self.err(Code::None, text),
        }
    }

    fn close(&mut self, why: Closing, text: &str) {
        self.err(Code::None, text);
        self.state = State::Closed(why);
    }
}

#[cfg(test)]
mod tests;
