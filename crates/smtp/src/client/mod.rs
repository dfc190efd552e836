//! The sending side of SMTP (RFC 5321) and LMTP (RFC 2033) as a state machine without sockets, tasks or clock.
//!
//! The owner of the connection feeds what arrives ([`Client::receive`]), writes what [`Client::transmit`] gives it, and does what
//! [`Client::event`] asks for: a TLS handshake, the next piece of a body, the next transaction. What goes wrong is a [`Failure`],
//! which says whose fault it is and whether trying again later makes sense.
//!
//! ```text
//! greeting -> EHLO (HELO) -> [STARTTLS -> handshake -> EHLO] -> [AUTH] -> ready
//! ready -> MAIL, RCPT… -> DATA or BDAT -> body -> reply (LMTP: replies) -> ready
//! ```
//!
//! It does not choose hosts, keep a queue, or retry.

mod body;
mod capabilities;
mod envelope;
mod failure;
mod opening;
mod replies;
mod transaction;

#[cfg(test)]
mod tests;

pub use capabilities::Capabilities;
pub use envelope::{DeliverBy, Envelope, Recipient, Return};
pub use failure::{Command, Failure, Incompatible, Misbehaved, spoken};
pub use replies::Replies;

use crate::Reply;
use opening::Opening;
use std::collections::VecDeque;
use std::time::Duration;
use transaction::Transaction;

/// What the other end speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 5321: one reply to a message.
    #[default]
    Smtp,
    /// RFC 2033: one reply to a message for each of its recipients.
    Lmtp,
}

/// When STARTTLS (RFC 3207) is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartTls {
    /// Not even if it is offered: TLS runs already, or has failed before and is not required.
    Never,
    /// If it is offered; a refusal of the command is no failure.
    #[default]
    WhenOffered,
    /// Nothing is sent without it.
    Required,
}

/// Name and password for AUTH PLAIN (RFC 4616). `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Authentication identity.
    pub user: String,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(…)")
    }
}

/// How a session is led.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The name said in EHLO.
    pub hello: String,
    /// SMTP or LMTP.
    pub protocol: Protocol,
    /// When TLS is started.
    pub starttls: StartTls,
    /// Log in before the first transaction.
    pub login: Option<Login>,
}

/// What the owner of the connection is to do, or learns.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Do the TLS handshake as a client, then call [`Client::secured`]. If it fails, the connection is of no more use.
    Handshake,
    /// A transaction may begin ([`Client::send`]), or the session may end ([`Client::quit`]).
    Ready,
    /// Give the next octets of the message: [`Client::body`], and after the last ones [`Client::end_of_body`].
    Body,
    /// The transaction is over: what became of each recipient, in the order of the envelope.
    Outcome(Vec<Result<Reply, Failure>>),
    /// The session is over; close the connection. The failure is one of the session: no transaction was running.
    Closed(Option<Failure>),
}

enum State {
    Opening(Opening),
    Handshake,
    Ready,
    Transaction(Box<Transaction>),
    Reset,
    Quit,
    Closed,
}

/// One session with a server.
pub struct Client {
    settings: Settings,
    state: State,
    replies: Replies,
    capabilities: Capabilities,
    encrypted: bool,
    output: Vec<u8>,
    events: VecDeque<Event>,
}

impl Client {
    /// A session on a fresh connection: waits for the greeting.
    pub fn new(settings: Settings) -> Client {
        Client {
            settings,
            state: State::Opening(Opening::Greeting),
            replies: Replies::default(),
            capabilities: Capabilities::default(),
            encrypted: false,
            output: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes octets that have arrived.
    pub fn receive(&mut self, octets: &[u8]) {
        self.replies.feed(octets);
        loop {
            match self.replies.next() {
                Ok(Some(reply)) => self.reply(reply),
                Ok(None) => return,
                Err(fault) => return self.fail(Failure::Misbehaved(fault)),
            }
            if matches!(self.state, State::Closed) {
                return;
            }
        }
    }

    /// The connection has ended, or an attempt to read or write failed.
    pub fn disconnected(&mut self) {
        self.fail(Failure::Lost(self.waiting_for()));
    }

    /// Nothing came within [`Client::timeout`].
    pub fn timed_out(&mut self) {
        self.fail(Failure::TimedOut(self.waiting_for()));
    }

    /// The octets to write now; empty if there are none.
    pub fn transmit(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// What to do next. `None`: write what there is to write, then read.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| match &self.state {
            State::Transaction(transaction) if transaction.wants_body() => Some(Event::Body),
            _ => None,
        })
    }

