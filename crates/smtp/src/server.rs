//! The receiving side of SMTP and LMTP (RFC 5321, RFC 2033, RFC 6409) as a state machine. It has no socket, no clock, no mailboxes.
//!
//! The owner feeds it with what the client sent and asks for the next [`Event`]. Some events are questions: whether a recipient
//! exists, what a SASL response is worth. They are answered with [`Session::accept`], [`Session::refuse`], [`Session::challenge`],
//! [`Session::finish`] or [`Session::secured`] before the next event is asked for; a question left open is refused with 451. Replies
//! collect in the output, so that a group of pipelined commands is answered in one packet (RFC 2920 §3.2).
//!
//! ```
//! use smtp::server::{Clear, Event, Role, Security, Service, Session};
//! # let service = Service { role: Role::Mx, hostname: "mx1.example.com".into(), max_size: 1000, max_recipients: 10,
//! #   max_messages: Some(10), dsn: true, starttls: false, clear: Clear::Protected };
//! let mut session = Session::new(service, Security::Clear, Vec::new());
//! assert_eq!(session.take_output(), b"220 mx1.example.com ESMTP Pennyblack\r\n");
//!
//! let mut input: &[u8] = b"EHLO client.example\r\nMAIL FROM:<a@client.example>\r\n";
//! assert!(matches!(session.next_event(&mut input), Event::Hello { .. }));
//! let Event::Mail(mail) = session.next_event(&mut input) else { panic!() };
//! assert_eq!(mail.reverse_path.unwrap().domain(), "client.example");
//! session.accept();
//! assert!(matches!(session.next_event(&mut input), Event::NeedInput));
//! ```
//!
//! **Invariants.** Text that came in clear before STARTTLS is never read after it. Octets of a message are never read as commands.
//! What is held for a client that has not logged in stays under 64 KiB (Y14): a line of at most 12 KiB, an output of little more than 8 KiB.

mod commands;
mod line;
mod login;
mod replies;
mod service;
mod state;
mod transfer;

pub use service::{Clear, Role, Service};
pub use state::{Closing, Counts};

use crate::data::Fault;
use crate::{MailCommand, RcptCommand, Reply};
use line::LineReader;
use state::{Question, State};

/// Output of this size is written before more is produced.
const FLUSH_AT: usize = 8 * 1024;
/// Wrong commands that are answered as such; the next one ends the session.
const MAX_ERRORS: u32 = 10;
/// Recipients that may be refused in a session of strangers; after that, none is looked up (harvesting of addresses).
const MAX_REFUSED: u32 = 100;
/// Failed log-ins in a session.
const MAX_FAILED_LOGINS: u32 = 5;
/// Commands between two messages that bring no message nearer.
const MAX_IDLE_COMMANDS: u32 = 500;

/// What the owner has to do next.
#[derive(Debug)]
pub enum Event<'a> {
    /// All input is used: write the output, then read.
    NeedInput,
    /// The output is large: write it before going on.
    Flush,
    /// The client said its name. Any transaction is void.
    Hello {
        /// As it was given.
        name: String,
        /// EHLO or LHLO, not HELO.
        extended: bool,
    },
    /// Question: may this transaction begin? [`Session::accept`] or [`Session::refuse`].
    Mail(MailCommand),
    /// Question: can this recipient get the message? [`Session::accept`] or [`Session::refuse`].
    Rcpt(RcptCommand),
    /// A transaction was refused for what MAIL itself says, with this reply. For the log.
    MailRefused(MailCommand, Reply),
    /// A recipient was refused without a question, with this reply. For the log.
    RcptRefused(RcptCommand, Reply),
    /// The transaction is void.
    Reset,
    /// The envelope is complete, and the message begins.
    Begin,
    /// Octets of the message, without dot-stuffing.
    Content(&'a [u8]),
    /// Question: was the chunk taken? [`Session::accept`] or [`Session::refuse`]; a refusal voids the transaction.
    EndOfChunk,
    /// Question: what becomes of the message? [`Session::finish`]. With a fault it must be refused, see [`refusal_of`].
    EndOfMessage(Option<Fault>),
    /// Question: a log-in begins. [`Session::accept`], [`Session::refuse`] or [`Session::challenge`].
    Auth {
        /// One of those announced.
        mechanism: &'static str,
        /// Decoded, if there was one.
        initial: Option<Vec<u8>>,
    },
    /// Question: the response to a challenge, decoded. [`Session::accept`], [`Session::refuse`] or [`Session::challenge`].
    AuthResponse(Vec<u8>),
    /// The log-in was broken off. Its state can be thrown away.
    AuthCancelled,
    /// Question: write the output, do the TLS handshake, then [`Session::secured`]. Any transaction is void.
    StartTls,
    /// Write the output and close the connection.
    Close(Closing),
}

