//! The server's side of a session (RFC 5804 §2) as a state machine. It has no socket, no clock, no scripts.
//!
//! The owner feeds what the client sent and asks for the next [`Event`]. Most events are questions; each is answered before the next
//! event is asked for. Commands about scripts come only from clients that have logged in. Responses collect in the output.
//!
//! ```
//! use managesieve::server::{Event, Offer, Security, Session};
//! let offer = Offer { sieve: "fileinto".into(), notify: "mailto".into(), redirects: 4, largest_script: 1 << 20 };
//! let mut session = Session::new(offer, Security::Clear, Vec::new());
//! assert!(session.take_output().ends_with(b"OK \"ManageSieve ready.\"\r\n"));
//! session.feed(b"LISTSCRIPTS\r\n");
//! assert!(matches!(session.next_event(), Event::NeedInput));
//! assert!(session.take_output().starts_with(b"NO (ENCRYPT-NEEDED)"));
//! ```
//!
//! **Invariants.** What came in clear before STARTTLS is never read after it. What is held for a client that has not logged in stays
//! under 64 KiB (Y14). A script's octets are never read as commands.

mod login;

use crate::ScriptName;
use crate::command::Command;
use crate::framer::{Framer, Item, Limits};
use crate::response::{Code, Condition, Response, literal, quoted_or_literal};
use login::Login;

/// Wrong commands before a session that is not logged in is closed; those that are logged in get ten times as many.
const MAX_ERRORS: u32 = 10;
/// Failed log-ins in a session.
const MAX_FAILED_LOGINS: u32 = 5;
/// Commands before a log-in.
const MAX_EARLY_COMMANDS: u32 = 100;

/// What a listener offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The words of the SIEVE capability.
    pub sieve: String,
    /// The words of the NOTIFY capability.
    pub notify: String,
    /// Redirects a script may make (MAXREDIRECTS).
    pub redirects: u64,
    /// Octets of the largest script that is read at all.
    pub largest_script: usize,
}

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
    /// Write the output, do the TLS handshake, then [`Session::secured`].
    StartTls,
    /// Question: a log-in begins. [`Session::challenge`], [`Session::logged_in`] or [`Session::login_failed`].
    Authenticate {
        /// One of those announced.
        mechanism: &'static str,
        /// Decoded, if there was one.
        initial: Option<Vec<u8>>,
    },
    /// Question: the response to a challenge, decoded. The same answers.
    AuthResponse(Vec<u8>),
    /// The log-in was broken off; its state can be thrown away.
    AuthCancelled,
    /// The client is nobody again (§2.14).
    Unauthenticated,
    /// Question about scripts: any number of [`Session::script`] or [`Session::listed`], then [`Session::respond`].
    Command(Command),
    /// Write the output and close the connection.
    Close(Closing),
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The client said LOGOUT.
    Logout,
    /// The owner said that it is time to go.
    ShuttingDown,
    /// The account may not be used any more.
    Dismissed,
    /// The client was silent for too long.
    TimedOut,
    /// Too many errors, failed log-ins, or commands before a log-in.
    TooManyErrors,
    /// What the client sends cannot be told apart any more.
    OutOfStep,
    /// The owner ended it.
    Owner,
}

/// One client's session.
#[derive(Debug)]
pub struct Session {
    offer: Offer,
    security: Security,
    /// SASL mechanisms that may be used now.
    mechanisms: Vec<&'static str>,
    state: State,
    framer: Framer,
    output: Vec<u8>,
    errors: u32,
    failed_logins: u32,
    commands: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Nobody has logged in.
    Anonymous,
    /// A log-in is under way.
    LoggingIn(Login),
    /// STARTTLS was answered; the handshake is the owner's.
    Securing,
    /// This account has logged in.
    LoggedIn(String),
    Closed(Closing),
}

impl Session {
    /// A session that has just begun; the greeting is in the output (§1.7). `mechanisms` may be used as things are now.
    pub fn new(offer: Offer, security: Security, mechanisms: Vec<&'static str>) -> Session {
        let mut session = Session {
            offer,
            security,
            mechanisms,
            state: State::Anonymous,
            framer: Framer::new(Limits::BEFORE_LOGIN),
            output: Vec::new(),
            errors: 0,
            failed_logins: 0,
            commands: 0,
        };
        session.capabilities();
        session.respond(&Response::ok().text("ManageSieve ready."));
        session
    }

    /// Takes octets of the client.
    pub fn feed(&mut self, octets: &[u8]) {
        self.framer.feed(octets);
    }