    /// The TLS handshake has been done. Everything said before it is forgotten (RFC 3207 §4.2).
    pub fn secured(&mut self) {
        if matches!(self.state, State::Handshake) {
            self.encrypted = true;
            self.capabilities = Capabilities::default();
            self.hello();
        }
    }

    /// Begins a transaction. Only after [`Event::Ready`].
    pub fn send(&mut self, envelope: Envelope) {
        debug_assert!(matches!(self.state, State::Ready));
        match Transaction::begin(envelope, &self.capabilities, self.settings.protocol) {
            Ok(transaction) => {
                self.state = State::Transaction(Box::new(transaction));
                self.advance();
            }
            Err(outcome) => {
                self.events.push_back(Event::Outcome(outcome));
                self.events.push_back(Event::Ready);
            }
        }
    }

    /// The next octets of the message, in answer to [`Event::Body`]. Line ends become CRLF and dots are stuffed here.
    pub fn body(&mut self, octets: &[u8]) {
        if let State::Transaction(transaction) = &mut self.state {
            transaction.body(octets, &mut self.output);
        }
    }

    /// The message is complete.
    pub fn end_of_body(&mut self) {
        if let State::Transaction(transaction) = &mut self.state {
            transaction.end_of_body(&mut self.output);
        }
    }

    /// Ends the session politely. Only after [`Event::Ready`].
    pub fn quit(&mut self) {
        self.state = State::Quit;
        self.command("QUIT");
    }

    /// How long to wait for the next reply (RFC 5321 §4.5.3.2).
    pub fn timeout(&self) -> Duration {
        let seconds = match self.waiting_for() {
            Command::Greeting | Command::Mail | Command::Rcpt => 300,
            Command::Data => 120,
            Command::Body => 600,
            Command::Quit => 10,
            _ => 120,
        };
        Duration::from_secs(seconds)
    }

    /// What the server offers, as far as it has said.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Is the session over? Then there is nothing more to read or write.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Has the session been encrypted by STARTTLS?
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    fn waiting_for(&self) -> Command {
        match &self.state {
            State::Opening(opening) => opening.command(),
            State::Handshake => Command::StartTls,
            State::Transaction(transaction) => transaction.waiting_for(),
            State::Ready | State::Reset => Command::Rset,
            State::Quit | State::Closed => Command::Quit,
        }
    }

    fn command(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    fn reply(&mut self, reply: Reply) {
        match &mut self.state {
            State::Opening(_) => self.opening_reply(reply),
            State::Transaction(transaction) => {
                transaction.reply(reply);
                self.advance();
            }
            State::Reset if reply.is_positive() => self.ready(),
            State::Reset => self.fail(Failure::Refused(Command::Rset, reply)),
            State::Quit | State::Closed => self.close(None),
            // RFC 5321 §3.8: a server that shuts down may say 421 at any time.
            State::Ready if reply.code == 421 => {
                self.fail(Failure::Refused(Command::Rset, reply));
            }
            State::Handshake | State::Ready => {
                self.fail(Failure::Misbehaved(Misbehaved::Unasked));
            }
        }
    }

    /// Lets the running transaction go on, and ends it when it is over.
    fn advance(&mut self) {
        let State::Transaction(transaction) = &mut self.state else {
            return;
        };
        transaction.advance(&mut self.output);
        let Some(end) = transaction.end() else { return };
        self.events.push_back(Event::Outcome(end.outcome));
        match end.session {
            transaction::After::Ready => self.ready(),
            transaction::After::Reset => {
                self.state = State::Reset;
                self.command("RSET");
            }
            transaction::After::Close => self.close(None),
        }
    }

    fn ready(&mut self) {
        self.state = State::Ready;
        self.events.push_back(Event::Ready);
    }

    fn fail(&mut self, failure: Failure) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Closed => {}
            State::Quit => self.close(None),
            State::Transaction(transaction) => {
                let outcome = transaction.abort(&failure);
                self.events.push_back(Event::Outcome(outcome));
                self.close(None);
            }
            _ => self.close(Some(failure)),
        }
    }

    fn close(&mut self, failure: Option<Failure>) {
        self.state = State::Closed;
        self.output.clear();
        self.events.retain(|event| *event != Event::Ready);
        self.events.push_back(Event::Closed(failure));
    }
}