/// Whether the connection is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Security {
    /// It is not.
    Clear,
    /// It is.
    Tls,
}

/// One client's session.
#[derive(Debug)]
pub struct Session {
    service: Service,
    state: State,
    security: Security,
    /// SASL mechanisms that may be used now.
    mechanisms: Vec<&'static str>,
    logged_in: bool,
    draining: bool,
    /// Its account may not be used any more.
    dismissed: bool,
    lines: LineReader,
    output: Vec<u8>,
    counts: Counts,
}

/// A step's outcome: where the session stands, and what the owner has to do, if anything.
type Next<'a> = (State, Option<Event<'a>>);

/// The reply to a message with this fault.
pub fn refusal_of(fault: Fault) -> Reply {
    replies::faulty(fault)
}

impl Session {
    /// A session that has just begun; the banner is in the output. `mechanisms` are those that may be used as things are now.
    pub fn new(service: Service, security: Security, mechanisms: Vec<&'static str>) -> Session {
        let mut session = Session {
            state: State::New,
            security,
            mechanisms,
            logged_in: false,
            draining: false,
            dismissed: false,
            lines: LineReader::default(),
            output: Vec::new(),
            counts: Counts::default(),
            service,
        };
        let banner = replies::banner(&session.service);
        session.say(&banner);
        session
    }