    /// What is to be done next.
    pub fn next_event(&mut self) -> Event {
        loop {
            if let State::Closed(why) = self.state {
                return Event::Close(why);
            }
            let event = match self.framer.next_item() {
                Item::Wait => return Event::NeedInput,
                Item::Refused(refusal) => self.refused(refusal),
                Item::Tokens(tokens) => {
                    match std::mem::replace(&mut self.state, State::Anonymous) {
                        State::LoggingIn(login) => self.login_response(login, tokens),
                        state => {
                            self.state = state;
                            self.command(tokens)
                        }
                    }
                }
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    fn refused(&mut self, refusal: crate::Refusal) -> Option<Event> {
        if refusal.is_final() {
            return self.close(Closing::OutOfStep, &refusal.to_string());
        }
        let response = Response::no(sentence(&refusal.to_string()));
        self.wrong(match refusal {
            crate::Refusal::TooLarge { .. } => response.code(Code::QuotaMaxSize),
            _ => response,
        })
    }

    fn command(&mut self, tokens: Vec<crate::Token>) -> Option<Event> {
        let logged_in = matches!(self.state, State::LoggedIn(_));
        self.commands += 1;
        if !logged_in && self.commands > MAX_EARLY_COMMANDS {
            return self.close(Closing::TooManyErrors, "too many commands without a log-in");
        }
        let command = match Command::parse(tokens) {
            Ok(command) => command,
            Err(error) => return self.wrong(Response::no(sentence(&error.to_string()))),
        };
        match command {
            Command::Capability => {
                self.capabilities();
                self.respond(&Response::ok());
                None
            }
            Command::Noop(tag) => {
                let done = Response::ok().text("Done.");
                self.respond(&match tag {
                    Some(tag) => done.code(Code::Tag(tag)),
                    None => done,
                });
                None
            }
            Command::Logout => {
                self.respond(&Response::ok().text("Goodbye."));
                self.state = State::Closed(Closing::Logout);
                None
            }
            Command::StartTls => self.start_tls(),
            Command::Authenticate { mechanism, initial } => self.authenticate(&mechanism, initial),
            Command::Unauthenticate if logged_in => {
                self.state = State::Anonymous;
                self.framer.set_limits(Limits::BEFORE_LOGIN);
                self.respond(&Response::ok());
                Some(Event::Unauthenticated)
            }
            command if logged_in => Some(Event::Command(command)),
            _ => self.wrong(self.login_first()),
        }
    }

    fn login_first(&self) -> Response {
        match self.security {
            Security::Clear if self.mechanisms.is_empty() => {
                Response::no("Say STARTTLS, then log in.").code(Code::EncryptNeeded)
            }
            _ => Response::no("Log in first, with AUTHENTICATE."),
        }
    }

    fn start_tls(&mut self) -> Option<Event> {
        if self.security == Security::Tls {
            return self.wrong(Response::no("TLS is active already."));
        }
        if self.state != State::Anonymous {
            return self.wrong(Response::no("TLS must be started before the log-in."));
        }
        self.respond(&Response::ok().text("Begin TLS."));
        // §2.2: what was sent behind it in clear may be an attacker's.
        self.framer.forget();
        self.state = State::Securing;
        Some(Event::StartTls)
    }

    /// The handshake is done; the client is told what it can do now (§2.2).
    pub fn secured(&mut self, mechanisms: Vec<&'static str>) {
        self.security = Security::Tls;
        self.mechanisms = mechanisms;
        self.state = State::Anonymous;
        self.capabilities();
        self.respond(&Response::ok().text("TLS is active."));
    }

    /// The answer to a command.
    pub fn respond(&mut self, response: &Response) {
        response.write_to(&mut self.output);
        if response.condition == Condition::Bye {
            self.state = State::Closed(Closing::Owner);
        }
    }

    /// A script, as GETSCRIPT is answered.
    pub fn script(&mut self, content: &[u8]) {
        literal(content, &mut self.output);
        self.output.extend_from_slice(b"\r\n");
    }

    /// A line of LISTSCRIPTS.
    pub fn listed(&mut self, name: &ScriptName, is_active: bool) {
        quoted_or_literal(name.as_str().as_bytes(), &mut self.output);
        if is_active {
            self.output.extend_from_slice(b" ACTIVE");
        }
        self.output.extend_from_slice(b"\r\n");
    }

    /// The lines of CAPABILITY (§1.7).
    fn capabilities(&mut self) {
        let mut lines = vec![
            ("IMPLEMENTATION", Some("Pennyblack".to_owned())),
            ("SIEVE", Some(self.offer.sieve.clone())),
            ("NOTIFY", Some(self.offer.notify.clone())),
            ("MAXREDIRECTS", Some(self.offer.redirects.to_string())),
            ("UNAUTHENTICATE", None),
            ("VERSION", Some("1.0".to_owned())),
        ];
        match &self.state {
            State::LoggedIn(owner) => lines.push(("OWNER", Some(owner.clone()))),
            _ => {
                lines.insert(1, ("SASL", Some(self.mechanisms.join(" "))));
                if self.security == Security::Clear {
                    lines.push(("STARTTLS", None));
                }
            }
        }
        for (name, value) in lines {
            quoted_or_literal(name.as_bytes(), &mut self.output);
            if let Some(value) = value {
                self.output.push(b' ');
                quoted_or_literal(value.as_bytes(), &mut self.output);
            }
            self.output.extend_from_slice(b"\r\n");
        }
    }

    /// Takes the output that is to be written.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Is there output to be written?
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Has this client logged in?
    pub fn is_logged_in(&self) -> bool {
        matches!(self.state, State::LoggedIn(_))
    }

    /// The server goes down.
    pub fn shut_down(&mut self) {
        self.respond(
            &Response::bye("The server is stopping; try again in a moment.").code(Code::TryLater),
        );
        self.state = State::Closed(Closing::ShuttingDown);
    }

    /// The account may not be used any more.
    pub fn dismiss(&mut self) {
        self.close(
            Closing::Dismissed,
            "this account was locked, removed or changed; log in again, or ask your administrator",
        );
    }

    /// The client was silent for too long.
    pub fn time_out(&mut self) {
        self.close(Closing::TimedOut, "you were silent for too long");
    }

    /// Says no to what was wrong, and ends the session when there was too much of it.
    fn wrong(&mut self, response: Response) -> Option<Event> {
        self.errors += 1;
        let limit = match self.is_logged_in() {
            true => MAX_ERRORS * 10,
            false => MAX_ERRORS,
        };
        if self.errors > limit {
            return self.close(Closing::TooManyErrors, "too many errors");
        }
        self.respond(&response);
        None
    }

    fn close(&mut self, why: Closing, text: &str) -> Option<Event> {
        self.respond(&Response::bye(sentence(text)));
        self.state = State::Closed(why);
        None
    }
}

/// A response is a sentence; an error, which may stand inside another one, is not.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}.", chars.as_str())
}

#[cfg(test)]
mod tests;