    /// Takes what it needs from the front of `input`, up to the next event.
    pub fn next_event<'a>(&mut self, input: &mut &'a [u8]) -> Event<'a> {
        loop {
            if self.output.len() >= FLUSH_AT {
                return Event::Flush;
            }
            let state = std::mem::replace(&mut self.state, State::Closed(Closing::Owner));
            let (state, event) = self.step(state, input);
            self.state = state;
            if let Some(event) = event {
                return event;
            }
        }
    }

    fn step<'a>(&mut self, state: State, input: &mut &'a [u8]) -> Next<'a> {
        match state {
            State::New | State::Ready | State::Envelope(_) | State::BetweenChunks(..) => {
                self.read_command(state, input)
            }
            State::Login => self.read_response(input),
            State::Content(envelope, decoder) => self.content(envelope, decoder, input),
            State::Chunk(envelope, decoder, chunk) => self.chunk(envelope, decoder, chunk, input),
            State::Complete(envelope, fault) => {
                let question = State::Asked(Question::Message(envelope));
                (question, Some(Event::EndOfMessage(fault)))
            }
            State::Unwanted(left, reply, then) => self.unwanted(left, reply, then, input),
            State::Asked(question) => {
                self.state = State::Asked(question);
                self.refuse(replies::unanswered());
                let state = std::mem::replace(&mut self.state, State::New);
                (state, None)
            }
            State::Closed(why) => (State::Closed(why), Some(Event::Close(why))),
        }
    }

    /// The answer yes: the transaction begins, the recipient is taken, the chunk is taken, the client is logged in.
    pub fn accept(&mut self) {
        let state = std::mem::replace(&mut self.state, State::New);
        let State::Asked(question) = state else {
            self.state = state;
            return;
        };
        let reply = replies::accepted(&question);
        self.state = self.accepted(question);
        self.say(&reply);
    }

    fn accepted(&mut self, question: Question) -> State {
        match question {
            Question::Mail(envelope) => {
                self.counts.transactions += 1;
                State::Envelope(envelope)
            }
            Question::Rcpt(mut envelope) => {
                envelope.recipients += 1;
                self.counts.recipients += 1;
                State::Envelope(envelope)
            }
            Question::Chunk(envelope, decoder) => State::BetweenChunks(envelope, decoder),
            Question::Login => {
                self.logged_in = true;
                State::Ready
            }
            Question::Message(_) => {
                self.message_taken();
                State::Ready
            }
            Question::StartTls => State::Ready,
        }
    }

    /// The answer no, with this reply. After 421 the session ends.
    pub fn refuse(&mut self, reply: Reply) {
        let state = std::mem::replace(&mut self.state, State::New);
        let State::Asked(question) = state else {
            self.state = state;
            return;
        };
        let copies = match &question {
            Question::Message(envelope) => self.replies_per_message(envelope),
            _ => 1,
        };
        self.state = self.refused(question, &reply);
        for _ in 0..copies {
            self.say(&reply);
        }
        if reply.code == 421 {
            self.state = State::Closed(Closing::Owner);
        }
    }

    fn refused(&mut self, question: Question, reply: &Reply) -> State {
        match question {
            Question::Rcpt(mut envelope) => {
                envelope.refused += 1;
                self.counts.refused += 1;
                State::Envelope(envelope)
            }
            Question::Login => {
                self.counts.failed_logins += u32::from(!reply.is_temporary());
                State::Ready
            }
            Question::Mail(_) | Question::Chunk(..) | Question::Message(_) | Question::StartTls => {
                State::Ready
            }
        }
    }

    /// The answers to [`Event::EndOfMessage`]: one for SMTP; for LMTP one for each accepted recipient, in their order (RFC 2033 §4.2).
    /// A client that asked for PRDR may be given one for each too; it hears them one by one only if they differ.
    pub fn finish(&mut self, replies: &[Reply]) {
        let state = std::mem::replace(&mut self.state, State::Ready);
        let State::Asked(Question::Message(envelope)) = state else {
            self.state = state;
            return;
        };
        match self.reports_each(&envelope, replies) {
            true => self.say_each(replies),
            false => self.say_as_many(self.replies_per_message(&envelope), replies),
        }
        if replies.iter().any(Reply::is_positive) {
            self.message_taken();
        }
        if replies.iter().any(|reply| reply.code == 421) {
            self.state = State::Closed(Closing::Owner);
        }
    }

    /// Without 353 one reply holds for all, so it serves where all are alike (draft-hall-prdr).
    fn reports_each(&self, envelope: &state::Envelope, replies: &[Reply]) -> bool {
        envelope.prdr
            && envelope.recipients > 1
            && replies.len() == envelope.recipients as usize
            && replies.iter().any(|reply| reply != &replies[0])
    }

    fn say_each(&mut self, replies: &[Reply]) {
        self.say(&replies::each_recipient());
        replies.iter().for_each(|reply| self.say(reply));
        self.say(&replies::after_each_recipient(replies));
    }

    fn say_as_many(&mut self, count: u32, replies: &[Reply]) {
        let fallback = replies::unanswered();
        for index in 0..count {
            self.say(replies.get(index as usize).unwrap_or(&fallback));
        }
    }

    fn replies_per_message(&self, envelope: &state::Envelope) -> u32 {
        match self.service.role {
            Role::Mx | Role::Submission | Role::Local => 1,
            Role::Lmtp => envelope.recipients,
        }
    }

    fn message_taken(&mut self) {
        self.counts.messages += 1;
        self.counts.idle_commands = 0;
    }

    /// Takes the output that is to be written.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Whether there is output to be written.
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// The session is to end as soon as that loses nothing: after the command or message that is under way (421 4.3.2).
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// The same, because the account that is logged in may not be used any more (421 4.7.0).
    pub fn dismiss(&mut self) {
        self.dismissed = true;
        self.drain();
    }

    /// The client was silent for too long: 421 4.4.2, whatever is under way.
    pub fn time_out(&mut self) {
        self.say(&replies::timed_out(&self.service));
        self.state = State::Closed(Closing::TimedOut);
    }

    /// Whether the client is in the middle of a message, so that content can be expected in bulk.
    pub fn is_receiving(&self) -> bool {
        matches!(
            self.state,
            State::Content(..) | State::Chunk(..) | State::Unwanted(..) | State::Complete(..)
        )
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn say(&mut self, reply: &Reply) {
        reply.write_to(&mut self.output);
    }

    /// Says no to a command that was wrong, and ends the session when there were too many.
    fn wrong<'a>(&mut self, state: State, reply: &Reply) -> Next<'a> {
        self.counts.errors += 1;
        if self.counts.errors > MAX_ERRORS {
            return self.close(&replies::too_many_errors(), Closing::TooManyErrors);
        }
        self.say(reply);
        (state, None)
    }

    fn shut_down<'a>(&mut self) -> Next<'a> {
        match self.dismissed {
            true => self.close(&replies::dismissed(), Closing::Dismissed),
            false => self.close(
                &replies::shutting_down(&self.service),
                Closing::ShuttingDown,
            ),
        }
    }

    fn close<'a>(&mut self, reply: &Reply, why: Closing) -> Next<'a> {
        self.say(reply);
        (State::Closed(why), None)
    }
}

#[cfg(test)]
mod tests;
